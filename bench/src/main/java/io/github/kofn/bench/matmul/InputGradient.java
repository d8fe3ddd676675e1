// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.bench.matmul;

import io.github.kofn.Tensor;
import io.github.kofn.bench.KofnBenchmark;
import org.openjdk.jmh.annotations.Benchmark;

/** dX = dY W. */
public class InputGradient extends KofnBenchmark {
  /** The CPU backend, W in place. */
  @Benchmark
  public Tensor kofn(KofnMatmul state) {
    return state.inputGradient();
  }

  /** OpenBLAS, dense. */
  @Benchmark
  public void openblas(BlasMatmul.OpenBlas state) {
    state.inputGradient();
  }

  /** MKL, dense. */
  @Benchmark
  public void mkl(BlasMatmul.Mkl state) {
    state.inputGradient();
  }

  /** libtorch, dense. */
  @Benchmark
  public void libtorch(TorchMatmul state) {
    state.inputGradient();
  }

  /** MKL, compressed sparse rows. */
  @Benchmark
  public void mklCsr(SparseMatmul.MklCsr state) {
    state.inputGradient();
  }

  /** MKL, sparse rows of blocks. */
  @Benchmark
  public void mklBsr(SparseMatmul.MklBsr state) {
    state.inputGradient();
  }

  /** EJML, compressed sparse columns, in Java. */
  @Benchmark
  public void ejmlCsc(SparseMatmul.EjmlCsc state) {
    state.inputGradient();
  }
}
