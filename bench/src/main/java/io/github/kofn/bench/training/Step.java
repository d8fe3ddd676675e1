// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.bench.training;

import io.github.kofn.bench.KofnBenchmark;
import org.openjdk.jmh.annotations.Benchmark;

/** One step on 128 examples: LeNet-300-100, a tenth of the hidden layers' inputs kept, SGD. */
public class Step extends KofnBenchmark {
  /** The CPU backend. */
  @Benchmark
  public double kofn(KofnTraining state) {
    return state.step();
  }

  /** libtorch, masks multiplied into dense weights. */
  @Benchmark
  public double libtorch(TorchTraining state) {
    return state.step();
  }
}
