// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.bench.matmul;

import io.github.kofn.bench.KofnBenchmark;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.OperationsPerInvocation;

/** dX = dY W on a GPU. */
@OperationsPerInvocation(GpuMatmul.QUEUED)
public class GpuInputGradient extends KofnBenchmark {
  /** The CUDA backend, W in place. */
  @Benchmark
  public void kofnCuda(KofnGpuMatmul state) {
    state.run(state::inputGradient);
  }

  /** cuBLAS, dense. */
  @Benchmark
  public void cublas(CublasMatmul state) {
    state.run(state::inputGradient);
  }

  /** cuSPARSE, compressed sparse rows. */
  @Benchmark
  public void cusparseCsr(CusparseMatmul.Csr state) {
    state.run(state::inputGradient);
  }

  /** cuSPARSE, sparse rows of blocks. */
  @Benchmark
  public void cusparseBsr(CusparseMatmul.Bsr state) {
    state.run(state::inputGradient);
  }
}
