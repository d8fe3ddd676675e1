// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.bench.matmul;

import io.github.kofn.bench.Gate;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** No product is left behind by the compiler, whatever ran before it. */
class ProductGateTest {
  private static final int N = 512;
  private static final int BATCH = 256;
  private static final int SPARSITY = 75;

  private final List<KofnMatmul> states = new ArrayList<>();

  /** Takes results that would otherwise not be computed. */
  private float sink;

  @ParameterizedTest
  @ValueSource(longs = {1, 2})
  void productsKeepUp(long order) {
    Gate gate = new Gate();
    Peak peak = new Peak();
    Peak.Factors factors = new Peak.Factors();
    double flops = (double) Peak.FLOPS_PER_LANE * Peak.lanes();
    gate.add("fma", "fma", flops, () -> sink += peak.widest(factors));
    KofnMatmul single = state("1x1");
    KofnMatmul block = state("16x16");
    double kept = 2.0 * N * N * BATCH * (100 - SPARSITY) / 100;
    gate.add("16x16", "fma", kept, block::forward);
    gate.add("4x1", "fma", kept, state("4x1")::forward);
    gate.add("16x16 dX", "fma", kept, block::inputGradient);
    gate.add("4x1 dX", "16x16", kept, state("4x1")::inputGradient);
    gate.add("dMask", "fma", 2.0 * N * N * BATCH, single::maskGradient);
    double all = 2.0 * N * N * BATCH;
    gate.add("dense", "fma", all, state("1x1", 0)::forward);
    gate.add("dense dX", "fma", all, state("64x64", 0)::inputGradient);
    gate.add("dense dW", "fma", all, state("1x1", 0)::weightGradient);
    gate.add("nearly dense", "dense", all, state("1x1", 35)::forward);
    gate.add("1x1", "16x16", kept, single::forward);
    gate.add("1x1 in place", "1x1", kept, single::forwardInPlace);
    gate.add("1x1 dX", "1x1", kept, single::inputGradient);
    gate.add("1x1 dW", "1x1", kept, single::weightGradient);
    gate.add("16x16 dW", "16x16", kept, block::weightGradient);
    gate.add("1x9", "1x1", kept, state("1x9")::forward);
    gate.check(order);
    states.forEach(KofnMatmul::check);
  }

  /** Weights are read once for all of a few examples; narrow blocks have less to do at a time. */
  @ParameterizedTest
  @ValueSource(longs = {1, 2})
  void fewExamplesKeepUp(long order) {
    Gate gate = new Gate();
    gate.add("dense of 1", "dense of 1", 2.0 * N * N, state("1x1", 0, 1)::forward);
    for (int examples : new int[] {1, 7}) {
      String wider = "dense of 1";
      for (String block : List.of("16x16", "4x1", "1x16", "1x9")) {
        KofnMatmul state = state(block, SPARSITY, examples);
        String name = block + " of " + examples;
        double kept = 2.0 * N * N * examples * (100 - SPARSITY) / 100;
        gate.add(name, wider, kept, state::forward);
        gate.add(
            name + ", dX",
            block.equals("4x1") ? "1x16 of " + examples : name,
            kept,
            state::inputGradient);
        wider = name;
      }
    }
    gate.check(order);
    states.forEach(KofnMatmul::check);
  }

  private KofnMatmul state(String block) {
    return state(block, SPARSITY);
  }

  private KofnMatmul state(String block, int sparsity) {
    return state(block, sparsity, BATCH);
  }

  private KofnMatmul state(String block, int sparsity, int batch) {
    KofnMatmul state = new KofnMatmul();
    state.block = block;
    state.n = N;
    state.batch = batch;
    state.sparsity = sparsity;
    state.threads = "1";
    state.open();
    states.add(state);
    return state;
  }
}
