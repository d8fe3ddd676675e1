// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.bench;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class GateTest {
  private static final long SECOND = 1_000_000_000L;
  private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

  /** Spends some of the thread's time. */
  private static void spin(long nanoseconds) {
    long start = THREADS.getCurrentThreadCpuTime();
    while (THREADS.getCurrentThreadCpuTime() - start < nanoseconds) {
      Thread.onSpinWait();
    }
  }

  @Test
  void findsWhatStaysBehind() {
    Gate gate = new Gate(3 * SECOND);
    gate.add("fast", "fast", 1, () -> spin(50_000));
    gate.add("slow", "fast", 1, () -> spin(1_000_000));
    AssertionError e = assertThrows(AssertionError.class, () -> gate.check(1));
    assertTrue(e.getMessage().contains("slow does"), e.getMessage());
  }

  /** As if its code were compiled only then. */
  @Test
  void waitsForWhatCatchesUp() {
    long start = System.nanoTime();
    Gate gate = new Gate(60 * SECOND);
    gate.add("fast", "fast", 1, () -> spin(50_000));
    gate.add("late", "fast", 1, () -> spinUntil(start + 4 * SECOND));
    gate.check(1);
  }

  /** What catches up with a sibling that itself caught up late, whatever the order they run in. */
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void looksAgainWhenASiblingCatchesUp(long order) {
    long start = System.nanoTime();
    Gate gate = new Gate(60 * SECOND);
    gate.add("fast", "fast", 1, () -> spin(50_000));
    gate.add("late", "fast", 1, () -> spinUntil(start + 4 * SECOND));
    gate.add("later", "late", 1, () -> spinUntil(start + 6 * SECOND));
    gate.check(order);
  }

  /** A hundred times slower until then. */
  private static void spinUntil(long then) {
    spin(System.nanoTime() < then ? 5_000_000 : 50_000);
  }

  /** What sleeps spends no time of its own. */
  @Test
  void countsTheThreadsOwnTime() {
    Gate gate = new Gate(0);
    gate.add("fast", "fast", 1, () -> spin(2_000_000));
    gate.add(
        "held up",
        "fast",
        1,
        () -> {
          spin(2_000_000);
          LockSupport.parkNanos(10_000_000);
        });
    gate.check(1);
  }
}
