// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.bench.matmul;

import io.github.kofn.bench.KofnBenchmark;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.OperationsPerInvocation;

/** dW = dY^T X on a GPU, where W is kept; cuBLAS computes all of it. */
@OperationsPerInvocation(GpuMatmul.QUEUED)
public class GpuWeightGradient extends KofnBenchmark {
  /** The CUDA backend, W in place. */
  @Benchmark
  public void kofnCuda(KofnGpuMatmul state) {
    state.run(state::weightGradient);
  }

  /** cuBLAS, dense. */
  @Benchmark
  public void cublas(CublasMatmul state) {
    state.run(state::weightGradient);
  }
}
