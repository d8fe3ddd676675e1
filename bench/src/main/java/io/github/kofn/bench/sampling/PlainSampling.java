// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.bench.sampling;

import io.github.kofn.bench.Threads;
import java.util.Arrays;
import java.util.Comparator;
import java.util.PriorityQueue;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** The same with nothing but the JDK: noise from Math.log, then a sort or a heap of the k best. */
@State(Scope.Benchmark)
public class PlainSampling {
  /** ROWSxN:K. */
  @Param({
    "65536x25:5",
    "8192x64:8",
    "4096x256:26",
    "300x784:78",
    "1024x1024:102",
    "500x2450:49",
    "4096x4096:409",
    "16x131072:50",
    "1x1048576:1000"
  })
  public String shape;

  /** A number, or all. */
  @Param({"1", "all"})
  public String threads;

  private Shape sizes;
  private float[] logits;
  private float[] mask;
  private boolean parallel;

  /** A drawn entry of a heap. */
  private record Entry(float key, int column) {}

  /** Makes the arrays. */
  @Setup
  public void open() {
    sizes = Shape.of(shape);
    logits = sizes.logits();
    mask = new float[sizes.elements()];
    parallel = Threads.count(threads) > 1;
  }

  float[] sort() {
    return rows(this::sortRow);
  }

  float[] heap() {
    return rows(this::heapRow);
  }

  private float[] rows(IntConsumer row) {
    IntStream all = IntStream.range(0, sizes.rows());
    (parallel ? all.parallel() : all).forEach(row);
    return mask;
  }

  private static float noise() {
    return (float) -Math.log(-Math.log(1 - ThreadLocalRandom.current().nextDouble()));
  }

  /** Sorts key and column together as one long, keys as integers of the same order. */
  private void sortRow(int row) {
    int n = sizes.n();
    long[] order = new long[n];
    for (int i = 0; i < n; i++) {
      int bits = Float.floatToRawIntBits(logits[row * n + i] + noise());
      order[i] = (long) (bits ^ ((bits >> 31) & Integer.MAX_VALUE)) << 32 | i;
    }
    Arrays.sort(order);
    Arrays.fill(mask, row * n, (row + 1) * n, 0);
    for (int i = n - sizes.k(); i < n; i++) {
      mask[row * n + (int) order[i]] = 1;
    }
  }

  private void heapRow(int row) {
    int n = sizes.n();
    PriorityQueue<Entry> best =
        new PriorityQueue<>(sizes.k(), Comparator.comparingDouble(Entry::key));
    for (int i = 0; i < n; i++) {
      float key = logits[row * n + i] + noise();
      if (best.size() < sizes.k()) {
        best.add(new Entry(key, i));
      } else if (key > best.element().key()) {
        best.remove();
        best.add(new Entry(key, i));
      }
    }
    Arrays.fill(mask, row * n, (row + 1) * n, 0);
    best.forEach(entry -> mask[row * n + entry.column()] = 1);
  }

  /** Checks that exactly k are kept. */
  @TearDown
  public void check() {
    sizes.checkMask(sort());
    sizes.checkMask(heap());
  }
}
