// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cuda;

import static io.github.kofn.internal.cuda.ProductParameters.address;
import static io.github.kofn.internal.cuda.ProductParameters.pitch;
import static io.github.kofn.internal.cuda.ProductParameters.putOperands;
import static io.github.kofn.internal.cuda.ProductParameters.putPattern;
import static io.github.kofn.internal.cuda.ProductParameters.putView;

import io.github.kofn.DType;
import io.github.kofn.Layout;
import io.github.kofn.internal.cuda.CudaContext.Writer;
import io.github.kofn.internal.cuda.ProductParameters.Guard;
import io.github.kofn.internal.kernels.Buffer;
import io.github.kofn.internal.kernels.ProductKernels.Companion;
import io.github.kofn.internal.kernels.ProductKernels.Pattern;
import io.github.kofn.internal.kernels.View;
import io.github.kofn.sparse.KofNLayout;

/**
 * X W^T and dY W with W written out densely, pruned weights as zeros.
 *
 * <p>A zero does not annihilate a NaN or an infinity, and a pruned weight must. So the activations
 * are searched for one first, on the device; the dense product computes nothing if there is one,
 * and the sparse kernel, which is launched after it, computes nothing if there is none. The host
 * waits for neither, so that all of it can be captured. Which of the two it was shows in the low
 * bits of all examples: they depend on whether the whole batch is finite.
 */
final class DenseProducts {
  private static final int THREADS = 256;
  private static final int TENSOR_BATCH = 128;

  /** The depth of a stage of the F32 kernel. */
  private static final int DEPTH = 16;

  /** Elements that a thread searches. */
  private static final int RUN = 8;

  private final CudaContext context;
  private final Workspace workspace;
  private final ProductStorage storage;

  /**
   * The words 0, 1: the indices of a matrix with one block column that every block row keeps, and
   * the companion of a matrix with one block row that keeps every block column.
   */
  private final Buffer whole;

  DenseProducts(CudaContext context, Workspace workspace, ProductStorage storage) {
    this.context = context;
    this.workspace = workspace;
    this.storage = storage;
    whole = context.allocate(8);
    context.fill(whole, 0, 8, 0);
    context.fill(whole, 4, 1, 1);
  }

  /** Gives the workspace back. */
  void close() {
    context.release(whole);
  }

  /**
   * Launches the dense product.
   *
   * @param product Tensor or Floats
   * @param backward whether it is dY W, not X W^T
   * @return when the sparse kernel must run
   */
  Guard launch(
      ProductPlan product,
      boolean needsSearch,
      boolean backward,
      Pattern pattern,
      View source,
      View target,
      Writer finish) {
    View from =
        product instanceof ProductPlan.Floats ? storage.floats(source) : storage.aligned(source);
    View flag = needsSearch ? search(from) : null;
    Guard ifFinite = new Guard(flag, 0);
    switch (product) {
      case ProductPlan.Floats plan ->
          launchFloats(plan, backward, pattern, from, target, ifFinite, finish);
      case ProductPlan.Tensor plan ->
          launchTensor(plan, backward, pattern, from, target, ifFinite, finish);
      default -> throw new IllegalStateException(product + " is no dense product");
    }
    return new Guard(flag, 1);
  }

  /** Whether there is a NaN or an infinity: 1, else 0. */
  private View search(View view) {
    View flag = workspace.matrix(DType.I32, 1, 1);
    workspace.clear(flag);
    long runs = view.rows() * Math.ceilDiv(view.columns(), (long) RUN);
    context.launch(
        "kofn_matmul_find_non_finite",
        Math.ceilDiv(runs, THREADS),
        1,
        THREADS,
        p -> {
          putView(p.struct(), view);
          p.struct().putLong(address(flag));
        });
    return flag;
  }

  private void launchFloats(
      ProductPlan.Floats plan,
      boolean backward,
      Pattern pattern,
      View source,
      View target,
      Guard guard,
      Writer finish) {
    KofNLayout layout = pattern.layout();
    int depth = backward ? layout.out() : layout.in();
    int results = backward ? layout.in() : layout.out();
    int tiles = Math.ceilDiv(results, plan.results());
    View weights =
        workspace.matrix(
            DType.F32, (long) Math.ceilDiv(depth, DEPTH) * DEPTH, (long) tiles * plan.results());
    workspace.clear(weights);
    storage.scatter(pattern, weights, !backward);
    context.launch(
        "kofn_matmul_dense_" + plan.threads(),
        tiles * Math.ceilDiv(source.rows(), plan.examples()),
        1,
        plan.threads(),
        p -> {
          p.struct().putLong(address(weights)).putLong(pitch(weights));
          p.putInt(depth).putInt(results);
          putOperands(p.struct(), source, target, null, tiles, guard);
          finish.write(p);
        });
  }

  private void launchTensor(
      ProductPlan.Tensor plan,
      boolean backward,
      Pattern pattern,
      View source,
      View target,
      Guard guard,
      Writer finish) {
    KofNLayout layout = pattern.layout();
    int unit = ProductPlan.UNIT_BYTES / source.type().bytes();
    KofNLayout dense =
        backward
            ? oneBlock(layout, roundUp(layout.out(), unit), roundUp(layout.in(), plan.block()))
            : oneBlock(layout, plan.block(), roundUp(layout.in(), unit));
    Pattern everything = new Pattern(dense, words(DType.U16), false, written(pattern));
    Companion companion = new Companion(words(DType.I32), words(DType.I32), words(DType.I32));
    int results = backward ? layout.in() : layout.out();
    int tiles = Math.ceilDiv(results, plan.block());
    context.launch(
        ProductPlan.entry(plan, backward),
        tiles * Math.ceilDiv(source.rows(), TENSOR_BATCH),
        1,
        plan.threads(),
        p -> {
          putPattern(p.struct(), everything);
          putOperands(p.struct(), source, target, companion, tiles, guard);
          finish.write(p);
        });
  }

  /** Block rows of one block. */
  private static KofNLayout oneBlock(KofNLayout layout, int blockOut, int blockIn) {
    return new KofNLayout(layout.out(), layout.in(), blockOut, blockIn, 1);
  }

  private static int roundUp(int size, int step) {
    return Math.multiplyExact(Math.ceilDiv(size, step), step);
  }

  /** The same row for every block row. */
  private View words(DType type) {
    return new View(whole, 0, type, 1, 1, 0, Layout.ROW_MAJOR);
  }

  /** W as a dense matrix; itself where it is one. */
  private View written(Pattern pattern) {
    KofNLayout layout = pattern.layout();
    if (layout.isDense() && !pattern.packed()) {
      return storage.aligned(pattern.values());
    }
    View weights = storage.scratch(pattern.values().type(), layout.out(), layout.in());
    workspace.clear(weights);
    storage.scatter(pattern, weights, false);
    return weights;
  }
}
