// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.github.kofn.DType;
import io.github.kofn.Layout;
import io.github.kofn.internal.kernels.Buffer;
import io.github.kofn.internal.kernels.SamplingKernels.DrawOutputs;
import io.github.kofn.internal.kernels.View;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/** Rows to draw from, and memory to draw into. */
final class SamplingViews {
  private SamplingViews() {}

  /** Rows in memory that is native if the pitch is odd, and else an array. */
  static View of(DType type, float[][] rows, int gap) {
    int columns = rows.length == 0 ? 1 : rows[0].length;
    View view = empty(type, rows.length, columns, gap);
    for (int r = 0; r < rows.length; r++) {
      for (int c = 0; c < rows[r].length; c++) {
        long index = view.index(r, c);
        float value = rows[r][c];
        if (type == DType.F32) {
          view.segment().set(ValueLayout.JAVA_FLOAT_UNALIGNED, 4 * index, value);
        } else {
          int bits = Float.floatToRawIntBits(value) >>> 16;
          short half = type == DType.BF16 ? (short) bits : Float.floatToFloat16(value);
          view.segment().set(ValueLayout.JAVA_SHORT_UNALIGNED, 2 * index, half);
        }
      }
    }
    return view;
  }

  /** Memory full of a pattern that no output has. */
  static View empty(DType type, long rows, long columns, int gap) {
    long pitch = columns + gap;
    long bytes = Math.max(1, rows) * pitch * type.bytes();
    MemorySegment segment =
        pitch % 2 == 1
            ? Arena.ofAuto().allocate(bytes, 64)
            : MemorySegment.ofArray(new byte[(int) bytes]);
    segment.fill((byte) 0xa5);
    return new View(Buffer.ofHost(segment), 0, type, rows, columns, pitch, Layout.ROW_MAJOR);
  }

  static float[][] normalRows(int rows, int n, long seed) {
    Random random = new Random(seed);
    float[][] values = new float[rows][n];
    for (float[] row : values) {
      for (int c = 0; c < n; c++) {
        row[c] = (float) random.nextGaussian();
      }
    }
    return values;
  }

  /** Rows that break selections; every one has n drawable entries or is left as it may be. */
  static float[][] hardRows(int n) {
    Random random = new Random(n);
    List<float[]> rows = new ArrayList<>(List.of(normalRows(4, n, n)));
    rows.add(new float[n]);
    float[] twoValues = new float[n];
    float[] lastBits = new float[n];
    float[] rising = new float[n];
    float[] zeros = new float[n];
    float[] denormals = new float[n];
    float[] infinite = normalRows(1, n, n + 1L)[0];
    float[] large = new float[n];
    float[] steps = new float[n];
    for (int c = 0; c < n; c++) {
      twoValues[c] = random.nextInt(10) == 0 ? 30 : -30;
      lastBits[c] = Float.intBitsToFloat(0x47000000 + random.nextInt(4));
      rising[c] = c * 0.01f - 3;
      zeros[c] = random.nextBoolean() ? 0f : -0f;
      denormals[c] = Float.intBitsToFloat(random.nextInt(100) - 50 & 0x800000ff);
      infinite[c] = random.nextInt(n / 20 + 2) == 0 ? Float.POSITIVE_INFINITY : infinite[c];
      large[c] = (float) (1e4 * random.nextGaussian());
      steps[c] = -(c / 16);
    }
    rows.addAll(List.of(twoValues, lastBits, rising, zeros, denormals, infinite, large, steps));
    float[] falling = rising.clone();
    for (int c = 0; c < n; c++) {
      falling[c] = rising[n - 1 - c];
    }
    rows.add(falling);
    return rows.toArray(float[][]::new);
  }

  /** Rows almost all -infinity, with so many drawable entries. */
  static float[][] sparseRows(int rows, int n, int drawable) {
    float[][] values = new float[rows][n];
    for (int r = 0; r < rows; r++) {
      Arrays.fill(values[r], Float.NEGATIVE_INFINITY);
      Random random = new Random(r);
      for (int i = 0; i < drawable; ) {
        int c = random.nextInt(n);
        if (values[r][c] == Float.NEGATIVE_INFINITY) {
          values[r][c] = (float) random.nextGaussian();
          i++;
        }
      }
    }
    return values;
  }

  /** Rows of denormal and of greatest numbers. */
  static float[][] tinyAndHugeRows(int n) {
    Random random = new Random(n);
    float[][] rows = new float[4][n];
    for (int c = 0; c < n; c++) {
      rows[0][c] = Float.intBitsToFloat(random.nextInt(1000));
      rows[1][c] = Float.MAX_VALUE * (1 - random.nextInt(4) * 0x1p-24f);
      rows[2][c] = random.nextInt(5) * 1e-38f;
      rows[3][c] = (float) random.nextGaussian();
    }
    return rows;
  }

  /** All outputs of a draw, with gaps between their rows. */
  record Drawn(View indices, boolean drawOrder, View keys, View bits, View bytes, View floats) {
    static Drawn like(View logits, int k, DType indexType, boolean drawOrder) {
      long rows = logits.rows();
      long n = logits.columns();
      int gap = n % 2 == 0 ? 0 : 5;
      return new Drawn(
          empty(indexType, rows, k, gap),
          drawOrder,
          empty(DType.F32, rows, k, gap),
          empty(DType.I32, rows, Math.ceilDiv(n, 32), gap),
          empty(DType.U8, rows, n, gap),
          empty(DType.F32, rows, n, gap));
    }

    DrawOutputs outputs() {
      return new DrawOutputs(indices, drawOrder, keys, bits, bytes, floats);
    }

    void assertSame(Drawn actual, String what) {
      assertSame(indices, actual.indices, what + " indices");
      assertSame(keys, actual.keys, what + " keys");
      assertSame(bits, actual.bits, what + " bits");
      assertSame(bytes, actual.bytes, what + " bytes");
      assertSame(floats, actual.floats, what + " floats");
    }

    private static void assertSame(View expected, View actual, String what) {
      assertEquals(-1, expected.segment().mismatch(actual.segment()), what + ": first difference");
    }
  }
}
