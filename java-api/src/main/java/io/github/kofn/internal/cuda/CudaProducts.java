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
  private static final int WARPS = THREADS / 32;
  private static final int LANE_BATCH = 64;
  private static final int MASK_TILE = 64;
  private static final int SLOPE_EXAMPLES = 256;

  private final CudaContext context;
  private final ProductCatalogue catalogue;
  private final Workspace workspace;

  CudaProducts(CudaContext context, ProductCatalogue catalogue) {
    this.context = context;
    this.catalogue = catalogue;
    this.workspace = new Workspace(context);
  }

  /** Gives the workspace back. */
  void close() {
    workspace.close();
  }

  @Override
  public synchronized void multiply(Pattern pattern, View x, View y, Finish finish) {
    KofNLayout layout = pattern.layout();
    String sums = x.type() == DType.I8 ? "i32" : "f32";
    int shared = catalogue.covering("KOFN_LANES", layout.blockOut());
    long groups = (long) layout.blockRows() * Math.ceilDiv(layout.blockOut(), shared);
    launchLanes(
        "kofn_matmul_lanes_" + sums + "_" + shared,
        groups,
        pattern,
        x,
        y,
        null,
        p -> putFinish(p.struct(), finish));
  }

  @Override
  public synchronized void inputGradient(
      Pattern pattern, Companion companion, View dy, View dx, Activation derivative, View z) {
    KofNLayout layout = pattern.layout();
    int shared = catalogue.covering("KOFN_LANES_BACK", layout.blockIn());
    long groups = (long) layout.blockColumns() * Math.ceilDiv(layout.blockIn(), shared);
    launchLanes(
        "kofn_matmul_input_gradient_lanes_" + shared,
        groups,
        pattern,
        dy,
        dx,
        companion,
        p -> putDerivative(p.struct(), derivative, z));
  }

  private void launchLanes(
      String entry,
      long groups,
      Pattern pattern,
      View source,
      View target,
      Companion companion,
      Writer finish) {
    int tiles = Math.toIntExact(Math.ceilDiv(groups, WARPS));
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

  @Override
  public synchronized void weightGradient(Pattern pattern, View x, View dy, View target) {
    KofNLayout layout = pattern.layout();
    int shared = catalogue.covering("KOFN_WEIGHT_GRADIENT", layout.blockOut());
    Pattern gradient = new Pattern(layout, pattern.indices(), pattern.packed(), target);
    context.launch(
        "kofn_matmul_weight_gradient_lanes_" + shared,
        (long) layout.blockRows() * Math.ceilDiv(layout.blockOut(), shared),
        Math.ceilDiv((long) layout.k() * layout.blockIn(), THREADS),
        THREADS,
        p -> {
          putPattern(p.struct(), gradient);
          putOperands(p.struct(), x, dy, null, 0);
        });
  }

  @Override
  public synchronized void maskGradient(
      KofNLayout layout, View weights, View x, View dy, View target) {
    workspace.reset();
    boolean inTile = MASK_TILE % layout.blockOut() == 0 && MASK_TILE % layout.blockIn() == 0;
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
    long tiles =
        (long) Math.ceilDiv(layout.out(), MASK_TILE) * Math.ceilDiv(layout.in(), MASK_TILE);
    context.launch("kofn_matmul_mask_gradient", tiles, 1, THREADS, writer);
    if (!inTile) {
      long blocks = (long) layout.blockRows() * layout.blockColumns();
      launchWarps("sum_blocks", blocks, writer);
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
