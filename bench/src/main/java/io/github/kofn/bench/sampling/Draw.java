// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.bench.sampling;

import io.github.kofn.Tensor;
import io.github.kofn.bench.KofnBenchmark;
import org.openjdk.jmh.annotations.Benchmark;

/** Draws k of n and writes their columns. */
public class Draw extends KofnBenchmark {
  /** The CPU backend. */
  @Benchmark
  public Tensor kofn(KofnSampling state) {
    return state.draw();
  }

  /** Noise and topk. */
  @Benchmark
  public void libtorch(TorchSampling.Draws state) {
    state.draw();
  }
}
