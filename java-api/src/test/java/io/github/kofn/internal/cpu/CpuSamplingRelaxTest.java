// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.kofn.DType;
import io.github.kofn.internal.kernels.Draw;
import io.github.kofn.internal.kernels.SamplingKernels;
import io.github.kofn.internal.kernels.SamplingKernels.DrawOutputs;
import io.github.kofn.internal.kernels.SamplingKernels.Relaxation;
import io.github.kofn.internal.kernels.View;
import io.github.kofn.internal.reference.ReferenceEngine;
import io.github.kofn.sampling.InvalidLogitsException;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Relaxation and entropy stay within the bounds that their classes derive. */
final class CpuSamplingRelaxTest {
  private static final SamplingKernels REFERENCE = new ReferenceEngine().sampling();
  private static final int[] LANES = {1, 4, 8, 16};
  private static final Draw DRAW = new Draw(1, 0x123456789abcdefL, 7, 11, 5);
  private static final double EPS = 0x1p-24;

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 7, 25, 33, 64, 129, 784, 2450})
  void hardRows(int n) {
    View logits = SamplingViews.of(DType.F32, SamplingViews.hardRows(n), n % 3);
    for (int k : new int[] {0, 1, (n + 9) / 10, n - 1, n}) {
      for (float tau : new float[] {0.01f, 1, 100}) {
        check(logits, k, DRAW, tau, true);
        check(logits, k, DRAW, tau, false);
      }
    }
  }

  @Test
  void longAndMaskedRowsAndTypes() {
    check(
        SamplingViews.of(DType.F32, SamplingViews.normalRows(1, 50257, 1), 0), 5000, DRAW, 1, true);
    check(SamplingViews.of(DType.F32, SamplingViews.sparseRows(3, 4000, 4), 0), 4, DRAW, 1, true);
    check(SamplingViews.of(DType.BF16, SamplingViews.normalRows(70, 40, 1), 3), 7, DRAW, 2, true);
    check(SamplingViews.of(DType.F16, SamplingViews.normalRows(70, 40, 1), 0), 7, DRAW, 2, false);
    Draw silent = new Draw(0, 1, 2, 3, 0);
    check(
        SamplingViews.of(DType.F32, SamplingViews.normalRows(9, 300, 1), 3),
        30,
        silent,
        0.1f,
        true);
  }

  private static void check(View logits, int k, Draw draw, float tau, boolean byKey) {
    long rows = logits.rows();
    int n = (int) logits.columns();
    View winners = SamplingViews.empty(n % 2 == 0 ? DType.U16 : DType.I32, rows, k, 0);
    REFERENCE.draw(logits, k, draw, new DrawOutputs(winners, true, null, null, null, null));
    Relaxation relaxation = new Relaxation(tau, byKey, winners);
    View upstream = SamplingViews.of(DType.F32, SamplingViews.normalRows((int) rows, n, 8), 0);
    View soft = SamplingViews.empty(DType.F32, rows, n, 0);
    View gradient = SamplingViews.empty(DType.F32, rows, n, 0);
    REFERENCE.relax(logits, draw, relaxation, soft);
    REFERENCE.relaxGradient(logits, draw, relaxation, upstream, gradient);
    for (int lanes : LANES) {
      try (Workers workers = new Workers(lanes == 16 ? 2 : 1)) {
        CpuSampling sampling = new CpuSampling(lanes, workers);
        View mine = SamplingViews.empty(DType.F32, rows, n, lanes % 3);
        View back = SamplingViews.of(DType.F32, SamplingViews.normalRows((int) rows, n, 8), 1);
        sampling.relax(logits, draw, relaxation, mine);
        sampling.relaxGradient(logits, draw, relaxation, back, back);
        String what = "n " + n + " k " + k + " tau " + tau + " lanes " + lanes + " key " + byKey;
        for (int r = 0; r < rows; r++) {
          checkRow(row(soft, r), row(mine, r), k, what + " row " + r);
          checkGradient(row(soft, r), row(upstream, r), row(gradient, r), row(back, r), tau, what);
        }
      }
    }
  }

  private static void checkRow(float[] exact, float[] actual, int k, String what) {
    double log = Math.log(exact.length);
    double most = max(exact);
    double sum = 0;
    for (int c = 0; c < exact.length; c++) {
      double bound = EPS * ((28 + 2 * log) * exact[c] + most) + 0x1p-126;
      assertTrue(
          Math.abs((double) actual[c] - exact[c]) <= bound,
          what + " column " + c + ": " + actual[c] + " is not " + exact[c]);
      sum += actual[c];
    }
    assertEquals(k, sum, EPS * k * (30 + 4 * log), what);
  }

  private static void checkGradient(
      float[] soft, float[] upstream, float[] exact, float[] actual, float tau, String what) {
    double most = max(soft);
    double greatest = max(upstream);
    for (int c = 0; c < exact.length; c++) {
      double bound =
          2 * EPS / tau * (40 + 4 * Math.log(exact.length)) * (soft[c] + most) * greatest
              + 0x1p-126;
      assertTrue(
          Math.abs((double) actual[c] - exact[c]) <= bound,
          what + " column " + c + ": " + actual[c] + " is not " + exact[c]);
    }
  }

  private static double max(float[] values) {
    double max = 0;
    for (float value : values) {
      max = Math.max(max, Math.abs(value));
    }
    return max;
  }

  private static float[] row(View view, int row) {
    float[] values = new float[(int) view.columns()];
    for (int c = 0; c < values.length; c++) {
      values[c] = view.segment().get(ValueLayout.JAVA_FLOAT_UNALIGNED, 4 * view.index(row, c));
    }
    return values;
  }

  @Test
  void threadsAndRunsDoNotShow() {
    View logits = SamplingViews.of(DType.F32, SamplingViews.normalRows(1000, 300, 1), 0);
    View winners = SamplingViews.empty(DType.I32, 1000, 30, 0);
    REFERENCE.draw(logits, 30, DRAW, new DrawOutputs(winners, false, null, null, null, null));
    Relaxation relaxation = new Relaxation(0.5f, true, winners);
    View first = SamplingViews.empty(DType.F32, 1000, 300, 0);
    for (int run = 0; run < 6; run++) {
      try (Workers workers = new Workers(1 + run % 3)) {
        View again = SamplingViews.empty(DType.F32, 1000, 300, 0);
        new CpuSampling(Lanes.choose(0), workers)
            .relax(logits, DRAW, relaxation, run == 0 ? first : again);
        assertEquals(-1, run == 0 ? -1 : first.segment().mismatch(again.segment()));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 7, 25, 33, 64, 129, 784, 4096})
  void entropyAndItsGradient(int n) {
    View logits = SamplingViews.of(DType.F32, SamplingViews.hardRows(n), n % 3);
    checkEntropy(logits);
    checkEntropy(SamplingViews.of(DType.F32, SamplingViews.sparseRows(3, n, 1), 0));
    checkEntropy(SamplingViews.of(DType.BF16, SamplingViews.normalRows(3, n, 4), 0));
  }

  private static void checkEntropy(View logits) {
    long rows = logits.rows();
    int n = (int) logits.columns();
    float weight = -1.5f;
    View expected = SamplingViews.empty(DType.F32, rows, 1, 0);
    View expectedGradient = SamplingViews.of(DType.F32, new float[(int) rows][n], 0);
    REFERENCE.entropy(logits, expected, expectedGradient, weight);
    double log = Math.log(n);
    double bound = EPS * (70 + 10 * log) * (1 + log);
    double gradientBound = EPS * (101 + 10 * log) * (1 + log) * Math.abs(weight);
    for (int lanes : LANES) {
      try (Workers workers = new Workers(1)) {
        CpuSampling sampling = new CpuSampling(lanes, workers);
        View actual = SamplingViews.empty(DType.F32, rows, 1, 2);
        View gradient = SamplingViews.of(DType.F32, new float[(int) rows][n], 1);
        sampling.entropy(logits, actual, gradient, weight);
        sampling.entropy(logits, null, null, weight);
        for (int r = 0; r < rows; r++) {
          String what = "n " + n + " lanes " + lanes + " row " + r;
          assertEquals(row(expected, r)[0], row(actual, r)[0], bound, what);
          float[] exact = row(expectedGradient, r);
          float[] mine = row(gradient, r);
          for (int c = 0; c < n; c++) {
            assertEquals(exact[c], mine[c], gradientBound, what + " column " + c);
          }
        }
      }
    }
  }

  @Test
  void errorsNameTheLowestRow() {
    float[][] rows = SamplingViews.normalRows(100, 40, 1);
    View winners = SamplingViews.empty(DType.I32, 100, 3, 0);
    View logits = SamplingViews.of(DType.F32, rows, 0);
    REFERENCE.draw(logits, 3, DRAW, new DrawOutputs(winners, false, null, null, null, null));
    rows[90] = SamplingViews.sparseRows(1, 40, 0)[0];
    checkError(SamplingViews.of(DType.F32, rows, 0), winners);
    rows[70][39] = Float.NaN;
    checkError(SamplingViews.of(DType.F32, rows, 0), winners);
  }

  private static void checkError(View logits, View winners) {
    Relaxation relaxation = new Relaxation(1, true, winners);
    View soft = SamplingViews.empty(DType.F32, 100, 40, 0);
    View entropy = SamplingViews.empty(DType.F32, 100, 1, 0);
    String relaxed = error(() -> REFERENCE.relax(logits, DRAW, relaxation, soft));
    String measured = error(() -> REFERENCE.entropy(logits, entropy, null, 1));
    for (int lanes : LANES) {
      try (Workers workers = new Workers(2)) {
        CpuSampling sampling = new CpuSampling(lanes, workers);
        assertEquals(relaxed, error(() -> sampling.relax(logits, DRAW, relaxation, soft)));
        assertEquals(
            relaxed, error(() -> sampling.relaxGradient(logits, DRAW, relaxation, soft, soft)));
        assertEquals(measured, error(() -> sampling.entropy(logits, entropy, null, 1)));
      }
    }
  }

  private static String error(Runnable call) {
    return assertThrows(InvalidLogitsException.class, call::run).getMessage();
  }
}
