// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.bench;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Assertions;

/**
 * Compares rates of kernels that ran in one JVM. A kernel whose vectors the compiler put on the
 * heap is ten to fifty times slower than it should be, depending on what ran before it: that is
 * what a gate is to find, not a change of a few percent. Rates are of the thread's CPU time, so
 * that other work on the machine matters little.
 *
 * <p>The compiler's threads, though, may have to wait on a busy machine while a kernel's own time
 * goes by in the interpreter. So one that is behind is given more time: what waits for its code
 * catches up, while bad code is there to stay.
 */
public final class Gate {
  /** How much slower than its sibling a kernel may be. */
  private static final double FACTOR = 5;

  /** What a kernel is run for before it is measured. */
  private static final long WARM_UP = 500_000_000;

  private static final long ROUND = 50_000_000;
  private static final int ROUNDS = 5;

  /** How long a kernel that is behind may go on, in nanoseconds on the wall. */
  private static final long PATIENCE = 30_000_000_000L;

  private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

  private final Map<String, Kernel> kernels = new LinkedHashMap<>();
  private final long patience;

  private record Kernel(String name, String sibling, double work, Runnable call) {}

  /** Nothing to compare yet. */
  public Gate() {
    this(PATIENCE);
  }

  Gate(long patience) {
    this.patience = patience;
  }

  /**
   * Adds a kernel.
   *
   * @param name its name
   * @param sibling the name of the kernel that it is compared with; its own if with none
   * @param work what a call does, in the unit that both count in
   * @param call runs it once
   */
  public void add(String name, String sibling, double work, Runnable call) {
    kernels.put(name, new Kernel(name, sibling, work, call));
  }

  /**
   * Runs all kernels, in an order that a seed makes, and fails if one is left behind.
   *
   * @param seed the order
   */
  public void check(long seed) {
    List<Kernel> order = new ArrayList<>(kernels.values());
    Collections.shuffle(order, new Random(seed));
    Map<String, Double> rates = new LinkedHashMap<>();
    order.forEach(kernel -> rates.put(kernel.name, rate(kernel)));
    // A sibling that catches up leaves behind who was level with it: they are looked at again.
    Map<String, Long> waited = new LinkedHashMap<>();
    boolean again = true;
    while (again) {
      again = false;
      for (Kernel kernel : order) {
        if (isBehind(kernel, rates) && waited.getOrDefault(kernel.name, 0L) < patience) {
          long start = System.nanoTime();
          rates.merge(kernel.name, rate(kernel), Math::max);
          waited.merge(kernel.name, System.nanoTime() - start, Long::sum);
          again = true;
        }
      }
    }
    List<String> behind =
        kernels.values().stream()
            .filter(kernel -> isBehind(kernel, rates))
            .map(kernel -> describe(kernel, rates))
            .toList();
    Assertions.assertTrue(
        behind.isEmpty(),
        () -> "order " + seed + ": " + String.join("; ", behind) + "; all: " + rates);
  }

  private static boolean isBehind(Kernel kernel, Map<String, Double> rates) {
    return rates.get(kernel.name) * FACTOR < rates.get(kernel.sibling);
  }

  private static String describe(Kernel kernel, Map<String, Double> rates) {
    return String.format(
        Locale.ROOT,
        "%s does %.3g, its sibling %s %.3g",
        kernel.name,
        rates.get(kernel.name),
        kernel.sibling,
        rates.get(kernel.sibling));
  }

  /** The best of some rounds after the warm-up. */
  private static double rate(Kernel kernel) {
    run(kernel, WARM_UP);
    double best = 0;
    for (int round = 0; round < ROUNDS; round++) {
      best = Math.max(best, run(kernel, ROUND));
    }
    return best;
  }

  /** Work in a nanosecond. */
  private static double run(Kernel kernel, long nanoseconds) {
    long start = THREADS.getCurrentThreadCpuTime();
    long calls = 0;
    long spent;
    do {
      kernel.call.run();
      calls++;
      spent = THREADS.getCurrentThreadCpuTime() - start;
    } while (spent < nanoseconds);
    return calls * kernel.work / spent;
  }
}
