// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cuda;

import static io.github.kofn.internal.cuda.ProductParameters.address;
import static io.github.kofn.internal.cuda.ProductParameters.pitch;
import static io.github.kofn.internal.cuda.ProductParameters.putCompanion;
import static io.github.kofn.internal.cuda.ProductParameters.putDerivative;
import static io.github.kofn.internal.cuda.ProductParameters.putFinish;
import static io.github.kofn.internal.cuda.ProductParameters.putGuard;
import static io.github.kofn.internal.cuda.ProductParameters.putOperands;
import static io.github.kofn.internal.cuda.ProductParameters.putPattern;
import static io.github.kofn.internal.cuda.ProductParameters.putView;

import io.github.kofn.DType;
import io.github.kofn.internal.cuda.CudaContext.Writer;
import io.github.kofn.internal.cuda.ProductParameters.Guard;
import io.github.kofn.internal.cuda.ProductProblem.Operation;
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
  private static final int ATTRIBUTE_L2_BYTES = 38;
  private static final int THREADS = 256;
  private static final int LANE_BATCH = 64;

  /** Results of a thread block. */
  private static final int LANE_RESULTS = 64;

  /** Features of a thread block that lays X out in tiles. */
  private static final int CHUNK_FEATURES = 64;

  private static final int TENSOR_BATCH = 128;
  private static final int LANE_FEATURES = 128;

  /** What turned features are multiples of: steps of weights' gradients on lanes. */
  private static final int GRADIENT_EXAMPLES = 128;

  /** Outputs whose blocks a mask's gradient adds up at a time. */
  private static final int MASK_OUTPUTS = 64;

  private static final int SLOPE_EXAMPLES = 256;

  private final CudaContext context;
  private final ProductPlans plans;
  private final Workspace workspace;
  private final ProductStorage storage;
  private final DenseProducts dense;
  private final GatheredProducts gathered;

  CudaProducts(CudaContext context, ProductCatalogue catalogue, ProductPlan.Regime regime) {
    this.context = context;
    DeviceLimits limits =
        new DeviceLimits(context.multiprocessors(), context.attribute(ATTRIBUTE_L2_BYTES));
    this.plans = new ProductPlans(catalogue, limits, regime);
    this.workspace = new Workspace(context);
    this.storage = new ProductStorage(context, workspace);
    this.dense = new DenseProducts(context, workspace, storage);
    this.gathered = new GatheredProducts(context, workspace, storage);
  }

  /** Gives the workspace back. */
  void close() {
    dense.close();
    workspace.close();
  }

  @Override
  public synchronized void multiply(Pattern pattern, View x, View y, Finish finish) {
    ProductPlan plan =
        plan(Operation.FORWARD, pattern.layout(), x, pattern.values(), pattern.tf32());
    workspace.reset();
    launch(plan, Guard.NONE, pattern, null, x, y, p -> putFinish(p.struct(), finish));
  }

  @Override
  public synchronized void inputGradient(
      Pattern pattern, Companion companion, View dy, View dx, Activation derivative, View z) {
    ProductPlan plan =
        plan(Operation.INPUT_GRADIENT, pattern.layout(), dy, pattern.values(), pattern.tf32());
    workspace.reset();
    Writer epilogue = p -> putDerivative(p.struct(), derivative, z);
    launch(plan, Guard.NONE, pattern, companion, dy, dx, epilogue);
  }

  private ProductPlan plan(
      Operation operation, KofNLayout layout, View first, View second, boolean tf32) {
    ProductProblem problem =
        new ProductProblem(operation, layout, first.rows(), first.type(), second.type(), tf32);
    return plans.of(problem);
  }

  /** X W^T, or with a companion dY W. */
  private void launch(
      ProductPlan plan,
      Guard guard,
      Pattern pattern,
      Companion companion,
      View source,
      View target,
      Writer finish) {
    switch (plan) {
      case ProductPlan.Few few -> launchFew(few, guard, pattern, source, target, finish);
      case ProductPlan.Chunked chunked ->
          launchChunked(chunked, guard, pattern, companion, source, target, finish);
      case ProductPlan.Lanes(int shared) ->
          launchLanes(shared, guard, pattern, companion, source, target, finish);
      case ProductPlan.Tensor tensor ->
          launchTensor(tensor, guard, pattern, companion, source, target, finish);
      case ProductPlan.Gathered gather ->
          gathered.launch(gather, guard, pattern, source, target, finish);
      case ProductPlan.Dense(ProductPlan product, ProductPlan otherwise) -> {
        boolean search = otherwise != null;
        boolean backward = companion != null;
        Guard ifPolluted = dense.launch(product, search, backward, pattern, source, target, finish);
        if (search) {
          launch(otherwise, ifPolluted, pattern, companion, source, target, finish);
        }
      }
      case ProductPlan.Floats floats -> throw unexpected(floats);
    }
  }

  private static IllegalStateException unexpected(ProductPlan plan) {
    return new IllegalStateException("the plan of a product is " + plan);
  }

  private void launchFew(
      ProductPlan.Few plan, Guard guard, Pattern pattern, View x, View y, Writer finish) {
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
          putOperands(p.struct(), staged, y, null, 0, guard);
          finish.write(p);
        });
  }

  private void launchChunked(
      ProductPlan.Chunked plan,
      Guard guard,
      Pattern pattern,
      Companion companion,
      View source,
      View target,
      Writer finish) {
    KofNLayout layout = pattern.layout();
    boolean backward = companion != null;
    long examples = Math.ceilDiv(source.rows(), plan.examples());
    View staged =
        workspace.matrix(DType.F32, Math.max(1, examples * plan.examples()), source.columns());
    context.launch(
        "kofn_matmul_stage_tiles_" + plan.examples(),
        examples * Math.ceilDiv(source.columns(), (long) CHUNK_FEATURES),
        1,
        THREADS,
        p -> {
          putView(p.struct(), source);
          p.putLong(address(staged));
          putGuard(p, guard);
        });
    String entry = backward ? "input_gradient_chunked_" : "chunked_";
    int results = backward ? layout.in() : layout.out();
    int tiles = Math.ceilDiv(results, plan.results() * THREADS / 32);
    context.launch(
        "kofn_matmul_" + entry + plan.examples(),
        tiles * examples,
        1,
        THREADS,
        p -> {
          putPattern(p.struct(), pattern);
          putOperands(p.struct(), staged, target, companion, tiles, guard);
          finish.write(p);
        });
  }

  private void launchLanes(
      int shared,
      Guard guard,
      Pattern pattern,
      Companion companion,
      View source,
      View target,
      Writer finish) {
    KofNLayout layout = pattern.layout();
    boolean backward = companion != null;
    int lines = backward ? layout.blockColumns() : layout.blockRows();
    int side = backward ? layout.blockIn() : layout.blockOut();
    String sums = source.type() == DType.I8 ? "i32" : "f32";
    String entry = backward ? "input_gradient_lanes" : "lanes_" + sums;
    long groups = (long) lines * Math.ceilDiv(side, shared);
    int tiles = Math.toIntExact(Math.ceilDiv(groups, LANE_RESULTS / shared));
    context.launch(
        "kofn_matmul_" + entry + "_" + shared,
        tiles * Math.ceilDiv(source.rows(), LANE_BATCH),
        1,
        THREADS,
        p -> {
          putPattern(p.struct(), pattern);
          putOperands(p.struct(), source, target, companion, tiles, guard);
          finish.write(p);
        });
  }

  private void launchTensor(
      ProductPlan.Tensor plan,
      Guard guard,
      Pattern pattern,
      Companion companion,
      View source,
      View target,
      Writer finish) {
    KofNLayout layout = pattern.layout();
    boolean backward = companion != null;
    View from = storage.aligned(source);
    Pattern kept =
        new Pattern(layout, pattern.indices(), pattern.packed(), storage.aligned(pattern.values()));
    int lines = Math.ceilDiv(backward ? layout.in() : layout.out(), plan.block());
    int tiles = Math.ceilDiv(lines, plan.lines());
    View order = plan.longestFirst() ? columnOrder(layout, companion) : null;
    context.launch(
        ProductPlan.entry(plan, backward),
        tiles * Math.ceilDiv(source.rows(), TENSOR_BATCH),
        1,
        plan.threads(),
        p -> {
          putPattern(p.struct(), kept);
          putOperands(p.struct(), from, target, companion, tiles, guard, order);
          finish.write(p);
        });
  }

  /** Block columns, those with the longest lists first. */
  private View columnOrder(KofNLayout layout, Companion companion) {
    View order = workspace.matrix(DType.I32, 1, layout.blockColumns());
    launchWarps(
        "column_order",
        layout.blockColumns(),
        p -> {
          p.struct().putLong(address(companion.starts()));
          p.struct().putLong(address(order));
          p.struct().putInt(layout.blockColumns());
        });
    return order;
  }

  @Override
  public synchronized void weightGradient(Pattern pattern, View x, View dy, View target) {
    KofNLayout layout = pattern.layout();
    Pattern gradient = new Pattern(layout, pattern.indices(), pattern.packed(), target);
    workspace.reset();
    switch (plan(Operation.WEIGHT_GRADIENT, layout, dy, x, pattern.tf32())) {
      case ProductPlan.Lanes(int shared) -> launchWeightGradient(shared, gradient, x, dy);
      case ProductPlan.Tensor plan -> launchWeightGradient(plan, gradient, x, dy);
      case ProductPlan.Gathered plan -> gathered.weightGradient(plan, gradient, x, dy);
      case ProductPlan.Dense(ProductPlan product, ProductPlan none) -> {
        View products = workspace.matrix(DType.F32, layout.out(), layout.in());
        launchMask(product, KofNLayout.dense(layout.out(), layout.in()), null, x, dy, products);
        Pattern everywhere = new Pattern(layout, pattern.indices(), false, products);
        if (pattern.packed()) {
          storage.pack(everywhere, target);
        } else {
          storage.scatter(everywhere, target, false);
        }
      }
      case ProductPlan other -> throw unexpected(other);
    }
  }

  private void launchWeightGradient(int shared, Pattern gradient, View x, View dy) {
    KofNLayout layout = gradient.layout();
    View turnedX = turned(x);
    View turnedDy = turned(dy);
    long terms = ProductStorage.terms(layout);
    int chunks = Math.toIntExact(Math.ceilDiv(terms, ProductPlan.gradientInputs(shared)));
    long warps = (long) layout.blockRows() * Math.ceilDiv(layout.blockOut(), shared) * chunks;
    int ofLane = ProductPlan.gradientExamples(x.rows());
    int step = 32 * ofLane;
    int examples = Math.toIntExact(Math.ceilDiv(x.rows(), step) * step);
    launchWarps(
        "weight_gradient_lanes_" + shared + "_" + ofLane,
        warps,
        p -> {
          putPattern(p.struct(), gradient);
          p.struct().putLong(address(turnedX)).putLong(address(turnedDy));
          p.putInt(Math.toIntExact(turnedX.columns())).putInt(examples);
          p.putInt(chunks).putInt(0).putLong(warps);
        });
  }

  /** The transpose, F32, its rows filled up with zeros to whole steps of examples. */
  private View turned(View view) {
    long step = view.rows() <= LANE_BATCH ? LANE_BATCH : GRADIENT_EXAMPLES;
    int pitch = Math.toIntExact(Math.multiplyExact(Math.ceilDiv(view.rows(), step), step));
    View turned = workspace.matrix(DType.F32, view.columns(), pitch);
    context.launch(
        "kofn_matmul_turn_features",
        (long) (pitch / LANE_BATCH) * Math.ceilDiv(view.columns(), LANE_FEATURES),
        1,
        THREADS,
        p -> {
          putView(p.struct(), view);
          p.struct().putLong(address(turned));
          p.struct().putInt(pitch);
        });
    return turned;
  }

  private void launchWeightGradient(ProductPlan.Tensor plan, Pattern gradient, View x, View dy) {
    KofNLayout layout = gradient.layout();
    View from = storage.aligned(x);
    View upstream = storage.aligned(dy);
    int tiles = Math.toIntExact(Math.ceilDiv(ProductStorage.terms(layout), plan.lines()));
    storage.inChunks(
        gradient,
        x.rows(),
        plan.chunk(x.rows()),
        (partial, chunks, split) ->
            context.launch(
                "kofn_tensor_weight_gradient_%s_%d_%d"
                    .formatted(plan.type(), plan.block(), plan.lines()),
                (long) layout.blockRows() * (layout.blockOut() / plan.block()) * tiles,
                chunks,
                plan.threads(),
                p -> {
                  putPattern(p.struct(), partial);
                  putOperands(p.struct(), from, upstream, null, tiles, Guard.NONE);
                  split.write(p);
                }));
  }

  @Override
  public void maskGradient(KofNLayout layout, View weights, View x, View dy, View target) {
    maskGradient(layout, weights, x, dy, target, false);
  }

  @Override
  public synchronized void maskGradient(
      KofNLayout layout, View weights, View x, View dy, View target, boolean tf32) {
    ProductPlan plan = plan(Operation.MASK_GRADIENT, layout, dy, x, tf32);
    workspace.reset();
    launchMask(plan, layout, weights, x, dy, target);
  }

  /** The products of all of dY^T X with W, or without weights themselves, summed up by blocks. */
  private void launchMask(
      ProductPlan plan, KofNLayout layout, View weights, View x, View dy, View target) {
    switch (plan) {
      case ProductPlan.Floats floats ->
          launchMask(
              "kofn_matmul_mask_gradient_" + floats.threads(),
              floats.examples(),
              floats.results(),
              floats.threads(),
              layout,
              weights,
              storage.aligned(storage.floats(x)),
              storage.aligned(storage.floats(dy)),
              target);
      case ProductPlan.Tensor tensor ->
          launchMask(
              "kofn_tensor_mask_gradient_" + tensor.type(),
              tensor.block(),
              tensor.lines(),
              tensor.threads(),
              layout,
              weights,
              storage.aligned(x),
              storage.aligned(dy),
              target);
      case ProductPlan other -> throw unexpected(other);
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
    boolean inTile = MASK_OUTPUTS % layout.blockOut() == 0 && tileIn % layout.blockIn() == 0;
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
    } else {
      storage.pack(source, target);
    }
  }

  @Override
  public synchronized void densify(Pattern source, View target) {
    storage.clear(target);
    storage.scatter(source, target, false);
  }

  @Override
  public synchronized void convert(View source, View target) {
    storage.convert(source, target);
  }

  private void launchThreads(String name, long threads, Writer writer) {
    context.launch("kofn_matmul_" + name, Math.ceilDiv(threads, THREADS), 1, THREADS, writer);
  }

  private void launchWarps(String name, long warps, Writer writer) {
    launchThreads(name, 32 * warps, writer);
  }
}
