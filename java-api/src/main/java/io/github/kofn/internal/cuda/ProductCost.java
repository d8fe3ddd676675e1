// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cuda;

import io.github.kofn.DType;
import io.github.kofn.internal.cuda.LaunchCost.Lengths;
import io.github.kofn.internal.cuda.ProductPlan.Chunked;
import io.github.kofn.internal.cuda.ProductPlan.Dense;
import io.github.kofn.internal.cuda.ProductPlan.Few;
import io.github.kofn.internal.cuda.ProductPlan.Floats;
import io.github.kofn.internal.cuda.ProductPlan.Gathered;
import io.github.kofn.internal.cuda.ProductPlan.Lanes;
import io.github.kofn.internal.cuda.ProductPlan.Tensor;
import io.github.kofn.internal.cuda.ProductProblem.Operation;
import io.github.kofn.sparse.KofNLayout;
import java.util.ArrayList;
import java.util.List;

/**
 * What a plan's launches do, as a function of sizes: the model that plans are chosen by.
 *
 * <p>Instructions were counted on the simulated device and are written here by what causes them,
 * per warp: what a block begins and ends with, what a step along the contraction takes, and what
 * each result adds. ProductCountersTest compares them with the counters. DRAM bytes are the floor:
 * every operand once. Activations are taken to lie as the kernels want them.
 */
final class ProductCost {
  private static final int WARPS = 8;
  private static final int TILE = 64;
  private static final int CHUNK = 128;
  private static final double CHUNK_BYTES = 45056;
  private static final int TENSOR_BATCH = 128;
  private static final int LANE_RESULTS = 8;

  /** Instructions of a block that finds it need not run. */
  private static final double SKIPPED = 8;

  private final ProductProblem problem;
  private final KofNLayout layout;
  private final boolean backward;

  /** Results of an example, lines that share their terms, and results of a line. */
  private final int results;

  private final int lines;
  private final int side;

  /** Sources of an example, blocks of a line's terms, and sources of a block. */
  private final int depth;

  private final int blockDepth;
  private final double density;
  private final double batch;

  private ProductCost(ProductProblem problem) {
    this.problem = problem;
    this.layout = problem.layout();
    this.backward = problem.operation() == Operation.INPUT_GRADIENT;
    this.results = backward ? layout.in() : layout.out();
    this.lines = backward ? layout.blockColumns() : layout.blockRows();
    this.side = backward ? layout.blockIn() : layout.blockOut();
    this.depth = backward ? layout.out() : layout.in();
    this.blockDepth = backward ? layout.blockOut() : layout.blockIn();
    this.density = problem.density();
    this.batch = (double) problem.batch();
  }

  /** The model's cycles of a plan on a device. */
  static double cycles(ProductPlan plan, ProductProblem problem, DeviceLimits limits) {
    return launches(plan, problem, limits).stream().mapToDouble(l -> l.cycles(limits)).sum();
  }

  /** The warp instructions of a plan. */
  static double issued(ProductPlan plan, ProductProblem problem, DeviceLimits limits) {
    return launches(plan, problem, limits).stream().mapToDouble(LaunchCost::issued).sum();
  }

  /** A plan's launches. */
  static List<LaunchCost> launches(ProductPlan plan, ProductProblem problem, DeviceLimits limits) {
    ProductCost cost = new ProductCost(problem);
    return switch (plan) {
      case Few few -> cost.few(few);
      case Chunked chunked -> cost.chunked(chunked);
      case Lanes lanes ->
          switch (problem.operation()) {
            case FORWARD, INPUT_GRADIENT -> List.of(cost.lanes(lanes.shared()));
            case WEIGHT_GRADIENT -> cost.weightGradient(lanes.shared(), limits);
            case MASK_GRADIENT -> throw new IllegalArgumentException("a mask's gradient on lanes");
          };
      case Tensor tensor ->
          switch (problem.operation()) {
            case FORWARD -> List.of(cost.tensor(tensor, cost.density));
            case INPUT_GRADIENT ->
                tensor.longestFirst()
                    ? List.of(cost.columnOrder(), cost.tensor(tensor, cost.density))
                    : List.of(cost.tensor(tensor, cost.density));
            case WEIGHT_GRADIENT -> cost.tensorWeightGradient(tensor, limits);
            case MASK_GRADIENT -> List.of(cost.tensorMaskGradient(tensor));
          };
      case Gathered gathered ->
          problem.operation() == Operation.WEIGHT_GRADIENT
              ? cost.gatheredWeightGradient(gathered, limits)
              : cost.gathered(gathered, limits);
      case Floats floats ->
          problem.operation() == Operation.MASK_GRADIENT
              ? cost.maskGradient(floats)
              : List.of(cost.floats(floats, 0));
      case Dense dense -> cost.dense(dense, limits);
    };
  }

