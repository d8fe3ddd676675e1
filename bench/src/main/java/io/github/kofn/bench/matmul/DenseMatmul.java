// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.bench.matmul;

import io.github.kofn.bench.Threads;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** The dense products of a BLAS, row-major, as a dense layer has them. */
@State(Scope.Benchmark)
public abstract class DenseMatmul {
  /** Inputs and outputs. */
  @Param({"1024", "4096"})
  public int n;

  /** Examples. */
  @Param({"1", "16", "256", "1024"})
  public int batch;

  /** A number, or all. */
  @Param({"1", "all"})
  public String threads;

  private Problem problem;

  /** For the states below. */
  protected DenseMatmul() {}

  /** Makes the operands. */
  @Setup
  public void open() {
    problem = Problem.dense(n, batch);
    open(problem, Threads.count(threads));
  }

  /** Takes the operands over. */
  abstract void open(Problem operands, int threadCount);

  /** Computes Y = X W^T. */
  abstract void forward();

  /** Computes dX = dY W. */
  abstract void inputGradient();

  /** Computes dW = dY^T X. */
  abstract void weightGradient();

  /** What the last product wrote. */
  abstract float[] result();

  /** Frees what is not Java's. */
  abstract void close();

  /** Compares elements with sums in double. */
  @TearDown
  public void check() {
    forward();
    problem.checkForward(result());
    inputGradient();
    problem.checkInputGradient(result());
    weightGradient();
    problem.checkWeightGradient(result());
    close();
  }
}
