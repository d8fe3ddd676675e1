// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.bench.matmul;

import io.github.kofn.Tensor;
import io.github.kofn.bench.KofnBenchmark;
import org.openjdk.jmh.annotations.Benchmark;

/** dW = dY^T X where W is kept; peers compute all of it. */
public class WeightGradient extends KofnBenchmark {
  /** The CPU backend, W in place. */
  @Benchmark
  public Tensor kofn(KofnMatmul state) {
    return state.weightGradient();
  }

  /** OpenBLAS, dense. */
  @Benchmark
  public void openblas(BlasMatmul.OpenBlas state) {
    state.weightGradient();
  }

  /** MKL, dense. */
  @Benchmark
  public void mkl(BlasMatmul.Mkl state) {
    state.weightGradient();
  }

  /** libtorch, dense. */
  @Benchmark
  public void libtorch(TorchMatmul state) {
    state.weightGradient();
  }
}