  // Bytes.

  private double activations() {
    return batch * (layout.in() + layout.out()) * problem.first().bytes();
  }

  /** The same without inputs that no row keeps, which only an input gradient writes. */
  private double touched() {
    double inputs = layout.in() * (backward ? 1 : 1 - Math.pow(1 - density, layout.blockRows()));
    return batch * (inputs + layout.out()) * problem.first().bytes();
  }

  private double kept() {
    return (double) layout.blockRows() * layout.k() * layout.blockOut() * layout.blockIn();
  }

  private double sparseBytes() {
    double indices = (double) layout.blockRows() * layout.k() * layout.indexType().bytes();
    return touched() + kept() * problem.second().bytes() + indices;
  }

  private static double ceilDiv(double a, double b) {
    return Math.ceil(a / b);
  }

  /** lanes.cuh: 64 results x 64 examples a block. */
  private LaunchCost lanes(int shared) {
    double groups = lines * ceilDiv(side, shared);
    double mine = (double) LANE_RESULTS / shared;
    double terms = density * depth;
    double chunks = ceilDiv(depth, CHUNK);
    double blocksOfChunk = Math.max(1, (double) CHUNK / blockDepth);
    double visits = chunks * Math.min(1, blocksOfChunk * density);
    double instructions =
        1250 + chunks * 392 + mine * (visits * 48 + terms * (9.96 + 3.34 * shared));
    double blocks = ceilDiv(groups, WARPS * mine) * ceilDiv(batch, TILE);
    double l2 = (double) depth * TILE * problem.first().bytes();
    return new LaunchCost(blocks, WARPS, instructions, 0, l2, sparseBytes());
  }

  /** few.cuh: a warp some outputs that share their inputs. */
  private List<LaunchCost> few(Few plan) {
    double warps = layout.blockRows() * ceilDiv(layout.blockOut(), plan.shared());
    double steps = ceilDiv((double) layout.k() * layout.blockIn(), 32);
    double instructions =
        144
            + 13.5 * plan.shared() * plan.examples()
            + steps * (21 + plan.shared() * (8 + 1.4 * plan.examples()));
    double staged = (double) layout.in() * plan.examples();
    return List.of(
        new LaunchCost(ceilDiv(staged, 256), WARPS, 40, 4 * staged),
        new LaunchCost(ceilDiv(warps, WARPS), WARPS, instructions, sparseBytes()));
  }

  /** chunked.cuh: X in tiles, then 8 warps' results x some examples a block. */
  private List<LaunchCost> chunked(Chunked plan) {
    double examples = plan.examples();
    double tiles = ceilDiv(batch, examples);
    LaunchCost stage =
        new LaunchCost(
            tiles * ceilDiv(depth, TILE),
            WARPS,
            40 + 13.75 * examples,
            batch * depth * problem.first().bytes());
    double chunks = ceilDiv(depth, CHUNK_BYTES / (4 * examples));
    double terms = density * depth;
    double loads = terms / 32;
    double visits = chunks + loads;
    double steps = terms * examples / 128 + 0.4 * visits;
    double instructions =
        450 + chunks * 100 + plan.results() * (60 + visits * 28 + loads * 28 + steps * 9.5);
    double blocks = ceilDiv(results, (double) WARPS * plan.results()) * tiles;
    double l2 = 4 * depth * examples;
    // A step reads its terms and 512 bytes of X, of 16 examples with conflicts.
    double wavefronts = WARPS * plan.results() * steps * (examples < 32 ? 1 + 4 * 1.25 : 1 + 4);
    return List.of(
        stage,
        new LaunchCost(
            blocks, WARPS, instructions, 0, l2, sparseBytes(), Lengths.EQUAL, wavefronts));
  }

