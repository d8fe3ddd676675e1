// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.bench.matmul;

import static jcuda.jcublas.cublasOperation.CUBLAS_OP_N;
import static jcuda.jcublas.cublasOperation.CUBLAS_OP_T;

import io.github.kofn.bench.peers.Cuda;
import jcuda.Pointer;
import jcuda.jcublas.JCublas2;
import jcuda.jcublas.cublasHandle;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;

/**
 * Dense products of cuBLAS in true F32. It takes matrices column by column, so what is row-major
 * here is its transpose there, and operands change places.
 */
@State(Scope.Benchmark)
public class CublasMatmul extends GpuMatmul {
  private static final Pointer ONE = Pointer.to(new float[] {1});
  private static final Pointer ZERO = Pointer.to(new float[] {0});

  private final cublasHandle handle = new cublasHandle();
  private Pointer w;
  private Pointer x;
  private Pointer dy;

  /** What products write: batch times n elements; dW has room of its own. */
  private Pointer y;

  private Pointer dw;

  /** For JMH. */
  public CublasMatmul() {}

  @Override
  Problem problem() {
    return Problem.dense(n, batch);
  }

  @Override
  void open(Problem operands, Pointer result) {
    JCublas2.setExceptionsEnabled(true);
    JCublas2.cublasCreate(handle);
    w = Cuda.copyOf(operands.weights());
    x = Cuda.copyOf(operands.x());
    dy = Cuda.copyOf(operands.dy());
    y = result;
    dw = Cuda.copyOf(new float[n * n]);
  }

  @Override
  void forward() {
    multiply(CUBLAS_OP_T, CUBLAS_OP_N, batch, n, w, x, y);
  }

  @Override
  void inputGradient() {
    multiply(CUBLAS_OP_N, CUBLAS_OP_N, batch, n, w, dy, y);
  }

  /** Queues dW = dY^T X. */
  void weightGradient() {
    multiply(CUBLAS_OP_N, CUBLAS_OP_T, n, batch, x, dy, dw);
  }

  /** A product [n, columns] of sums of so many terms; all rows here are n long. */
  private void multiply(
      int turnA, int turnB, int columns, int terms, Pointer a, Pointer b, Pointer c) {
    JCublas2.cublasSgemm(handle, turnA, turnB, n, columns, terms, ONE, a, n, b, n, ZERO, c, n);
  }

  @Override
  float[] rows(float[] result) {
    return result;
  }

  @Override
  void checkMore(Problem operands, Pointer result) {
    weightGradient();
    operands.checkWeightGradient(Cuda.floats(dw, n * n));
  }

  @Override
  void close() {
    JCublas2.cublasDestroy(handle);
    Cuda.free(w, x, dy, dw);
  }
}
