// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.bench.matmul;

import io.github.kofn.Tensor;
import io.github.kofn.bench.KofnBenchmark;
import org.openjdk.jmh.annotations.Benchmark;

/** Y = X W^T. */
public class Forward extends KofnBenchmark {
  /** The CPU backend, W packed. */
  @Benchmark
  public Tensor kofn(KofnMatmul state) {
    return state.forward();
  }

  /** The CPU backend, W in place: what training runs. */
  @Benchmark
  public Tensor kofnInPlace(KofnMatmul state) {
    return state.forwardInPlace();
  }

  /** The CPU backend with vectors of 256 bits, W packed. */
  @Benchmark
  public Tensor kofn256(KofnMatmul.Bits256 state) {
    return state.forward();
  }

  /** OpenBLAS, dense. */
  @Benchmark
  public void openblas(BlasMatmul.OpenBlas state) {
    state.forward();
  }

  /** MKL, dense. */
  @Benchmark
  public void mkl(BlasMatmul.Mkl state) {
    state.forward();
  }

  /** libtorch, dense. */
  @Benchmark
  public void libtorch(TorchMatmul state) {
    state.forward();
  }

  /** netlib, dense, in Java. */
  @Benchmark
  public void netlib(NetlibMatmul state) {
    state.forward();
  }

  /** EJML, dense, in Java. */
  @Benchmark
  public void ejml(EjmlMatmul state) {
    state.forward();
  }

  /** MKL, compressed sparse rows. */
  @Benchmark
  public void mklCsr(SparseMatmul.MklCsr state) {
    state.forward();
  }

  /** MKL, sparse rows of blocks. */
  @Benchmark
  public void mklBsr(SparseMatmul.MklBsr state) {
    state.forward();
  }

  /** EJML, compressed sparse columns, in Java. */
  @Benchmark
  public void ejmlCsc(SparseMatmul.EjmlCsc state) {
    state.forward();
  }
}
