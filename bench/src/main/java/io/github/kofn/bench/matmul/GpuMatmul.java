// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.bench.matmul;

import io.github.kofn.bench.peers.Cuda;
import jcuda.Pointer;
import jcuda.Sizeof;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** Products of one of CUDA's libraries, through JCuda: queued one behind the other. */
@State(Scope.Benchmark)
public abstract class GpuMatmul {
  /** Products that are queued before anybody waits, so that waiting is a small part. */
  public static final int QUEUED = 16;

  /** Inputs and outputs. */
  @Param({"1024", "4096"})
  public int n;

  /** Examples. */
  @Param({"16", "256", "1024"})
  public int batch;

  private Problem problem;

  /** What a product writes: batch times n elements. */
  private Pointer product;

  /** For the states below. */
  protected GpuMatmul() {}

  /** The operands. */
  abstract Problem problem();

  /** Takes the operands over, and where products are written. */
  abstract void open(Problem operands, Pointer result);

  /** Queues Y = X W^T. */
  abstract void forward();

  /** Queues dX = dY W. */
  abstract void inputGradient();

  /** What the latest product wrote, as [batch, n]. */
  abstract float[] rows(float[] result);

  /** Frees what the library holds. */
  abstract void close();

  /** Makes the operands. */
  @Setup
  public void open() {
    Cuda.requireDevice();
    problem = problem();
    product = Cuda.allocate((long) batch * n * Sizeof.FLOAT);
    open(problem, product);
  }

  /** Queues a product {@link #QUEUED} times, and waits. */
  void run(Runnable operation) {
    for (int i = 0; i < QUEUED; i++) {
      operation.run();
    }
    Cuda.synchronize();
  }

  /** Compares elements with sums in double, and frees the memory. */
  @TearDown
  public void check() {
    forward();
    problem.checkForward(rows(Cuda.floats(product, batch * n)));
    inputGradient();
    problem.checkInputGradient(rows(Cuda.floats(product, batch * n)));
    checkMore(problem, product);
    close();
    Cuda.free(product);
  }

  /** What else a library checks. */
  void checkMore(Problem operands, Pointer result) {}
}
