// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.bench.sampling;

import io.github.kofn.bench.Gate;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** No way of drawing is left behind by the compiler, whatever ran before it. */
class SamplingGateTest {
  private static final String MIDDLE = "256x1024:102";

  private final List<KofnSampling> states = new ArrayList<>();

  @ParameterizedTest
  @ValueSource(longs = {1, 2})
  void drawsKeepUp(long order) {
    Gate gate = new Gate();
    KofnSampling middle = state(MIDDLE, new KofnSampling());
    double elements = Shape.of(MIDDLE).elements();
    gate.add("counted", "counted", elements, middle::draw);
    gate.add("with mask", "counted", elements, middle::drawWithMask);
    gate.add("relaxed", "counted", elements, middle::relax);
    gate.add("gradient", "relaxed", elements, middle::gradient);
    add(gate, "ranked", "8192x25:5", new KofnSampling());
    add(gate, "short", "2048x64:8", new KofnSampling());
    add(gate, "streamed", "4x65536:50", new KofnSampling());
    add(gate, "256 bits", MIDDLE, new KofnSampling.Bits256());
    gate.check(order);
    states.forEach(KofnSampling::check);
  }

  private void add(Gate gate, String name, String shape, KofnSampling state) {
    gate.add(name, "counted", Shape.of(shape).elements(), state(shape, state)::draw);
  }

  private KofnSampling state(String shape, KofnSampling state) {
    state.shape = shape;
    state.threads = "1";
    state.open();
    states.add(state);
    return state;
  }
}
