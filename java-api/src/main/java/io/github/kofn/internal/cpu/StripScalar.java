// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;

import java.lang.foreign.MemorySegment;

/** Strips of a single input: what is left of a block where vectors do not fit. */
final class StripScalar implements StripKernel {
  @Override
  public int lanes() {
    return 1;
  }

  @Override
  public void eight(
      MemorySegment weights,
      long at,
      Place place,
      int[] columns,
      int from,
      int to,
      int bi,
      int strips,
      float[] x,
      float[] sums,
      int sumsAt) {
    for (int o = 0; o < EIGHT; o++) {
      for (int i = 0; i < strips; i++) {
        long row = at + o * place.row();
        one(weights, row, place, columns, from, to, bi, i, 1, x, sums, sumsAt + o);
      }
    }
  }

  @Override
  public void fourOfFour(
      MemorySegment weights,
      long at,
      Place place,
      int[] columns,
      int from,
      int to,
      int bi,
      int strips,
      float[] x,
      int xAt,
      int pitch,
      float[] sums,
      int sumsAt) {
    for (int o = 0; o < FOUR; o++) {
      for (int i = 0; i < strips; i++) {
        long row = at + o * place.row();
        int to0 = sumsAt + FOUR * o;
        oneOfFour(weights, row, place, columns, from, to, bi, i, 1, x, xAt, pitch, sums, to0);
      }
    }
  }

  @Override
  public void one(
      MemorySegment weights,
      long at,
      Place place,
      int[] columns,
      int from,
      int to,
      int bi,
      int input,
      int width,
      float[] x,
      float[] sums,
      int sumsAt) {
    float sum = sums[sumsAt];
    for (int j = from; j < to; j++) {
      sum =
          Math.fma(
              weight(weights, at, place, columns[j], j, input), x[columns[j] * bi + input], sum);
    }
    sums[sumsAt] = sum;
  }

  private static float weight(
      MemorySegment weights, long at, Place place, int column, int slot, int input) {
    long p = at + 4L * input + slot * place.slot() + column * place.column();
    return weights.get(JAVA_FLOAT_UNALIGNED, p);
  }

  @Override
  public void oneOfFour(
      MemorySegment weights,
      long at,
      Place place,
      int[] columns,
      int from,
      int to,
      int bi,
      int input,
      int width,
      float[] x,
      int xAt,
      int pitch,
      float[] sums,
      int sumsAt) {
    for (int j = from; j < to; j++) {
      float w = weight(weights, at, place, columns[j], j, input);
      int i = xAt + columns[j] * bi + input;
      for (int e = 0; e < FOUR; e++) {
        sums[sumsAt + e] = Math.fma(w, x[i + e * pitch], sums[sumsAt + e]);
      }
    }
  }

  @Override
  public void spread(
      MemorySegment weights,
      long at,
      Place place,
      int[] columns,
      int from,
      int to,
      int bi,
      int input,
      float[] dy,
      int dyAt,
      int outputs,
      float[] dx) {
    for (int j = from; j < to; j++) {
      int i = columns[j] * bi + input;
      float sum = dx[i];
      for (int o = 0; o < outputs; o++) {
        float w = weight(weights, at + o * place.row(), place, columns[j], j, input);
        sum = Math.fma(w, dy[dyAt + o], sum);
      }
      dx[i] = sum;
    }
  }

  @Override
  public void spreadFour(
      MemorySegment weights,
      long at,
      Place place,
      int[] columns,
      int from,
      int to,
      int bi,
      int input,
      float[] dy,
      int dyAt,
      int outputs,
      float[] dx,
      int dxAt,
      int pitch) {
    for (int j = from; j < to; j++) {
      for (int e = 0; e < FOUR; e++) {
        int i = dxAt + e * pitch + columns[j] * bi + input;
        float sum = dx[i];
        for (int o = 0; o < outputs; o++) {
          float w = weight(weights, at + o * place.row(), place, columns[j], j, input);
          sum = Math.fma(w, dy[dyAt + FOUR * o + e], sum);
        }
        dx[i] = sum;
      }
    }
  }

  @Override
  public void stack(
      MemorySegment weights,
      long at,
      long slot,
      int[] columns,
      int count,
      float[] x,
      float[] y,
      int yAt) {
    float sum = 0;
    for (int j = 0; j < count; j++) {
      sum = Math.fma(weights.get(JAVA_FLOAT_UNALIGNED, at + j * slot), x[columns[j]], sum);
    }
    y[yAt] = sum;
  }

  @Override
  public void stackFour(
      MemorySegment weights,
      long at,
      long slot,
      int[] columns,
      int count,
      float[] x,
      int xAt,
      int pitch,
      float[] y,
      int yAt,
      int yPitch) {
    for (int e = 0; e < FOUR; e++) {
      float sum = 0;
      for (int j = 0; j < count; j++) {
        float w = weights.get(JAVA_FLOAT_UNALIGNED, at + j * slot);
        sum = Math.fma(w, x[xAt + e * pitch + columns[j]], sum);
      }
      y[yAt + e * yPitch] = sum;
    }
  }
}
