// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.pruning;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.kofn.Backend;
import io.github.kofn.DType;
import io.github.kofn.Device;
import io.github.kofn.KofnException;
import io.github.kofn.Tensor;
import io.github.kofn.sampling.DrawKey;
import io.github.kofn.sampling.GumbelTopK;
import io.github.kofn.sampling.Order;
import io.github.kofn.sampling.RelaxedTopK;
import io.github.kofn.sampling.Selection;
import io.github.kofn.sparse.KofNLayout;
import java.util.Arrays;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class PruningMaskTest {
  private static final KofNLayout LAYOUT = KofNLayout.weights(7, 23, 5);
  private static final PruningOptions OPTIONS = PruningOptions.of(42, 3, 10);

  private final Device device = Device.open(Backend.REFERENCE);

  @AfterEach
  void close() {
    device.close();
  }

  @Property(tries = 60)
  void everyStepDrawsExactlyKOfEveryRow(
      @ForAll @IntRange(min = 0, max = 20) int rows,
      @ForAll @IntRange(min = 1, max = 70) int n,
      @ForAll @IntRange(min = 0, max = 70) int wanted,
      @ForAll long seed) {
    KofNLayout layout = KofNLayout.weights(rows, n, Math.min(wanted, n));
    try (Device own = Device.open(Backend.REFERENCE);
        PruningMask mask = PruningMask.create(own, layout, PruningOptions.of(seed, 1, 2))) {
      for (int step = 0; step < 5; step++) {
        assertTrue(mask.requireExactlyK(mask.draw()));
      }
      assertTrue(mask.requireExactlyK(mask.evaluationSelection()));
    }
  }

  @Test
  void aSelectionThatIsNotExactlyKIsNoticed() {
    try (PruningMask mask = PruningMask.create(device, LAYOUT, OPTIONS)) {
      Selection selection = mask.draw();
      int[] right = selection.indices().toInts();
      for (int bad : new int[] {right[6], -1, 23}) {
        int[] wrong = right.clone();
        wrong[7] = bad; // the second of row 1 repeats the first, or lies outside
        try (Tensor values = device.tensorOf(wrong, 7, 5)) {
          selection.indices().copyFrom(values.segment());
        }
        KofnException e = assertThrows(KofnException.class, () -> mask.requireExactlyK(selection));
        assertTrue(e.getMessage().contains("row 1"), e.getMessage());
      }
    }
  }

  @Test
  void drawsWhatTheSamplerDrawsForEachStep() {
    try (PruningMask mask = PruningMask.create(device, LAYOUT, OPTIONS)) {
      for (int step = 0; step < 4; step++) {
        assertEquals(step, mask.step());
        try (Selection expected =
            GumbelTopK.of(5).draw(mask.logits(), DrawKey.of(42, 3).atStep(step))) {
          assertArrayEquals(expected.indices().toInts(), mask.draw().indices().toInts());
        }
      }
    }
  }

  @Test
  void resumesWhereItWas() {
    try (PruningMask first = PruningMask.create(device, LAYOUT, OPTIONS);
        PruningMask second = PruningMask.create(device, LAYOUT, OPTIONS)) {
      for (int i = 0; i < 6; i++) {
        first.draw();
      }
      second.setStep(6);
      assertArrayEquals(first.draw().indices().toInts(), second.draw().indices().toInts());
    }
  }

  @Test
  void drawingReusesItsTensorsAndChangesTheMask() {
    try (PruningMask mask = PruningMask.create(device, LAYOUT, OPTIONS)) {
      Tensor tensor = mask.draw().indices();
      int[] before = tensor.toInts();
      assertEquals(tensor, mask.draw().indices());
      assertFalse(Arrays.equals(before, tensor.toInts()));
    }
  }

  @Test
  void evaluationTakesTheLargestLogitsAndRepeats() {
    float[] logits = new float[7 * 23];
    for (int i = 0; i < logits.length; i++) {
      logits[i] = i * 37 % 23; // a permutation in each row
    }
    try (Tensor tensor = device.wrap(logits, 7, 23);
        PruningMask mask = PruningMask.over(tensor, LAYOUT, OPTIONS)) {
      int[] once = mask.evaluationSelection().indices().toInts();
      mask.draw();
      assertArrayEquals(once, mask.evaluationSelection().indices().toInts());
      for (int i = 0; i < once.length; i++) {
        assertTrue(logits[i / 5 * 23 + once[i]] >= 23 - 5, "entry " + i);
      }
    }
  }

  @Test
  void freshLogitsAreTheSameEverywhereAndNormal() {
    KofNLayout layout = KofNLayout.weights(301, 401, 40);
    float[] logits = PruningMask.initialLogits(layout, OPTIONS);
    // Known answer: any platform must give these bits.
    assertEquals(KNOWN_HASH, Arrays.hashCode(logits));
    double sum = 0;
    double squares = 0;
    int beyondTwoSigma = 0;
    for (float logit : logits) {
      sum += logit;
      squares += (double) logit * logit;
      beyondTwoSigma += Math.abs(logit) > 1 ? 1 : 0;
    }
    int n = logits.length;
    // Five standard errors of each estimate.
    assertEquals(0, sum / n, 5 * 0.5 / Math.sqrt(n));
    assertEquals(0.25, squares / n, 5 * 0.25 * Math.sqrt(2.0 / n));
    double tail = 0.0455003;
    assertEquals(tail, beyondTwoSigma / (double) n, 5 * Math.sqrt(tail * (1 - tail) / n));
  }

  private static final int KNOWN_HASH = 1771129394;

  @Test
  void streamsAndSeedsDrawIndependently() {
    float[] logits = PruningMask.initialLogits(LAYOUT, OPTIONS);
    assertFalse(
        Arrays.equals(logits, PruningMask.initialLogits(LAYOUT, PruningOptions.of(42, 4, 10))));
    assertFalse(
        Arrays.equals(logits, PruningMask.initialLogits(LAYOUT, PruningOptions.of(43, 3, 10))));
  }

  @Test
  void theGradientIsTheRelaxationsAtTheEpochsTemperature() {
    try (PruningMask mask = PruningMask.create(device, LAYOUT, OPTIONS);
        Tensor dMask = device.tensorOf(ramp(), 7, 23);
        Tensor dLogits = device.zeros(DType.F32, 7, 23);
        Tensor expected = device.zeros(DType.F32, 7, 23)) {
      assertThrows(IllegalStateException.class, () -> mask.gradient(dMask, dLogits));
      for (int epoch : new int[] {0, 9}) {
        mask.startEpoch(epoch);
        assertEquals(epoch == 0 ? 5 : 0.5f, mask.temperature());
        Selection drawn = mask.draw();
        mask.gradient(dMask, dLogits);
        RelaxedTopK.of(epoch == 0 ? 5 : 0.5f).gradient(mask.logits(), drawn, dMask, expected);
        assertArrayEquals(expected.toFloats(), dLogits.toFloats());
      }
    }
  }

  @Test
  void entropyIsASumOverRowsInNatsAndItsGradientIsAdded() {
    float mu = 0.25f;
    float[] values = PruningMask.initialLogits(LAYOUT, OPTIONS);
    PruningOptions options = OPTIONS.withEntropyWeight(mu);
    try (Tensor logits = device.wrap(values, 7, 23);
        PruningMask mask = PruningMask.over(logits, LAYOUT, options);
        Tensor dLogits = device.tensorOf(ramp(), 7, 23)) {
      double value = mask.addEntropyGradient(dLogits);
      assertEquals(mu * entropy(values), value, 1e-4);
      float[] gradient = dLogits.toFloats();
      for (int i : new int[] {0, 22, 23, 100, 160}) {
        float kept = values[i];
        double h = 1e-2;
        values[i] = (float) (kept + h);
        double up = entropy(values);
        values[i] = (float) (kept - h);
        double down = entropy(values);
        values[i] = kept;
        // The difference quotient is off by h^2 / 6 times a third derivative below 1, and by fp32
        // rounding of the gradient on top of the ramp.
        assertEquals(mu * (up - down) / (2 * h), gradient[i] - ramp()[i], 1e-4, "entry " + i);
      }
    }
  }

  @Test
  void withoutAWeightEntropyCostsNothing() {
    try (PruningMask mask = PruningMask.create(device, LAYOUT, OPTIONS);
        Tensor dLogits = device.tensorOf(ramp(), 7, 23)) {
      assertEquals(0, mask.addEntropyGradient(dLogits));
      assertArrayEquals(ramp(), dLogits.toFloats());
    }
  }

  @Test
  void indexRemovalReachesTheRelaxation() {
    try (PruningMask mask =
            PruningMask.create(
                device,
                LAYOUT,
                OPTIONS.withRemoval(Order.INDEX).withTemperature(Schedule.constant(0.3f)));
        Tensor dMask = device.tensorOf(ramp(), 7, 23);
        Tensor dLogits = device.zeros(DType.F32, 7, 23);
        Tensor other = device.zeros(DType.F32, 7, 23)) {
      Selection drawn = mask.draw();
      mask.gradient(dMask, dLogits);
      new RelaxedTopK(0.3f, Order.INDEX).gradient(mask.logits(), drawn, dMask, other);
      assertArrayEquals(other.toFloats(), dLogits.toFloats());
      RelaxedTopK.of(0.3f).gradient(mask.logits(), drawn, dMask, other);
      assertFalse(Arrays.equals(other.toFloats(), dLogits.toFloats()));
    }
  }

  @Test
  void refusesLogitsOfAnotherShape() {
    try (Tensor logits = device.zeros(DType.F32, 23, 7);
        Tensor half = device.zeros(DType.F16, 7, 23)) {
      assertThrows(IllegalArgumentException.class, () -> PruningMask.over(logits, LAYOUT, OPTIONS));
      assertThrows(IllegalArgumentException.class, () -> PruningMask.over(half, LAYOUT, OPTIONS));
    }
  }

  @Test
  void closingTwiceIsFineAndGivenLogitsStay() {
    try (Tensor logits = device.zeros(DType.F32, 7, 23)) {
      PruningMask mask = PruningMask.over(logits, LAYOUT, OPTIONS);
      mask.draw();
      mask.close();
      mask.close();
      assertEquals(0, logits.toFloats()[0]);
      PruningMask own = PruningMask.create(device, LAYOUT, OPTIONS);
      own.close();
      assertThrows(IllegalStateException.class, own::draw);
    }
  }

  private static float[] ramp() {
    float[] values = new float[7 * 23];
    for (int i = 0; i < values.length; i++) {
      values[i] = i % 11 / 8f - 0.5f;
    }
    return values;
  }

  private static double entropy(float[] logits) {
    double total = 0;
    for (int row = 0; row < 7; row++) {
      double sum = 0;
      double weighted = 0;
      for (int i = row * 23; i < row * 23 + 23; i++) {
        sum += Math.exp(logits[i]);
        weighted += Math.exp(logits[i]) * logits[i];
      }
      total += Math.log(sum) - weighted / sum;
    }
    return total;
  }
}
