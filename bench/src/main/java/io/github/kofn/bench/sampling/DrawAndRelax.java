// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.bench.sampling;

import io.github.kofn.Tensor;
import io.github.kofn.bench.KofnBenchmark;
import org.openjdk.jmh.annotations.Benchmark;

/** Draws k of n and writes the relaxed sample. */
public class DrawAndRelax extends KofnBenchmark {
  /** The CPU backend. */
  @Benchmark
  public Tensor kofn(KofnSampling state) {
    return state.relax();
  }

  /** Noise, topk and k softmaxes. */
  @Benchmark
  public float[] libtorch(TorchSampling.Relaxations state) {
    return state.relax(false);
  }
}
