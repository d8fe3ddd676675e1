// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.github.kofn.DType;
import io.github.kofn.internal.cpu.SamplingDraw.Regime;
import io.github.kofn.internal.kernels.Draw;
import io.github.kofn.internal.kernels.SamplingKernels;
import io.github.kofn.internal.kernels.SamplingKernels.DrawOutputs;
import io.github.kofn.internal.kernels.View;
import io.github.kofn.internal.reference.ReferenceEngine;
import io.github.kofn.sampling.InvalidLogitsException;
import java.util.Arrays;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Every width of vectors and every way of selecting gives the reference's bits. */
final class CpuSamplingDrawTest {
  private static final SamplingKernels REFERENCE = new ReferenceEngine().sampling();
  private static final int[] LANES = {1, 4, 8, 16};
  private static final Draw NOISE = new Draw(1, 0x123456789abcdefL, 7, 11, 0);

  @ParameterizedTest
  @ValueSource(
      ints = {
        1, 2, 7, 25, 31, 32, 33, 64, 65, 127, 128, 129, 255, 784, 1000, 1023, 1024, 1025, 2450, 4096
      })
  void everyRegimeDrawsHardRowsLikeTheReference(int n) {
    View logits = SamplingViews.of(DType.F32, SamplingViews.hardRows(n), 0);
    for (int k : counts(n)) {
      checkAll(logits, k, NOISE);
      checkAll(logits, k, new Draw(0, 1, 2, 3, 0));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {16385, 50257})
  void longRows(int n) {
    View logits = SamplingViews.of(DType.F32, SamplingViews.hardRows(n), 3);
    for (int k : new int[] {1, 50, n / 10}) {
      checkAll(logits, k, NOISE);
    }
    checkAll(logits, n, new Draw(0, 1, 2, 3, 0));
  }

  private static Set<Integer> counts(int n) {
    Set<Integer> counts = new TreeSet<>();
    for (int k : new int[] {0, 1, 2, n / 10, n - 1, n}) {
      if (k <= n) {
        counts.add(k);
      }
    }
    return counts;
  }

  private static void checkAll(View logits, int k, Draw draw) {
    SamplingViews.Drawn expected = SamplingViews.Drawn.like(logits, k, DType.I32, false);
    REFERENCE.draw(logits, k, draw, expected.outputs());
    for (int lanes : LANES) {
      for (Regime regime : Regime.values()) {
        try (Workers workers = new Workers(1)) {
          SamplingViews.Drawn actual = SamplingViews.Drawn.like(logits, k, DType.I32, false);
          new CpuSampling(lanes, workers, regime).draw(logits, k, draw, actual.outputs());
          expected.assertSame(
              actual, "n " + logits.columns() + " k " + k + " lanes " + lanes + " " + regime);
        }
      }
    }
  }

  @Test
  void typesOrdersAndPitches() {
    for (DType type : new DType[] {DType.F32, DType.BF16, DType.F16}) {
      for (int n : new int[] {5, 25, 64, 130, 300, 5000}) {
        View logits = SamplingViews.of(type, SamplingViews.hardRows(n), n % 7);
        for (boolean drawOrder : new boolean[] {false, true}) {
          checkOutputs(logits, Math.max(1, n / 5), drawOrder);
        }
      }
    }
  }

  private static void checkOutputs(View logits, int k, boolean drawOrder) {
    Draw draw = new Draw(0.75f, -5, -1, Integer.MIN_VALUE, (1L << 32) - logits.rows());
    SamplingViews.Drawn expected = SamplingViews.Drawn.like(logits, k, DType.U16, drawOrder);
    REFERENCE.draw(logits, k, draw, expected.outputs());
    for (int lanes : LANES) {
      try (Workers workers = new Workers(2)) {
        SamplingViews.Drawn actual = SamplingViews.Drawn.like(logits, k, DType.U16, drawOrder);
        new CpuSampling(lanes, workers).draw(logits, k, draw, actual.outputs());
        expected.assertSame(actual, logits.type() + " n " + logits.columns() + " lanes " + lanes);
      }
    }
  }

  @Test
  void threadsDoNotShow() {
    for (int n : new int[] {25, 300, 40000}) {
      View logits = SamplingViews.of(DType.F32, SamplingViews.normalRows(300_000 / n, n, 1), 0);
      SamplingViews.Drawn expected = SamplingViews.Drawn.like(logits, n / 9, DType.I32, false);
      REFERENCE.draw(logits, n / 9, NOISE, expected.outputs());
      for (int threads = 1; threads <= 3; threads++) {
        try (Workers workers = new Workers(threads)) {
          SamplingViews.Drawn actual = SamplingViews.Drawn.like(logits, n / 9, DType.I32, false);
          new CpuSampling(Lanes.choose(0), workers).draw(logits, n / 9, NOISE, actual.outputs());
          expected.assertSame(actual, "n " + n + " threads " + threads);
        }
      }
    }
  }

  /** One row, split over threads, of which parts hold no winner, all winners, or a tie. */
  @Test
  void partsOfALongRowDoNotShow() {
    int n = 250_001;
    float[][] rows = new float[3][n];
    rows[0] = SamplingViews.normalRows(1, n, 7)[0];
    for (int c = 0; c < n; c++) {
      int step = c / 70_000;
      rows[1][c] = c < 100_000 ? Float.NEGATIVE_INFINITY : step;
    }
    for (float[] row : rows) {
      View logits = SamplingViews.of(DType.F32, new float[][] {row}, 0);
      for (int k : new int[] {0, 1, 1000, n / 10}) {
        for (float beta : new float[] {0, 1}) {
          Draw draw = new Draw(beta, 1, 2, 3, 9);
          SamplingViews.Drawn expected = SamplingViews.Drawn.like(logits, k, DType.I32, true);
          REFERENCE.draw(logits, k, draw, expected.outputs());
          try (Workers workers = new Workers(3)) {
            SamplingViews.Drawn actual = SamplingViews.Drawn.like(logits, k, DType.I32, true);
            new CpuSampling(Lanes.choose(0), workers).draw(logits, k, draw, actual.outputs());
            expected.assertSame(actual, "k " + k + " beta " + beta);
          }
        }
      }
    }
  }

  @Test
  void errorsOfALongRowThatIsSplit() {
    float[] row = new float[250_001];
    Arrays.fill(row, Float.NEGATIVE_INFINITY);
    row[5] = 1;
    row[200_000] = 1;
    View few = SamplingViews.of(DType.F32, new float[][] {row.clone()}, 0);
    row[240_000] = Float.NaN;
    row[150_000] = Float.NaN;
    View nan = SamplingViews.of(DType.F32, new float[][] {row}, 0);
    try (Workers workers = new Workers(2)) {
      CpuSampling sampling = new CpuSampling(Lanes.choose(0), workers);
      for (View logits : new View[] {few, nan}) {
        DrawOutputs outputs = SamplingViews.Drawn.like(logits, 3, DType.I32, false).outputs();
        String expected = error(() -> REFERENCE.draw(logits, 3, NOISE, outputs));
        assertEquals(expected, error(() -> sampling.draw(logits, 3, NOISE, outputs)));
      }
    }
  }

  private static String error(Runnable call) {
    return assertThrows(InvalidLogitsException.class, call::run).getMessage();
  }

  /** Among rows like each other, some far above and below, all equal, or with few drawable. */
  @ParameterizedTest
  @ValueSource(ints = {100, 256, 300, 1024, 2040})
  void rowsThatABatchLeavesAlone(int n) {
    int k = n / 10;
    float[][] rows = SamplingViews.normalRows(50, n, 3);
    for (int r = 0; r < rows.length; r++) {
      float level = r % 7 == 3 ? -20 : r % 11 == 5 ? 20 : 0;
      for (int c = 0; c < n; c++) {
        rows[r][c] += level;
      }
    }
    Arrays.fill(rows[20], Float.POSITIVE_INFINITY);
    Arrays.fill(rows[37], k, n, Float.NEGATIVE_INFINITY);
    checkAll(SamplingViews.of(DType.F32, rows, 0), k, NOISE);
  }

  @Test
  void noOutputsAndNoRows() {
    View logits = SamplingViews.of(DType.F32, new float[0][25], 0);
    DrawOutputs none = new DrawOutputs(null, false, null, null, null, null);
    try (Workers workers = new Workers(1)) {
      CpuSampling sampling = new CpuSampling(Lanes.choose(0), workers);
      sampling.draw(logits, 5, NOISE, none);
      sampling.draw(SamplingViews.of(DType.F32, new float[3][25], 0), 5, NOISE, none);
      sampling.draw(SamplingViews.of(DType.F32, new float[3][0], 0), 0, NOISE, none);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {7, 25, 64, 100, 1000, 6000})
  void errorsNameTheLowestRow(int n) {
    float[][] rows = SamplingViews.normalRows(40, n, 1);
    rows[33][n - 1] = Float.NaN;
    checkError(rows, 3);
    for (int c = 2; c < n; c++) {
      rows[30][c] = Float.NEGATIVE_INFINITY;
    }
    checkError(rows, 3);
    rows[21][0] = Float.NaN;
    rows[21][n / 2] = Float.NaN;
    checkError(rows, 3);
    checkError(rows, 0);
  }

  private static void checkError(float[][] rows, int k) {
    View logits = SamplingViews.of(DType.F32, rows, 0);
    for (float noiseScale : new float[] {0, 1}) {
      Draw draw = new Draw(noiseScale, 1, 2, 3, 0);
      DrawOutputs outputs = SamplingViews.Drawn.like(logits, k, DType.I32, false).outputs();
      InvalidLogitsException expected =
          assertThrows(
              InvalidLogitsException.class, () -> REFERENCE.draw(logits, k, draw, outputs));
      for (int lanes : LANES) {
        for (Regime regime : Regime.values()) {
          try (Workers workers = new Workers(2)) {
            CpuSampling sampling = new CpuSampling(lanes, workers, regime);
            InvalidLogitsException actual =
                assertThrows(
                    InvalidLogitsException.class, () -> sampling.draw(logits, k, draw, outputs));
            assertEquals(expected.getMessage(), actual.getMessage());
            assertEquals(expected.row(), actual.row());
          }
        }
      }
    }
  }

  @Test
  void extremeNoiseScales() {
    for (float beta : new float[] {Float.MIN_VALUE, 1e-30f, 1e-3f, 1e4f, 1e37f, Float.MAX_VALUE}) {
      for (int n : new int[] {25, 100, 5000}) {
        View logits = SamplingViews.of(DType.F32, SamplingViews.tinyAndHugeRows(n), 0);
        checkAll(logits, Math.max(1, n / 20), new Draw(beta, 3, 4, 5, 0));
      }
    }
  }
}
