// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.bench.matmul;

import io.github.kofn.bench.KofnBenchmark;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.OperationsPerInvocation;

/** Y = X W^T on a GPU. */
@OperationsPerInvocation(GpuMatmul.QUEUED)
public class GpuForward extends KofnBenchmark {
  /** The CUDA backend, W packed. */
  @Benchmark
  public void kofnCuda(KofnGpuMatmul state) {
    state.run(state::forward);
  }

  /** cuBLAS, dense. */
  @Benchmark
  public void cublas(CublasMatmul state) {
    state.run(state::forward);
  }

  /** cuSPARSE, compressed sparse rows. */
  @Benchmark
  public void cusparseCsr(CusparseMatmul.Csr state) {
    state.run(state::forward);
  }

  /** cuSPARSE, sparse rows of blocks. */
  @Benchmark
  public void cusparseBsr(CusparseMatmul.Bsr state) {
    state.run(state::forward);
  }
}
