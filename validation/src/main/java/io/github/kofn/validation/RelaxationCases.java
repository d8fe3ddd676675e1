// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.validation;

import io.github.kofn.DType;
import io.github.kofn.sampling.Order;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/** The cases of the relaxation. */
final class RelaxationCases {
  private static final int[] QUICK_SIZES = {1, 7, 33, 255, 1025};

  /** From here on, one temperature and one row: the definition takes n k exponentials a row. */
  private static final int LONG_ROW = 5000;

  /** As many of these as a case may take in a row. */
  private static final long MOST_EXPONENTIALS = 300_000_000;

  private static final float[] TAUS = {1, 0.01f, 100, 0.1f, 10};
  private static final float[] NOISE_SCALES = {1, 0.5f, 0};
  private static final DType[] TYPES = {DType.F32, DType.F32, DType.BF16, DType.F16};

  /** Kinds of rows that have a relaxation, which those with entries of +infinity do not. */
  private static final List<RowKind> KINDS =
      List.of(
          RowKind.ALL_EQUAL,
          RowKind.TIES_AT_RANK_K,
          RowKind.MOSTLY_NEGATIVE_INFINITY,
          RowKind.ASCENDING,
          RowKind.SIGNED_ZEROS,
          RowKind.HUGE);

  private final SplittableRandom seeds;
  private final boolean full;
  private final List<Case> cases = new ArrayList<>();
  private int turn;

  private RelaxationCases(long seed, CaseSet set) {
    this.seeds = new SplittableRandom(seed ^ Op.RELAXATION.name().hashCode());
    this.full = set == CaseSet.FULL;
  }

  static List<Case> of(long seed, CaseSet set) {
    RelaxationCases relaxation = new RelaxationCases(seed, set);
    for (int n : relaxation.full ? SamplingCases.SIZES : QUICK_SIZES) {
      for (int k : SamplingCases.counts(n)) {
        if (n < LONG_ROW) {
          relaxation.everyTau(n, k);
        } else if ((long) n * k <= MOST_EXPONENTIALS) {
          relaxation.longRow(n, k);
        }
      }
    }
    if (relaxation.full) {
      relaxation.longRow(131_072, 1000);
    }
    relaxation.everyGap();
    relaxation.everyKind();
    relaxation.add(0, 33, 3, DType.F32, 1, RowKind.NORMAL, 1);
    relaxation.add(300, 100, 10, DType.F32, 1, RowKind.NORMAL, 0.5f);
    relaxation.add(1, 50_257, 20, DType.F32, 1, RowKind.NORMAL, 0.5f);
    return relaxation.cases;
  }

  private void everyTau(int n, int k) {
    if (full) {
      for (float tau : TAUS) {
        add(2, n, k, DType.F32, NOISE_SCALES[turn++ % NOISE_SCALES.length], RowKind.NORMAL, tau);
      }
    } else {
      add(
          2,
          n,
          k,
          DType.F32,
          NOISE_SCALES[turn % NOISE_SCALES.length],
          RowKind.NORMAL,
          TAUS[turn++ % TAUS.length]);
    }
  }

  private void longRow(int n, int k) {
    float noiseScale = NOISE_SCALES[turn % NOISE_SCALES.length];
    add(1, n, k, DType.F32, noiseScale, RowKind.NORMAL, TAUS[turn++ % TAUS.length]);
  }

  /** Rows that do not follow each other at once, and begin where no vector does. */
  private void everyGap() {
    for (int n : full ? new int[] {1, 7, 33, 65, 784, 1025, 2450, 16_385} : new int[] {33, 1025}) {
      DType type = TYPES[turn % TYPES.length];
      add(
          2,
          n,
          Math.ceilDiv(n, 20),
          type,
          1,
          RowKind.NORMAL,
          TAUS[turn % TAUS.length],
          1 + turn % 7);
      turn++;
    }
  }

  private void everyKind() {
    for (RowKind kind : KINDS) {
      for (int n : full ? new int[] {33, 784, 2450} : new int[] {33, 300}) {
        for (float tau : TAUS) {
          DType type = kind == RowKind.HUGE ? DType.F32 : TYPES[turn % TYPES.length];
          add(2, n, n / 10, type, NOISE_SCALES[turn++ % NOISE_SCALES.length], kind, tau);
        }
      }
    }
  }

  private void add(int rows, int n, int k, DType type, float noiseScale, RowKind kind, float tau) {
    add(rows, n, k, type, noiseScale, kind, tau, 0);
  }

  private void add(
      int rows, int n, int k, DType type, float noiseScale, RowKind kind, float tau, int gap) {
    long seed = seeds.nextLong();
    SamplingCase sampling = new SamplingCase(rows, n, k, type, noiseScale, kind, gap, 1, 0, seed);
    for (Order removal : Order.values()) {
      cases.add(new RelaxationCase(sampling, tau, removal, false));
      cases.add(new RelaxationCase(sampling, tau, removal, true));
    }
  }
}
