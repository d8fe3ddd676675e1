// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.pruning;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.FloatRange;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class ScheduleTest {
  @Property(tries = 200)
  void isExactAtBothEndsAndMonotonic(
      @ForAll @FloatRange(min = 0.01f, max = 100) float first,
      @ForAll @FloatRange(min = 0.01f, max = 100) float last,
      @ForAll @IntRange(min = 2, max = 300) int epochs) {
    Schedule schedule = Schedule.linear(first, last, epochs);
    assertEquals(first, schedule.at(0));
    assertEquals(last, schedule.at(epochs - 1));
    assertEquals(last, schedule.at(epochs + 7));
    float direction = Math.signum(last - first);
    for (int e = 1; e < epochs; e++) {
      assertEquals(true, direction * (schedule.at(e) - schedule.at(e - 1)) >= 0, "epoch " + e);
    }
  }

  @Test
  void stepsOnceAnEpoch() {
    Schedule schedule = Schedule.linear(5, 0.5f, 10);
    for (int e = 0; e < 10; e++) {
      assertEquals(5 - 0.5 * e, schedule.at(e), 1e-6);
    }
    assertEquals(2, Schedule.constant(2).at(0));
    assertEquals(2, Schedule.constant(2).at(1000));
    assertEquals(5, Schedule.linear(5, 0.5f, 1).at(0));
  }

  @Test
  void refusesWhatIsOutOfRange() {
    assertThrows(IllegalArgumentException.class, () -> Schedule.constant(0));
    assertThrows(IllegalArgumentException.class, () -> Schedule.linear(5, Float.NaN, 3));
    assertThrows(IllegalArgumentException.class, () -> Schedule.linear(5, 1, 0));
    assertThrows(IllegalArgumentException.class, () -> Schedule.constant(1).at(-1));
  }
}