  /** tensor_product.cuh: 128 examples x the results of some lines a block. */
  private LaunchCost tensor(Tensor plan, double share) {
    double[] counted = TENSOR[backward ? 1 : 0][Integer.numberOfTrailingZeros(plan.block() / 16)];
    double unit = (double) ProductPlan.UNIT_BYTES / problem.first().bytes();
    double lists = Math.max(1, plan.lines() * (double) plan.block() / side);
    double ofAll = 1 - Math.pow(1 - share, lists);
    double union = ceilDiv(depth, unit) * ofAll;
    double hit = plan.inHalves() && share > 0 ? ofAll * ofPairs(share / ofAll) : share;
    double warps = plan.threads() / 32.0;
    double results = plan.block() * plan.lines();
    double tilesM = TENSOR_BATCH / 16.0 / plan.kernel().number(2);
    double mma = ceilDiv(depth, unit) * hit * results / 8 * TENSOR_BATCH / 16 / warps;
    boolean tf32 = problem.tf32();
    double perUnit = counted[1] + (tf32 ? 4 * tilesM : 0);
    double perMma = counted[2] + (tf32 ? (backward ? 8 : 4) / (2 * tilesM) : 0);
    double instructions = counted[0] + union * perUnit + mma * perMma;
    double blocks = ceilDiv(this.results, results) * ceilDiv(batch, TENSOR_BATCH);
    // Of X what exists, of W what is kept; both are zeros elsewhere, without a load.
    double examples = Math.min(TENSOR_BATCH, batch);
    double l2 =
        ProductPlan.UNIT_BYTES * (union * examples + ceilDiv(depth, unit) * share * results);
    boolean listsDiffer = backward && plan.lines() == 1 && share < 1;
    return new LaunchCost(
        blocks,
        warps,
        instructions,
        mma,
        l2,
        sparseBytes(),
        listsDiffer ? lengths(plan, instructions - counted[0], counted[0]) : Lengths.EQUAL);
  }

  /**
   * With which share of the pairs of neighbours in a union a line is multiplied, if it keeps this
   * share of the union. One pair in a block's odd number of halves has another block's half.
   */
  private double ofPairs(double kept) {
    double crossing = (double) ProductPlan.UNIT_BYTES / 2 / blockDepth;
    return kept * (1 + crossing * (1 - kept));
  }

  /**
   * How the lists of columns differ. A row that draws k of n keeps a column with probability k / n:
   * over all rows that is a binomial distribution, and the longest of c lists is about sqrt(2 ln c)
   * deviations longer than the mean.
   */
  private Lengths lengths(Tensor plan, double perList, double perBlock) {
    double mean = layout.blockRows() * density;
    if (mean == 0) {
      return Lengths.EQUAL;
    }
    double spread = Math.sqrt(mean * (1 - density)) * Math.sqrt(2 * Math.log(Math.max(2, lines)));
    double longest = Math.min(layout.blockRows(), mean + spread) / mean;
    double shortest = Math.max(0, mean - spread) / mean;
    double whole = perBlock + perList;
    double first = (perBlock + perList * longest) / whole;
    return new Lengths(
        first, plan.longestFirst() ? (perBlock + perList * shortest) / whole : first);
  }

  /** companion.cuh: a warp a column counts those with longer lists. */
  private LaunchCost columnOrder() {
    double columns = layout.blockColumns();
    return new LaunchCost(
        ceilDiv(columns, WARPS), WARPS, 50 + ceilDiv(columns, 32) * 16, 8 * columns);
  }

