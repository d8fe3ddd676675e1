// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cuda;

import static io.github.kofn.internal.cuda.ProductParameters.address;
import static io.github.kofn.internal.cuda.ProductParameters.pitch;
import static io.github.kofn.internal.cuda.ProductParameters.putCompanion;
import static io.github.kofn.internal.cuda.ProductParameters.putDerivative;
import static io.github.kofn.internal.cuda.ProductParameters.putFinish;
import static io.github.kofn.internal.cuda.ProductParameters.putOperands;
import static io.github.kofn.internal.cuda.ProductParameters.putPattern;
import static io.github.kofn.internal.cuda.ProductParameters.putView;

import io.github.kofn.DType;
import io.github.kofn.Layout;
import io.github.kofn.internal.cuda.CudaContext.Writer;
import io.github.kofn.internal.kernels.ProductKernels;
import io.github.kofn.internal.kernels.View;
import io.github.kofn.sparse.Activation;
import io.github.kofn.sparse.KofNLayout;

/**
 * Plans, then launches. Nothing here waits for the device, and equal operations allocate nothing
 * after the first of them.
 *
 * <p>Error, per element, with eps = 2^-24: sums of m products are accumulated in F32, in an order
 * that depends on sizes alone, within (m + 1) eps sum|x||w| to first order in eps.
 */
final class CudaProducts implements ProductKernels {
  private static final int THREADS = 256;
  private static final int LANE_BATCH = 64;

  /** Results of a thread block. */
  private static final int LANE_RESULTS = 64;

  private static final int TENSOR_BATCH = 128;
  private static final int ALIGNMENT = 16;
  private static final int MASK_TILE = 64;
  private static final int SLOPE_EXAMPLES = 256;

  private final CudaContext context;
  private final ProductCatalogue catalogue;
  private final ProductPlan.Regime regime;
  private final Workspace workspace;

  CudaProducts(CudaContext context, ProductCatalogue catalogue, ProductPlan.Regime regime) {
    this.context = context;
    this.catalogue = catalogue;
    this.regime = regime;
    this.workspace = new Workspace(context);
  }

  /** Gives the workspace back. */
  void close() {
    workspace.close();
  }

  @Override
  public synchronized void multiply(Pattern pattern, View x, View y, Finish finish) {
    KofNLayout layout = pattern.layout();
    Writer epilogue = p -> putFinish(p.struct(), finish);
    DType weights = pattern.values().type();
    switch (ProductPlan.forward(
        catalogue, layout, x.rows(), x.type(), weights, pattern.tf32(), regime)) {
      case ProductPlan.Few plan -> launchFew(plan, pattern, x, y, epilogue);
      case ProductPlan.Lanes(int shared) -> {
        String sums = x.type() == DType.I8 ? "i32" : "f32";
        long groups = (long) layout.blockRows() * Math.ceilDiv(layout.blockOut(), shared);
        String entry = "kofn_matmul_lanes_" + sums + "_" + shared;
        launchLanes(entry, shared, groups, pattern, x, y, null, epilogue);
      }
      case ProductPlan.Tensor plan -> {
        String entry = "kofn_tensor_product_" + plan.type() + "_" + plan.block();
        launchTensor(entry, plan, layout.out(), pattern, x, y, null, epilogue);
      }
    }
  }

  @Override
  public synchronized void inputGradient(
      Pattern pattern, Companion companion, View dy, View dx, Activation derivative, View z) {
    KofNLayout layout = pattern.layout();
    Writer epilogue = p -> putDerivative(p.struct(), derivative, z);
    DType weights = pattern.values().type();
    switch (ProductPlan.backward(catalogue, layout, dy.type(), weights, pattern.tf32(), regime)) {
      case ProductPlan.Few plan -> throw forwardOnly(plan);
      case ProductPlan.Lanes(int shared) -> {
        long groups = (long) layout.blockColumns() * Math.ceilDiv(layout.blockIn(), shared);
        String entry = "kofn_matmul_input_gradient_lanes_" + shared;
        launchLanes(entry, shared, groups, pattern, dy, dx, companion, epilogue);
      }
      case ProductPlan.Tensor plan -> {
        String entry = "kofn_tensor_input_gradient_" + plan.type() + "_" + plan.block();
        launchTensor(entry, plan, layout.in(), pattern, dy, dx, companion, epilogue);
      }
    }
  }

  private static IllegalStateException forwardOnly(ProductPlan plan) {
    return new IllegalStateException(plan + " is for forward products only");
  }

