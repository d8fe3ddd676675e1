// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.bench.sampling;

import io.github.kofn.Tensor;
import io.github.kofn.bench.KofnBenchmark;
import org.openjdk.jmh.annotations.Benchmark;

/** Draws k of n and writes a mask of 0.0 and 1.0. */
public class DrawWithMask extends KofnBenchmark {
  /** The CPU backend. */
  @Benchmark
  public Tensor kofn(KofnSampling state) {
    return state.drawWithMask();
  }

  /** The CPU backend with vectors of 256 bits. */
  @Benchmark
  public Tensor kofn256(KofnSampling.Bits256 state) {
    return state.drawWithMask();
  }

  /** Noise, topk and scatter. */
  @Benchmark
  public float[] libtorch(TorchSampling.Draws state) {
    return state.drawWithMask(false);
  }

  /** Arrays.sort of keys and columns. */
  @Benchmark
  public float[] javaSort(PlainSampling state) {
    return state.sort();
  }

  /** A PriorityQueue of the k best. */
  @Benchmark
  public float[] javaHeap(PlainSampling state) {
    return state.heap();
  }
}