  /** Of lines of 16, 32, 64, 128 results: what a warp begins and ends with, a unit, an mma. */
  private static final double[][][] TENSOR = {
    {{2385, 113, 2.0}, {2760, 79, 2.06}, {1494, 47, 1.25}, {1531, 39, 1.125}},
    {{4604, 72, 2.06}, {3432, 77, 1.81}, {1537, 67, 1.25}, {1560, 48.5, 1.125}}
  };

  /**
   * gathered.cuh: X in panels, weights as rows of outputs, then 128 examples x V results a block.
   */
  private List<LaunchCost> gathered(Gathered plan, DeviceLimits limits) {
    double bytes = problem.first().bytes();
    boolean wide = bytes == 4;
    double activations = batch * layout.in() * bytes;
    boolean inCache = activations <= limits.l2Bytes() / 2.0;
    LaunchCost panels = panels(layout.in(), inCache);
    double terms = (double) layout.k() * layout.blockIn();
    double outputs = Math.min(TILE, layout.blockOut());
    double chunks = ceilDiv(terms, 32);
    LaunchCost weights =
        new LaunchCost(
            layout.blockRows() * chunks * ceilDiv(layout.blockOut(), TILE),
            WARPS,
            80 + 4.07 * outputs,
            Math.min(32 * kept(), bytes * layout.out() * layout.in()));
    double steps = ceilDiv(terms, wide ? 16 : 32);
    double warps = plan.threads() / 32.0;
    double mma = steps * 2 * plan.results() / 8 * plan.rows() / 16 / warps;
    double instructions =
        140
            + 21.5 * Math.min(plan.results(), TILE)
            + steps * (wide ? 90 : 62)
            + mma * (wide ? 3.9 : 1.7);
    double blocks = ceilDiv(layout.out(), plan.results()) * ceilDiv(batch, plan.rows());
    double l2 = terms * bytes * (Math.min(plan.rows(), batch) + plan.results());
    LaunchCost product =
        new LaunchCost(
            blocks, warps, instructions, mma, l2, sparseBytes() - (inCache ? activations : 0));
    return List.of(panels, weights, product);
  }

  /** gathered.cuh: features in panels. */
  private LaunchCost panels(double features, boolean inCache) {
    double bytes = batch * features * problem.first().bytes();
    return new LaunchCost(
        ceilDiv(batch, TILE) * ceilDiv(features, TILE),
        WARPS,
        problem.first().bytes() == 4 ? 400 : 148,
        inCache ? bytes : 2 * bytes);
  }

  /** gathered_gradient.cuh: X and dY in panels, then 128 terms x V outputs a block. */
  private List<LaunchCost> gatheredWeightGradient(Gathered plan, DeviceLimits limits) {
    double bytes = problem.first().bytes();
    double terms = (double) layout.k() * layout.blockIn();
    double chunk = plan.chunk(problem.batch());
    double chunks = Math.max(1, ceilDiv(batch, chunk));
    double sums = chunks == 1 ? 0 : 4 * kept() * chunks;
    boolean inCache = activations() + sums <= limits.l2Bytes() / 2.0;
    double warps = plan.threads() / 32.0;
    double steps = ceilDiv(Math.min(batch, chunk) * bytes, 2 * ProductPlan.UNIT_BYTES);
    double mma = steps * 2 * plan.results() / 8 * plan.rows() / 16 / warps;
    double mine = plan.rows() * plan.results() / warps; // sums of a warp
    double instructions =
        130 + 0.65 * mine + steps * (problem.tf32() ? 67 : 53) + mma * (problem.tf32() ? 2.7 : 1.7);
    double l2 = Math.min(batch, chunk) * bytes * (plan.rows() + plan.results());
    double blocks = ceilDiv(layout.out(), plan.results()) * ceilDiv(terms, plan.rows()) * chunks;
    List<LaunchCost> launches = new ArrayList<>();
    launches.add(panels(layout.in(), inCache));
    launches.add(panels(layout.out(), inCache));
    double moved = (inCache ? 0 : activations() + sums) + (chunks == 1 ? 4 * kept() : 0);
    launches.add(new LaunchCost(blocks, warps, instructions, mma, l2, moved));
    if (chunks > 1) {
      launches.add(sumGradients(chunks, inCache ? 0 : sums));
    }
    return launches;
  }

