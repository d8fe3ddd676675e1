// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.bench.sampling;

import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.training.GradientCollector;
import io.github.kofn.bench.Threads;
import io.github.kofn.bench.peers.Torch;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** The same composed from libtorch's operations, through DJL: what a Java user has today. */
@State(Scope.Benchmark)
public abstract class TorchSampling {
  private static final int COLUMNS = 1;

  /** A number, or all. */
  @Param({"1", "all"})
  public String threads;

  private Shape sizes;
  private ai.djl.ndarray.types.Shape matrix;
  private Engine engine;
  private NDManager manager;
  private NDArray logits;
  private NDArray upstream;
  private NDArray ones;

  /** For the states below. */
  protected TorchSampling() {}

  /** The parameter. */
  abstract String shape();

  /** Makes the arrays. */
  @Setup
  public void open() {
    sizes = Shape.of(shape());
    matrix = new ai.djl.ndarray.types.Shape(sizes.rows(), sizes.n());
    engine = Torch.engine(Threads.count(threads));
    manager = engine.newBaseManager();
    logits = manager.create(sizes.logits(), matrix);
    upstream = manager.create(sizes.logits(), matrix);
    ones = manager.ones(new ai.djl.ndarray.types.Shape(sizes.rows(), sizes.k()), DataType.FLOAT32);
  }

  /** Uniform, two logarithms: two to four times as fast here as exponential noise. */
  private NDArray keys(NDManager scratch) {
    NDArray noise = scratch.randomUniform(Float.MIN_NORMAL, 1, matrix, DataType.FLOAT32);
    return logits.sub(noise.log().negi().log());
  }

  private NDList winners(NDArray keys, boolean sorted) {
    return keys.topK(sizes.k(), COLUMNS, true, sorted);
  }

  private NDArray mask(NDManager scratch, NDArray columns) {
    return scratch.zeros(matrix, DataType.FLOAT32).scatter(columns, ones, COLUMNS);
  }

  /** The k successive softmaxes, as the authors of dynamic probabilistic pruning have them. */
  private NDArray relaxed(NDArray keys, NDArray columns) {
    NDArray minusInfinity = ones.get(":, :1").mul(Float.NEGATIVE_INFINITY);
    NDArray left = keys;
    NDArray sum = left.softmax(COLUMNS);
    for (int j = 1; j < sizes.k(); j++) {
      left = left.scatter(columns.get(":, {}:{}", j - 1, j), minusInfinity, COLUMNS);
      sum = sum.add(left.softmax(COLUMNS));
    }
    return sum;
  }

  /** Writes the columns. */
  void draw() {
    try (NDManager scratch = scratch()) {
      winners(keys(scratch), false);
    }
  }

  /** Writes the mask. */
  float[] drawWithMask(boolean copy) {
    try (NDManager scratch = scratch()) {
      NDArray mask = mask(scratch, winners(keys(scratch), false).get(1));
      return copy ? mask.toFloatArray() : null;
    }
  }

  /** Writes the relaxed sample. */
  float[] relax(boolean copy) {
    try (NDManager scratch = scratch()) {
      NDArray keys = keys(scratch);
      NDArray soft = relaxed(keys, winners(keys, true).get(1));
      return copy ? soft.toFloatArray() : null;
    }
  }

  /** Writes mask and gradient. */
  float[] gradient(boolean copy) {
    logits.setRequiresGradient(true);
    try (NDManager scratch = scratch();
        GradientCollector collector = engine.newGradientCollector()) {
      NDArray keys = keys(scratch);
      NDArray columns = winners(keys.stopGradient(), true).get(1);
      NDArray mask = mask(scratch, columns);
      collector.backward(relaxed(keys, columns).mul(upstream).sum());
      return copy ? mask.toFloatArray() : null;
    } finally {
      logits.setRequiresGradient(false);
    }
  }

  /** Everything made during an operation, the results of operations on longer-lived arrays too. */
  private NDManager scratch() {
    NDManager scratch = manager.newSubManager();
    logits.tempAttach(scratch);
    ones.tempAttach(scratch);
    upstream.tempAttach(scratch);
    return scratch;
  }

  /** Checks that exactly k are kept, and frees everything. */
  @TearDown
  public void check() {
    sizes.checkMask(drawWithMask(true));
    checkMore(sizes);
    manager.close();
  }

  /** What else a state checks. */
  void checkMore(Shape expected) {}

  /** All shapes. */
  @State(Scope.Benchmark)
  public static class Draws extends TorchSampling {
    /** ROWSxN:K. */
    @Param({
      "65536x25:5",
      "8192x64:8",
      "4096x256:26",
      "300x784:78",
      "1024x1024:102",
      "500x2450:49",
      "4096x4096:409",
      "16x131072:50",
      "1x1048576:1000"
    })
    public String shape;

    @Override
    String shape() {
      return shape;
    }
  }

  /** The shapes of which a graph of k softmaxes fits into memory. */
  @State(Scope.Benchmark)
  public static class Relaxations extends TorchSampling {
    /** ROWSxN:K. */
    @Param({
      "65536x25:5",
      "8192x64:8",
      "4096x256:26",
      "300x784:78",
      "1024x1024:102",
      "500x2450:49",
      "16x131072:50"
    })
    public String shape;

    @Override
    String shape() {
      return shape;
    }

    @Override
    void checkMore(Shape expected) {
      expected.checkSoft(relax(true));
    }
  }
}
