// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.validation;

import io.github.kofn.DType;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/** The cases of sampling. */
final class SamplingCases {
  static final int[] SIZES = {
    1, 2, 7, 25, 31, 32, 33, 64, 65, 255, 784, 1000, 1024, 1025, 2450, 4096, 16385, 50257, 131072
  };

  /** From here on the quick set draws two numbers of entries instead of all. */
  private static final int LONG_ROW = 16_000;

  private static final DType[] TYPES = {DType.F32, DType.BF16, DType.F32, DType.F16};
  private static final float[] NOISE_SCALES = {1, 0, 0.25f};
  private static final long ROWS_OF_A_KEY = 1L << 32;

  private final SplittableRandom seeds;
  private final boolean full;
  private final List<Case> cases = new ArrayList<>();
  private int turn;

  private SamplingCases(long seed, CaseSet set) {
    this.seeds = new SplittableRandom(seed ^ Op.SAMPLING.name().hashCode());
    this.full = set == CaseSet.FULL;
  }

  static List<Case> of(long seed, CaseSet set) {
    SamplingCases sampling = new SamplingCases(seed, set);
    sampling.everySize();
    sampling.everyKind();
    sampling.everyBatch();
    sampling.everyGap();
    sampling.everyError();
    return sampling.cases;
  }

  private void everySize() {
    for (int n : SIZES) {
      int[] ks = counts(n);
      for (int i = 0; i < ks.length; i++) {
        int rows = Math.clamp(2048 / n, 1, 5);
        if (full) {
          for (DType type : List.of(DType.F32, DType.BF16, DType.F16)) {
            add(rows, n, ks[i], type, NOISE_SCALES[turn++ % 3], RowKind.NORMAL);
          }
        } else if (n < LONG_ROW || ks[i] == 2 || ks[i] == n / 10) {
          add(rows, n, ks[i], TYPES[i % TYPES.length], NOISE_SCALES[turn++ % 3], RowKind.NORMAL);
        }
      }
    }
  }

  private void everyKind() {
    int[] sizes = full ? SIZES : new int[] {33, 1024, 2450};
    for (RowKind kind : RowKind.values()) {
      if (kind == RowKind.NORMAL) {
        continue;
      }
      for (int n : sizes) {
        for (int k : IntStream.of(1, n / 10, n / 2).distinct().filter(k -> k > 0).toArray()) {
          for (float noiseScale : full ? NOISE_SCALES : new float[] {NOISE_SCALES[turn++ % 3]}) {
            add(2, n, k, DType.F32, noiseScale, kind);
          }
        }
        add(1, n, Math.ceilDiv(n, 4), TYPES[1 + 2 * (turn & 1)], NOISE_SCALES[turn++ % 3], kind);
      }
    }
  }

  private void everyBatch() {
    add(0, 100, 10, DType.F32, 1, RowKind.NORMAL);
    add(0, 1, 1, DType.BF16, 1, RowKind.NORMAL);
    add(1000, 25, 3, DType.F32, 1, RowKind.NORMAL);
    add(300, 255, 26, DType.F32, 0, RowKind.LAST_BITS);
    if (full) {
      add(65536, 7, 2, DType.F32, 1, RowKind.NORMAL);
      add(4096, 1024, 100, DType.F16, 0.5f, RowKind.NORMAL);
    }
    for (int n : new int[] {7, 65, 784}) {
      addBatch(50, n, n / 5, DType.F32, 2, 0);
      addBatch(9, n, n / 5, DType.BF16, 2, ROWS_OF_A_KEY - 9);
      addBatch(5, n, n / 5, DType.F32, 1, ROWS_OF_A_KEY / 2 - 2);
      addBatch(1, n, n / 5, DType.F16, 1, ROWS_OF_A_KEY - 1);
    }
  }

  /** Rows that do not follow each other at once, and begin where no vector does. */
  private void everyGap() {
    for (int n : full ? SIZES : new int[] {1, 7, 33, 65, 784, 1025, 2450}) {
      for (int gap : full ? new int[] {1, 2, 4, 7} : new int[] {1 + turn % 4}) {
        int rows = n < LONG_ROW ? 3 : 2;
        DType type = TYPES[turn % TYPES.length];
        float noiseScale = NOISE_SCALES[turn++ % NOISE_SCALES.length];
        int k = Math.ceilDiv(n, 10);
        cases.add(
            new SamplingCase(
                rows, n, k, type, noiseScale, RowKind.NORMAL, gap, 1, 0, seeds.nextLong()));
      }
    }
  }

  private void everyError() {
    for (int n : new int[] {1, 33, 1025, 20_000}) {
      for (int rows : new int[] {1, 7}) {
        for (boolean nan : new boolean[] {true, false}) {
          DType type = TYPES[(n + rows) % TYPES.length];
          cases.add(
              new InvalidLogitsCase(
                  rows, n, Math.ceilDiv(n, 5), type, nan, rows / 2, n - 1, seeds.nextLong()));
        }
      }
    }
    cases.add(new InvalidLogitsCase(3, 100, 100, DType.F32, false, 2, 0, seeds.nextLong()));
    cases.add(new InvalidLogitsCase(3, 100, 0, DType.F32, true, 1, 50, seeds.nextLong()));
  }

  /** The numbers of entries to draw from n. */
  static int[] counts(int n) {
    return IntStream.of(0, 1, 2, n / 10, n - 1, n)
        .filter(k -> k <= n)
        .sorted()
        .distinct()
        .toArray();
  }

  private void add(int rows, int n, int k, DType type, float noiseScale, RowKind kind) {
    cases.add(new SamplingCase(rows, n, k, type, noiseScale, kind, 0, 1, 0, seeds.nextLong()));
  }

  private void addBatch(int rows, int n, int k, DType type, int parts, long firstRow) {
    cases.add(
        new SamplingCase(
            rows, n, k, type, 1, RowKind.NORMAL, 0, parts, firstRow, seeds.nextLong()));
  }
}
