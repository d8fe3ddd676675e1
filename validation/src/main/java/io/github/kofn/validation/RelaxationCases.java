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
  private static final int[] FULL_SIZES = {1, 2, 7, 31, 32, 33, 64, 255, 784, 1025, 2450, 4096};
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
    for (int n : relaxation.full ? FULL_SIZES : QUICK_SIZES) {
      for (int k : SamplingCases.counts(n)) {
        relaxation.everyTau(n, k);
      }
    }
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
    long seed = seeds.nextLong();
    SamplingCase sampling = new SamplingCase(rows, n, k, type, noiseScale, kind, 1, 0, seed);
    for (Order removal : Order.values()) {
      cases.add(new RelaxationCase(sampling, tau, removal, false));
      cases.add(new RelaxationCase(sampling, tau, removal, true));
    }
  }
}