  /** weight_sums.cuh. */
  private LaunchCost sumGradients(double chunks, double read) {
    double inRow = (double) layout.k() * layout.blockIn() * layout.blockOut();
    return new LaunchCost(
        layout.blockRows() * ceilDiv(inRow, 256), WARPS, 68 + 5 * chunks, 4 * kept() + read);
  }

  /** dense.cuh. */
  private LaunchCost floats(Floats plan, double guarded) {
    double warps = plan.threads() / 32.0;
    double blocks = ceilDiv(results, plan.results()) * ceilDiv(batch, plan.examples());
    double instructions =
        1350 + guarded + ceilDiv(depth, 16) * (plan.threads() == 64 ? 1207 : 1180);
    double l2 = 4.0 * depth * (plan.results() + plan.examples());
    return new LaunchCost(blocks, warps, instructions, 0, l2, activations());
  }

  private List<LaunchCost> dense(Dense plan, DeviceLimits limits) {
    if (problem.operation() == Operation.WEIGHT_GRADIENT) {
      List<LaunchCost> launches =
          new ArrayList<>(
              plan.product() instanceof Tensor tensor
                  ? List.of(tensorMaskGradient(tensor))
                  : maskGradient((Floats) plan.product()));
      launches.add(scatter(4, limits));
      return launches;
    }
    boolean inFloats = plan.product() instanceof Floats;
    double bytes = inFloats ? 4 : problem.second().bytes();
    List<LaunchCost> launches = new ArrayList<>();
    boolean asItIs = !inFloats && layout.isDense();
    if (!asItIs) {
      double whole = bytes * layout.out() * layout.in();
      launches.add(new LaunchCost(1, 1, 0, whole));
      launches.add(scatter(bytes, limits));
    }
    if (plan.otherwise() != null) {
      double sources = batch * depth;
      launches.add(new LaunchCost(1, 1, 0, 4));
      launches.add(
          new LaunchCost(ceilDiv(sources / 8, 256), WARPS, 75, sources * problem.first().bytes()));
    }
    launches.add(
        plan.product() instanceof Tensor tensor
            ? tensor(tensor, 1)
            : floats((Floats) plan.product(), SKIPPED));
    if (plan.otherwise() != null) {
      for (LaunchCost launch : launches(plan.otherwise(), problem, limits)) {
        launches.add(new LaunchCost(launch.blocks(), launch.warps(), SKIPPED, 0));
      }
    }
    return launches;
  }

  /** storage.cuh: the kept elements to or from a dense matrix, which L2 may hold. */
  private LaunchCost scatter(double bytes, DeviceLimits limits) {
    double inRow = (double) layout.k() * layout.blockOut() * layout.blockIn();
    double whole = bytes * layout.out() * layout.in();
    double read = kept() * problem.second().bytes();
    double moved =
        whole <= limits.l2Bytes() / 2.0 ? read : read + Math.min(32 * kept(), whole) + whole;
    double blocks = layout.blockRows() * ceilDiv(inRow, 256);
    double busy = blocks == 0 ? 0 : layout.blockRows() * ceilDiv(inRow, 32) / (blocks * WARPS);
    return new LaunchCost(blocks, WARPS, 14 + 41 * busy, moved);
  }

  /** weight_gradient.cuh: X and dY turned, then some sums a warp. */
  private List<LaunchCost> weightGradient(int shared, DeviceLimits limits) {
    double ofLane = ProductPlan.gradientExamples(problem.batch());
    double steps = ceilDiv(batch, 32 * ofLane);
    double inputs = ProductPlan.gradientInputs(shared);
    double warps =
        layout.blockRows()
            * ceilDiv(layout.blockOut(), shared)
            * ceilDiv((double) layout.k() * layout.blockIn(), inputs);
    double instructions =
        150 + 4 * shared + steps * (6 + 2 * shared + inputs * (3 + ofLane * shared));
    double l2 = WARPS * steps * 32 * ofLane * 4 * (shared + inputs);
    double turned = 4 * TILE * ceilDiv(batch, TILE) * (layout.in() + layout.out());
    boolean inCache = turned <= limits.l2Bytes() / 2.0;
    return List.of(
        turn(layout.in(), inCache),
        turn(layout.out(), inCache),
        new LaunchCost(
            ceilDiv(warps, WARPS),
            WARPS,
            instructions,
            0,
            l2,
            4 * kept() + (inCache ? 0 : turned)));
  }

