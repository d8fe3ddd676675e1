// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import io.github.kofn.DType;
import io.github.kofn.internal.kernels.View;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Runs of neighbouring elements between views of any floating-point or 8-bit type and arrays.
 * Kernels see arrays and native memory of their own only: a hot loop that met heap and native
 * segments both would be compiled for neither.
 */
final class Elements {
  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;
  private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED;
  private static final ValueLayout.OfChar CHAR = ValueLayout.JAVA_CHAR_UNALIGNED;
  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;

  private Elements() {}

  /** Whether {@link #read} and {@link #write} know the type. */
  static boolean known(DType type) {
    return type.isFloating() || type == DType.I8 || type == DType.U8;
  }

  /** Reads elements, widened exactly. */
  static void read(View view, long index, float[] to, int at, int count) {
    MemorySegment from = view.buffer().host();
    long offset = view.offset() + index * view.type().bytes();
    switch (view.type()) {
      case F32 -> MemorySegment.copy(from, FLOAT, offset, to, at, count);
      case BF16 -> {
        for (int i = 0; i < count; i++) {
          to[at + i] = Float.intBitsToFloat(from.get(SHORT, offset + 2L * i) << 16);
        }
      }
      case F16 -> {
        for (int i = 0; i < count; i++) {
          to[at + i] = Float.float16ToFloat(from.get(SHORT, offset + 2L * i));
        }
      }
      case I8 -> {
        for (int i = 0; i < count; i++) {
          to[at + i] = from.get(ValueLayout.JAVA_BYTE, offset + i);
        }
      }
      case U8 -> {
        for (int i = 0; i < count; i++) {
          to[at + i] = from.get(ValueLayout.JAVA_BYTE, offset + i) & 0xff;
        }
      }
      default -> throw new IllegalArgumentException("type is " + view.type());
    }
  }

  /** Writes elements, rounded to nearest even; integers saturate, and NaN becomes 0 there. */
  static void write(View view, long index, float[] from, int at, int count) {
    MemorySegment to = view.buffer().host();
    long offset = view.offset() + index * view.type().bytes();
    switch (view.type()) {
      case F32 -> MemorySegment.copy(from, at, to, FLOAT, offset, count);
      case BF16 -> {
        for (int i = 0; i < count; i++) {
          to.set(SHORT, offset + 2L * i, toBf16(from[at + i]));
        }
      }
      case F16 -> {
        for (int i = 0; i < count; i++) {
          to.set(SHORT, offset + 2L * i, Float.floatToFloat16(from[at + i]));
        }
      }
      case I8 -> {
        for (int i = 0; i < count; i++) {
          to.set(ValueLayout.JAVA_BYTE, offset + i, toInteger(from[at + i], -128, 127));
        }
      }
      case U8 -> {
        for (int i = 0; i < count; i++) {
          to.set(ValueLayout.JAVA_BYTE, offset + i, toInteger(from[at + i], 0, 255));
        }
      }
      default -> throw new IllegalArgumentException("type is " + view.type());
    }
  }

  /** One element, widened exactly. */
  static float get(View view, long index) {
    MemorySegment from = view.buffer().host();
    long offset = view.offset() + index * view.type().bytes();
    return switch (view.type()) {
      case F32 -> from.get(FLOAT, offset);
      case BF16 -> Float.intBitsToFloat(from.get(SHORT, offset) << 16);
      case F16 -> Float.float16ToFloat(from.get(SHORT, offset));
      case I8 -> from.get(ValueLayout.JAVA_BYTE, offset);
      default -> throw new IllegalArgumentException("type is " + view.type());
    };
  }

  /** Reads the elements at some distances from an index, widened exactly. */
  static void readAt(
      View view, long index, int[] distances, int first, float[] to, int at, int count) {
    if (view.type() != DType.F32) {
      for (int i = 0; i < count; i++) {
        to[at + i] = get(view, index + distances[first + i]);
      }
      return;
    }
    MemorySegment from = view.buffer().host();
    long offset = view.offset() + index * Float.BYTES;
    for (int i = 0; i < count; i++) {
      to[at + i] = from.get(FLOAT, offset + (long) distances[first + i] * Float.BYTES);
    }
  }

  /** Writes one F32 element. */
  static void set(View view, long index, float value) {
    view.buffer().host().set(FLOAT, view.offset() + index * Float.BYTES, value);
  }

  /** How many of {@code count} ascending U16 or I32 indices are below a value. */
  static int lowerBound(View view, long index, int count, int value) {
    MemorySegment from = view.buffer().host();
    boolean narrow = view.type() != DType.I32;
    int low = 0;
    int high = count;
    while (low < high) {
      int middle = (low + high) >>> 1;
      long offset = view.offset() + (index + middle) * view.type().bytes();
      int found = narrow ? from.get(CHAR, offset) : from.get(INT, offset);
      if (found < value) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  /** Writes F32 elements at some distances from an index. */
  static void setAt(
      View view, long index, int[] distances, int first, float[] from, int at, int count) {
    MemorySegment to = view.buffer().host();
    long offset = view.offset() + index * Float.BYTES;
    for (int i = 0; i < count; i++) {
      to.set(FLOAT, offset + (long) distances[first + i] * Float.BYTES, from[at + i]);
    }
  }

  /** Reads U16 or I32 indices; U16 ones by way of a line of as many. */
  static void readIndices(View view, long index, int[] to, int at, int count, Scratch scratch) {
    MemorySegment from = view.buffer().host();
    long offset = view.offset() + index * view.type().bytes();
    if (view.type() == DType.I32) {
      MemorySegment.copy(from, INT, offset, to, at, count);
      return;
    }
    char[] narrow = scratch.chars(count);
    MemorySegment.copy(from, CHAR, offset, narrow, 0, count);
    for (int i = 0; i < count; i++) {
      to[at + i] = narrow[i];
    }
  }

  /** Writes I32 elements. */
  static void writeInts(View view, long index, int[] from, int at, int count) {
    MemorySegment.copy(
        from, at, view.buffer().host(), INT, view.offset() + index * Integer.BYTES, count);
  }

  private static byte toInteger(float value, int low, int high) {
    return (byte) (int) Math.clamp(Math.rint(Float.isNaN(value) ? 0.0 : value), low, high);
  }

  private static short toBf16(float value) {
    int bits = Float.floatToRawIntBits(value);
    if (Float.isNaN(value)) {
      return (short) ((bits >>> 16) | 0x40);
    }
    return (short) ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16);
  }
}
