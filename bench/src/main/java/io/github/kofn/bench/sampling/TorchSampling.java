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

  private NDList winners(NDArray keys, boolean sorted) {
    return keys.topK(sizes.k(), COLUMNS, true, sorted);
  }

  /** Writes the columns. */
  void draw() {
    try (NDManager scratch = scratch()) {
      winners(Torch.keys(logits, scratch), false);
    }
  }

  /** Writes the mask. */
  float[] drawWithMask(boolean copy) {
    try (NDManager scratch = scratch()) {
      NDArray mask =
          Torch.mask(matrix, winners(Torch.keys(logits, scratch), false).get(1), ones, scratch);
      return copy ? mask.toFloatArray() : null;
    }
  }

  /** Writes the relaxed sample. */
  float[] relax(boolean copy) {
    try (NDManager scratch = scratch()) {
      NDArray keys = Torch.keys(logits, scratch);
      NDArray soft = Torch.relaxed(keys, winners(keys, true).get(1), ones);
      return copy ? soft.toFloatArray() : null;
    }
  }

  /** Writes mask and gradient. */
  float[] gradient(boolean copy) {
    logits.setRequiresGradient(true);
    try (NDManager scratch = scratch();
        GradientCollector collector = engine.newGradientCollector()) {
      NDArray keys = Torch.keys(logits, scratch);
      NDArray columns = winners(keys.stopGradient(), true).get(1);
      NDArray mask = Torch.mask(matrix, columns, ones, scratch);
      collector.backward(Torch.relaxed(keys, columns, ones).mul(upstream).sum());
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
