// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.bench.matmul;

import io.github.kofn.Tensor;
import io.github.kofn.bench.KofnBenchmark;
import org.openjdk.jmh.annotations.Benchmark;

/** dMask = W * (dY^T X), added up in blocks; peers compute dY^T X only. */
public class MaskGradient extends KofnBenchmark {
  /** The CPU backend. */
  @Benchmark
  public Tensor kofn(KofnMatmul state) {
    return state.maskGradient();
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
