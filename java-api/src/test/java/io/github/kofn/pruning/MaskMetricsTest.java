// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.pruning;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.kofn.KofnException;
import java.util.Arrays;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.FloatRange;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class MaskMetricsTest {
  private static final float NEVER = Float.NEGATIVE_INFINITY;

  @Test
  void uniformRowsAreUndecidedAndAlike() {
    MaskMetrics metrics = MaskMetrics.of(new float[12], 3, 4);
    assertEquals(0, metrics.confidence(), 1e-12);
    assertEquals(0, metrics.diversity(), 1e-12);
  }

  @Test
  void rowsEvenlyOnKEntriesHaveTheConfidenceThatIsPromised() {
    float[] logits = {0, 0, NEVER, NEVER, NEVER, NEVER, 3, 3};
    MaskMetrics metrics = MaskMetrics.of(logits, 2, 4);
    assertEquals(1 - Math.log(2) / Math.log(4), metrics.confidence(), 1e-12);
    assertEquals(Math.log(2), metrics.diversity(), 1e-12); // disjoint rows: ln rows
  }

  @Test
  void certainRowsAreConfident() {
    float[] logits = {0, NEVER, NEVER, 0, NEVER, NEVER};
    assertEquals(new MaskMetrics(1, 0), MaskMetrics.of(logits, 2, 3));
    assertEquals(new MaskMetrics(1, 0), MaskMetrics.of(new float[] {5, -5}, 2, 1));
  }

  @Property(tries = 200)
  void staysInRange(
      @ForAll @Size(60) float @FloatRange(min = -1e4f, max = 1e4f) [] logits,
      @ForAll @IntRange(min = 0, max = 5) int shape) {
    int rows = new int[] {1, 2, 5, 12, 30, 60}[shape];
    int n = 60 / rows;
    MaskMetrics metrics = MaskMetrics.of(logits, rows, n);
    assertTrue(metrics.confidence() >= 0 && metrics.confidence() <= 1, metrics.toString());
    double most = Math.log(Math.min(rows, n));
    assertTrue(metrics.diversity() >= 0 && metrics.diversity() <= most, metrics.toString());
  }

  @Test
  void refusesRowsWithoutAFiniteMaximum() {
    float[] logits = new float[6];
    Arrays.fill(logits, 3, 6, NEVER);
    KofnException e = assertThrows(KofnException.class, () -> MaskMetrics.of(logits, 2, 3));
    assertTrue(e.getMessage().contains("row 1"), e.getMessage());
    logits[4] = Float.NaN;
    assertThrows(KofnException.class, () -> MaskMetrics.of(logits, 2, 3));
  }
}
