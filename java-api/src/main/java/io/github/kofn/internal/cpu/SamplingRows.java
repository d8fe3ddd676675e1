// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import io.github.kofn.DType;
import io.github.kofn.internal.kernels.View;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * A view's rows, copied to and from arrays: a loop over arrays alone compiles to better code than
 * one over a segment that is sometimes an array and sometimes native memory. Floating-point types
 * widen to F32.
 */
final class SamplingRows {
  /**
   * What zeros are copied from: {@link MemorySegment#fill} stores 8 bytes at a time, a copy whole
   * vectors.
   */
  private static final byte[] ZEROS = new byte[4 * SamplingScratch.BLOCK];

  private final MemorySegment segment;
  private final DType type;
  private final long pitch;
  private final int columns;

  SamplingRows(View view) {
    segment = view.segment();
    type = view.type();
    pitch = view.pitch();
    columns = Math.toIntExact(view.columns());
  }

  /** Part of one row, followed by {@code filler}. */
  void readPart(
      long row, int column, int length, float[] target, float filler, SamplingScratch scratch) {
    copyIn(row * pitch + column, length, target, 0, scratch);
    Arrays.fill(target, length, length + SamplingNoise.SLACK / 2, filler);
  }

  /** Whole rows, stride elements apart and followed by {@code filler}. */
  void readRows(
      long row, int rows, float[] target, int stride, float filler, SamplingScratch scratch) {
    readRows(row, rows, target, 0, stride, filler, scratch);
  }

  /** The same from an element of the target on. */
  void readRows(
      long row,
      int rows,
      float[] target,
      int at,
      int stride,
      float filler,
      SamplingScratch scratch) {
    if (pitch == columns) {
      copyIn(row * pitch, rows * columns, target, at, scratch);
      for (int r = rows - 1; r > 0 && stride > columns; r--) {
        System.arraycopy(target, at + r * columns, target, at + r * stride, columns);
      }
    } else {
      for (int r = 0; r < rows; r++) {
        copyIn((row + r) * pitch, columns, target, at + r * stride, scratch);
      }
    }
    for (int r = 0; r < rows && stride > columns; r++) {
      for (int i = at + r * stride + columns; i < at + (r + 1) * stride; i++) {
        target[i] = filler;
      }
    }
    int end = at + rows * stride;
    Arrays.fill(target, end, end + SamplingNoise.SLACK / 2, filler);
  }

  private void copyIn(long element, int length, float[] target, int at, SamplingScratch scratch) {
    if (type == DType.F32) {
      MemorySegment.copy(segment, JAVA_FLOAT_UNALIGNED, 4 * element, target, at, length);
      return;
    }
    short[] halves = scratch.shorts(length);
    MemorySegment.copy(segment, JAVA_SHORT_UNALIGNED, 2 * element, halves, 0, length);
    if (type == DType.BF16) {
      for (int i = 0; i < length; i++) {
        target[at + i] = Float.intBitsToFloat(halves[i] << 16);
      }
    } else {
      for (int i = 0; i < length; i++) {
        target[at + i] = Float.float16ToFloat(halves[i]);
      }
    }
  }

  /** Whole rows of I32 or U16 that lie side by side in the source or target array. */
  void readColumns(long row, int rows, int[] target, SamplingScratch scratch) {
    boolean dense = pitch == columns;
    int length = dense ? rows * columns : columns;
    for (int r = 0; r < (dense ? 1 : rows); r++) {
      long element = (row + r) * pitch;
      if (type == DType.I32) {
        MemorySegment.copy(segment, JAVA_INT_UNALIGNED, 4 * element, target, r * columns, length);
      } else {
        short[] halves = scratch.shorts(length);
        MemorySegment.copy(segment, JAVA_SHORT_UNALIGNED, 2 * element, halves, 0, length);
        for (int i = 0; i < length; i++) {
          target[r * columns + i] = Short.toUnsignedInt(halves[i]);
        }
      }
    }
  }

  void writeColumns(long row, int rows, int[] source, SamplingScratch scratch) {
    boolean dense = pitch == columns;
    int length = dense ? rows * columns : columns;
    for (int r = 0; r < (dense ? 1 : rows); r++) {
      long element = (row + r) * pitch;
      if (type == DType.I32) {
        MemorySegment.copy(source, r * columns, segment, JAVA_INT_UNALIGNED, 4 * element, length);
      } else {
        short[] halves = scratch.shorts(length);
        for (int i = 0; i < length; i++) {
          halves[i] = (short) source[r * columns + i];
        }
        MemorySegment.copy(halves, 0, segment, JAVA_SHORT_UNALIGNED, 2 * element, length);
      }
    }
  }

  /** Whole rows of F32 that lie stride elements apart in the source. */
  void writeRows(long row, int rows, float[] source, int stride) {
    boolean dense = pitch == columns && stride == columns;
    int length = dense ? rows * columns : columns;
    for (int r = 0; r < (dense ? 1 : rows); r++) {
      long offset = 4 * (row + r) * pitch;
      MemorySegment.copy(source, r * stride, segment, JAVA_FLOAT_UNALIGNED, offset, length);
    }
  }

  /** Fills part of a row with zeros. */
  void clear(long row, int column, int length) {
    long bytes = type.bytes();
    long to = bytes * (row * pitch + column + length);
    int some;
    for (long at = to - bytes * length; at < to; at += some) {
      some = (int) Math.min(ZEROS.length, to - at);
      MemorySegment.copy(ZEROS, 0, segment, JAVA_BYTE, at, some);
    }
  }

  /** Fills whole rows with zeros. */
  void clearRows(long row, int rows) {
    if (pitch == columns) {
      clear(row, 0, rows * columns);
      return;
    }
    for (int r = 0; r < rows; r++) {
      clear(row + r, 0, columns);
    }
  }

  /**
   * Sets elements of rows of F32 to 1: those that a list names, k a row. It is one loop, as one a
   * row takes longer to begin and to end than to run where k is small.
   */
  void setFloats(long row, int rows, int[] list, int k) {
    long at = 4 * row * pitch;
    int left = k;
    for (int i = 0; i < rows * k; i++) {
      segment.set(JAVA_FLOAT_UNALIGNED, at + 4L * list[i], 1);
      left--;
      if (left == 0) {
        left = k;
        at += 4 * pitch;
      }
    }
  }

  /** The same of rows of U8. */
  void setBytes(long row, int rows, int[] list, int k) {
    long at = row * pitch;
    int left = k;
    for (int i = 0; i < rows * k; i++) {
      segment.set(JAVA_BYTE, at + list[i], (byte) 1);
      left--;
      if (left == 0) {
        left = k;
        at += pitch;
      }
    }
  }
}
