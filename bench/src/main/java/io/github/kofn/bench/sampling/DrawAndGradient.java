// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.bench.sampling;

import io.github.kofn.Tensor;
import io.github.kofn.bench.KofnBenchmark;
import org.openjdk.jmh.annotations.Benchmark;

/** Draws k of n, writes a mask, and the gradient of the logits through the relaxation. */
public class DrawAndGradient extends KofnBenchmark {
  /** The CPU backend. */
  @Benchmark
  public Tensor kofn(KofnSampling state) {
    return state.gradient();
  }

  /** Noise, topk, scatter, k softmaxes and autograd. */
  @Benchmark
  public float[] libtorch(TorchSampling.Relaxations state) {
    return state.gradient(false);
  }
}