  private void launchFew(ProductPlan.Few plan, Pattern pattern, View x, View y, Writer finish) {
    workspace.reset();
    int in = pattern.layout().in();
    View staged = workspace.matrix(DType.F32, in, plan.examples());
    launchThreads(
        "stage_" + plan.examples(),
        (long) in * plan.examples(),
        p -> {
          putView(p.struct(), x);
          p.struct().putLong(address(staged));
        });
    KofNLayout layout = pattern.layout();
    long groups = (long) layout.blockRows() * Math.ceilDiv(layout.blockOut(), plan.shared());
    launchWarps(
        "few_" + plan.shared() + "_" + plan.examples(),
        groups,
        p -> {
          putPattern(p.struct(), pattern);
          putOperands(p.struct(), staged, y, null, 0);
          finish.write(p);
        });
  }

  private void launchLanes(
      String entry,
      int shared,
      long groups,
      Pattern pattern,
      View source,
      View target,
      Companion companion,
      Writer finish) {
    int tiles = Math.toIntExact(Math.ceilDiv(groups, LANE_RESULTS / shared));
    context.launch(
        entry,
        tiles * Math.ceilDiv(source.rows(), LANE_BATCH),
        1,
        THREADS,
        p -> {
          putPattern(p.struct(), pattern);
          putOperands(p.struct(), source, target, companion, tiles);
          finish.write(p);
        });
  }

  private void launchTensor(
      String entry,
      ProductPlan.Tensor plan,
      int results,
      Pattern pattern,
      View source,
      View target,
      Companion companion,
      Writer finish) {
    workspace.reset();
    View from = aligned(source);
    Pattern kept =
        new Pattern(
            pattern.layout(), pattern.indices(), pattern.packed(), aligned(pattern.values()));
    int tiles = Math.ceilDiv(Math.ceilDiv(results, plan.block()), plan.lines());
    context.launch(
        entry,
        tiles * Math.ceilDiv(source.rows(), TENSOR_BATCH),
        1,
        plan.threads(),
        p -> {
          putPattern(p.struct(), kept);
          putOperands(p.struct(), from, target, companion, tiles);
          finish.write(p);
        });
  }

  /** The same elements, row-major, with rows that begin at multiples of 16 bytes. */
  private View aligned(View view) {
    int bytes = view.type().bytes();
    boolean already =
        view.layout() == Layout.ROW_MAJOR
            && address(view) % ALIGNMENT == 0
            && view.pitch() * bytes % ALIGNMENT == 0;
    if (already) {
      return view;
    }
    long pitch = Math.ceilDiv(view.columns() * bytes, ALIGNMENT) * ALIGNMENT / bytes;
    View whole = workspace.matrix(view.type(), view.rows(), pitch);
    View copy =
        new View(
            whole.buffer(),
            whole.offset(),
            view.type(),
            view.rows(),
            view.columns(),
            pitch,
            Layout.ROW_MAJOR);
    convert(view, copy);
    return copy;
  }

  @Override
  public synchronized void weightGradient(Pattern pattern, View x, View dy, View target) {
    KofNLayout layout = pattern.layout();
    Pattern gradient = new Pattern(layout, pattern.indices(), pattern.packed(), target);
    long terms = (long) layout.k() * layout.blockIn();
    switch (ProductPlan.weightGradient(
        catalogue, layout, dy.type(), x.type(), pattern.tf32(), regime)) {
      case ProductPlan.Few plan -> throw forwardOnly(plan);
      case ProductPlan.Lanes(int shared) ->
          context.launch(
              "kofn_matmul_weight_gradient_lanes_" + shared,
              (long) layout.blockRows() * Math.ceilDiv(layout.blockOut(), shared),
              Math.ceilDiv(terms, THREADS),
              THREADS,
              p -> {
                putPattern(p.struct(), gradient);
                putOperands(p.struct(), x, dy, null, 0);
              });
      case ProductPlan.Tensor plan -> {
        workspace.reset();
        View from = aligned(x);
        View upstream = aligned(dy);
        int tiles = Math.toIntExact(Math.ceilDiv(terms, plan.lines()));
        context.launch(
            "kofn_tensor_weight_gradient_" + plan.type() + "_" + plan.block(),
            (long) layout.blockRows() * (layout.blockOut() / plan.block()) * tiles,
            1,
            plan.threads(),
            p -> {
              putPattern(p.struct(), gradient);
              putOperands(p.struct(), from, upstream, null, tiles);
            });
      }
    }
  }

  @Override
  public void maskGradient(KofNLayout layout, View weights, View x, View dy, View target) {
    maskGradient(layout, weights, x, dy, target, false);
  }