  private LaunchCost turn(double features, boolean inCache) {
    double tiles = batch <= TILE ? 1 : 2 * ceilDiv(batch, CHUNK);
    double bytes = batch * features * problem.first().bytes();
    double turned = inCache ? 0 : 4 * TILE * tiles * features;
    return new LaunchCost(tiles * ceilDiv(features, CHUNK), WARPS, 550, bytes + turned);
  }

  private double gradientBytes(double gradients) {
    return activations() + 4 * gradients;
  }

  /** mask_gradient.cuh, after copies in F32 of what is not. */
  private List<LaunchCost> maskGradient(Floats plan) {
    double blocks = ceilDiv(layout.out(), plan.examples()) * ceilDiv(layout.in(), plan.results());
    double instructions = 700 + ceilDiv(batch, 16) * 1130;
    double l2 = 4 * batch * (plan.examples() + plan.results());
    double bytes = gradientBytes(layout.out() * (double) layout.in());
    List<LaunchCost> launches = new ArrayList<>();
    if (problem.first() != DType.F32) {
      launches.add(inFloats(batch * layout.out(), problem.first()));
    }
    if (problem.second() != DType.F32) {
      launches.add(inFloats(batch * layout.in(), problem.second()));
    }
    launches.add(new LaunchCost(blocks, plan.threads() / 32.0, instructions, 0, l2, bytes));
    return launches;
  }

  private static LaunchCost inFloats(double elements, DType type) {
    return new LaunchCost(ceilDiv(elements, 256), WARPS, 60, elements * (type.bytes() + 4));
  }

  /** tensor_gradient.cuh: a tile of gradients a block. */
  private List<LaunchCost> tensorWeightGradient(Tensor plan, DeviceLimits limits) {
    double terms = (double) layout.k() * layout.blockIn();
    double blocks =
        layout.blockRows()
            * ceilDiv(layout.blockOut(), plan.block())
            * ceilDiv(terms, plan.lines());
    if (plan.chunks() == 1) {
      return List.of(tensorGradient(plan, batch, blocks, 0, touched() + 4 * kept()));
    }
    double chunk = plan.chunk(problem.batch());
    double chunks = ceilDiv(batch, chunk);
    double sums = 4 * kept() * chunks;
    boolean inCache = sums <= limits.l2Bytes() / 2.0;
    return List.of(
        tensorGradient(plan, chunk, blocks * chunks, 0, touched() + (inCache ? 0 : sums)),
        sumGradients(chunks, inCache ? 0 : sums));
  }

  private LaunchCost tensorMaskGradient(Tensor plan) {
    double blocks = ceilDiv(layout.out(), plan.block()) * ceilDiv(layout.in(), plan.lines());
    // The epilogue multiplies by W, unless the products are wanted.
    double epilogue = problem.operation() == Operation.MASK_GRADIENT ? 1260 : 880;
    return tensorGradient(
        plan, batch, blocks, epilogue, gradientBytes(layout.out() * (double) layout.in()));
  }

  private LaunchCost tensorGradient(
      Tensor plan, double examples, double blocks, double more, double bytes) {
    double warps = plan.threads() / 32.0;
    double unit = (double) ProductPlan.UNIT_BYTES / problem.first().bytes();
    double steps = ceilDiv(examples, unit);
    double mma = steps * plan.block() * plan.lines() / 128.0 / warps;
    double instructions =
        more + 440 + steps * (problem.tf32() ? 58 : 33) + mma * (problem.tf32() ? 2.6 : 1.6);
    double l2 = steps * ProductPlan.UNIT_BYTES * (plan.block() + plan.lines());
    return new LaunchCost(blocks, warps, instructions, mma, l2, bytes);
  }
}
