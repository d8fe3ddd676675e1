// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.bench.sampling;

import io.github.kofn.bench.Gate;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * No way of drawing is left behind by the compiler, whatever ran before it. Every loop over vectors
 * of the CPU backend's sampling runs here:
 *
 * <pre>
 * gate             kernels
 * counted          words and keys of rows, passes of counting, listing
 * filtered         the filter, keys and selection of candidates
 * with mask        the same, masks
 * streamed         the filter over a row of many blocks
 * inserted         words and keys of columns, turning, insertion, listing of short rows
 * searched         the search of thresholds of short rows
 * relaxed          weights and scaling
 * gradient         products with the upstream gradient
 * 256 bits         filtered and inserted again, with narrower vectors
 * </pre>
 *
 * <p>Most make exact noise of every element, and would be late together if that were: so the one
 * that they are compared with is itself held against the one that makes little of it.
 */
class SamplingGateTest {
  private static final String COUNTED = "256x1024:512";

  private final List<KofnSampling> states = new ArrayList<>();

  @ParameterizedTest
  @ValueSource(longs = {1, 2})
  void drawsKeepUp(long order) {
    Gate gate = new Gate();
    add(gate, "counted", "streamed", COUNTED, new KofnSampling());
    KofnSampling middle = add(gate, "filtered", "counted", "256x1024:102", new KofnSampling());
    double elements = Shape.of("256x1024:102").elements();
    gate.add("with mask", "filtered", elements, middle::drawWithMask);
    gate.add("relaxed", "counted", elements, middle::relax);
    gate.add("gradient", "relaxed", elements, middle::gradient);
    add(gate, "inserted", "counted", "8192x25:5", new KofnSampling());
    add(gate, "searched", "counted", "2048x64:32", new KofnSampling());
    add(gate, "streamed", "counted", "4x65536:50", new KofnSampling());
    add(gate, "256 bits, filtered", "counted", "256x1024:102", new KofnSampling.Bits256());
    add(gate, "256 bits, inserted", "counted", "8192x25:5", new KofnSampling.Bits256());
    gate.check(order);
    states.forEach(KofnSampling::check);
  }

  private KofnSampling add(
      Gate gate, String name, String sibling, String shape, KofnSampling state) {
    state.shape = shape;
    state.threads = "1";
    state.open();
    states.add(state);
    gate.add(name, sibling, Shape.of(shape).elements(), state::draw);
    return state;
  }
}