  @Override
  public synchronized void maskGradient(
      KofNLayout layout, View weights, View x, View dy, View target, boolean tf32) {
    workspace.reset();
    switch (ProductPlan.maskGradient(catalogue, dy.type(), x.type(), tf32, regime)) {
      case ProductPlan.Few plan -> throw forwardOnly(plan);
      case ProductPlan.Lanes lanes ->
          launchMask(
              "kofn_matmul_mask_gradient", MASK_TILE, MASK_TILE, THREADS, layout, weights, x, dy, target);
      case ProductPlan.Tensor plan ->
          launchMask(
              "kofn_tensor_mask_gradient_" + plan.type(),
              plan.block(),
              plan.lines(),
              plan.threads(),
              layout,
              weights,
              aligned(x),
              aligned(dy),
              target);
    }
  }

  private void launchMask(
      String name,
      int tileOut,
      int tileIn,
      int threads,
      KofNLayout layout,
      View weights,
      View x,
      View dy,
      View target) {
    boolean inTile = tileOut % layout.blockOut() == 0 && tileIn % layout.blockIn() == 0;
    View products = inTile ? null : workspace.matrix(DType.F32, layout.out(), layout.in());
    Writer writer =
        p -> {
          putView(p.struct(), weights);
          putView(p, x);
          putView(p, dy);
          p.putLong(address(target)).putLong(pitch(target)).putLong(address(products));
          p.putInt(layout.out()).putInt(layout.in());
          p.putInt(layout.blockOut()).putInt(layout.blockIn());
        };
    long tiles = (long) Math.ceilDiv(layout.out(), tileOut) * Math.ceilDiv(layout.in(), tileIn);
    context.launch(name, tiles, 1, threads, writer);
    if (!inTile) {
      launchWarps("sum_blocks", (long) layout.blockRows() * layout.blockColumns(), writer);
    }
  }

  @Override
  public synchronized void activationGradient(
      View dy, Activation activation, View z, float scale, View dz, View dBias) {
    workspace.reset();
    int chunks = Math.toIntExact(Math.ceilDiv(dy.rows(), SLOPE_EXAMPLES));
    View partial = dBias == null ? null : workspace.matrix(DType.F32, chunks, dy.columns());
    Writer writer =
        p -> {
          putView(p.struct(), dy);
          putView(p, activation == Activation.IDENTITY ? null : z);
          putView(p, dz);
          p.putLong(address(partial)).putLong(address(dBias));
          p.putFloat(scale).putInt(ProductParameters.code(activation)).putInt(chunks).putInt(0);
        };
    long tiles = Math.ceilDiv(dy.columns(), 32L) * chunks;
    context.launch("kofn_matmul_activation_gradient", tiles, 1, THREADS, writer);
    if (dBias != null) {
      launchThreads("sum_chunks", dy.columns(), writer);
    }
  }

  @Override
  public synchronized void transpose(KofNLayout layout, View indices, Companion companion) {
    workspace.reset();
    int rowWords = Math.ceilDiv(layout.blockRows(), 32);
    int columnWords = Math.ceilDiv(layout.blockColumns(), 32);
    View bits = workspace.matrix(DType.I32, layout.blockColumns(), rowWords);
    Pattern pattern = new Pattern(layout, indices, true, null);
    Writer writer =
        p -> {
          putPattern(p.struct(), pattern);
          putCompanion(p.struct(), companion);
          p.putLong(address(bits)).putInt(rowWords).putInt(columnWords);
        };
    launchWarps("column_bits", (long) rowWords * columnWords, writer);
    launchWarps("column_counts", layout.blockColumns(), writer);
    context.launch("kofn_matmul_column_starts", 1, 1, THREADS, writer);
    launchWarps("column_fill", layout.blockColumns(), writer);
  }

  @Override
  public synchronized void pack(Pattern source, View target) {
    if (source.packed()) {
      densify(source, target);
      return;
    }
    launchElements("pack_blocks", source, target);
  }

  @Override
  public synchronized void densify(Pattern source, View target) {
    launchThreads(
        "clear_matrix", target.rows() * target.columns(), p -> putView(p.struct(), target));
    launchElements("scatter_blocks", source, target);
  }

  private void launchElements(String name, Pattern source, View target) {
    launchThreads(
        name,
        source.layout().packedElements(),
        p -> {
          putPattern(p.struct(), source);
          putView(p.struct(), target);
        });
  }

  @Override
  public synchronized void convert(View source, View target) {
    launchThreads(
        "convert",
        source.rows() * source.columns(),
        p -> {
          putView(p.struct(), source);
          putView(p.struct(), target);
        });
  }

  private void launchThreads(String name, long threads, Writer writer) {
    context.launch("kofn_matmul_" + name, Math.ceilDiv(threads, THREADS), 1, THREADS, writer);
  }

  private void launchWarps(String name, long warps, Writer writer) {
    launchThreads(name, 32 * warps, writer);
  }
}
