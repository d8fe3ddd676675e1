// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.reference;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import io.github.kofn.DType;
import io.github.kofn.internal.kernels.View;
import java.lang.foreign.MemorySegment;

/**
 * A view's elements as numbers. Every stored type widens to double exactly, except I64 beyond 2^53,
 * which rounds.
 *
 * <p>Narrowing rounds once, to nearest, ties to even. Floating-point types overflow to infinity and
 * keep NaN; integer types saturate, and NaN becomes 0.
 */
final class Elements {
  private final View view;
  private final MemorySegment segment;
  private final DType type;

  Elements(View view) {
    this.view = view;
    this.segment = view.segment();
    this.type = view.type();
  }

  long rows() {
    return view.rows();
  }

  int columns() {
    return Math.toIntExact(view.columns());
  }

  double get(long row, long column) {
    return at(view.index(row, column));
  }

  void set(long row, long column, double value) {
    put(view.index(row, column), value);
  }

  int getInt(long row, long column) {
    return (int) get(row, column);
  }

  /** The element at a position counted in elements, whatever the view's shape. */
  double at(long index) {
    return type == DType.I64 ? longAt(index) : exact(index);
  }

  private double exact(long index) {
    long offset = index * type.bytes();
    return switch (type) {
      case F32 -> segment.get(JAVA_FLOAT_UNALIGNED, offset);
      case BF16 -> Float.intBitsToFloat(segment.get(JAVA_SHORT_UNALIGNED, offset) << 16);
      case F16 -> Float.float16ToFloat(segment.get(JAVA_SHORT_UNALIGNED, offset));
      case I8, U8, U16, I32, I64 -> longAt(index);
    };
  }

  /** The integer at a position. */
  private long longAt(long index) {
    long offset = index * type.bytes();
    return switch (type) {
      case I8 -> segment.get(JAVA_BYTE, offset);
      case U8 -> Byte.toUnsignedLong(segment.get(JAVA_BYTE, offset));
      case U16 -> Short.toUnsignedLong(segment.get(JAVA_SHORT_UNALIGNED, offset));
      case I32 -> segment.get(JAVA_INT_UNALIGNED, offset);
      case I64 -> segment.get(JAVA_LONG_UNALIGNED, offset);
      case F32, BF16, F16 -> throw new IllegalStateException(type + " holds no integers");
    };
  }

  /** Stores a number at a position counted in elements, whatever the view's shape. */
  void put(long index, double value) {
    long offset = index * type.bytes();
    switch (type) {
      case F32 -> segment.set(JAVA_FLOAT_UNALIGNED, offset, (float) value);
      case BF16 -> segment.set(JAVA_SHORT_UNALIGNED, offset, toBf16(value));
      case F16 -> segment.set(JAVA_SHORT_UNALIGNED, offset, toF16(value));
      case I8, U8, U16, I32, I64 -> putLong(index, (long) Math.rint(value));
    }
  }

  private void putLong(long index, long value) {
    long offset = index * type.bytes();
    switch (type) {
      case I8 ->
          segment.set(JAVA_BYTE, offset, (byte) Math.clamp(value, Byte.MIN_VALUE, Byte.MAX_VALUE));
      case U8 -> segment.set(JAVA_BYTE, offset, (byte) Math.clamp(value, 0, 0xff));
      case U16 -> segment.set(JAVA_SHORT_UNALIGNED, offset, (short) Math.clamp(value, 0, 0xffff));
      case I32 ->
          segment.set(
              JAVA_INT_UNALIGNED, offset, Math.clamp(value, Integer.MIN_VALUE, Integer.MAX_VALUE));
      case I64 -> segment.set(JAVA_LONG_UNALIGNED, offset, value);
      case F32, BF16, F16 -> throw new IllegalStateException(type + " holds no integers");
    }
  }

  /** Copies one element of another view; between integer types no bit passes through a double. */
  void copy(long row, long column, Elements source) {
    long from = source.view.index(row, column);
    if (type.isFloating() || source.type.isFloating()) {
      set(row, column, source.at(from));
    } else {
      putLong(view.index(row, column), source.longAt(from));
    }
  }

  /** All elements of a row. */
  double[] row(long row) {
    double[] values = new double[columns()];
    for (int column = 0; column < values.length; column++) {
      values[column] = get(row, column);
    }
    return values;
  }

  void setRow(long row, double[] values) {
    for (int column = 0; column < values.length; column++) {
      set(row, column, values[column]);
    }
  }

  static short toBf16(double value) {
    if (Double.isNaN(value)) {
      return (short) 0x7fc0;
    }
    int bits = Float.floatToRawIntBits(toOdd(value));
    int half = 0x7fff + (bits >>> 16 & 1);
    return (short) ((bits + half) >>> 16);
  }

  static short toF16(double value) {
    return Float.floatToFloat16(toOdd(value));
  }

  /**
   * Rounds to the neighbouring float with an odd last bit, unless the value is a float. A float so
   * made lies on the same side as the value of every number that a 16-bit type can hold or be
   * halfway at, so that rounding it once more gives what rounding the value itself would have given
   * (Boldo and Melquiond, "Emulation of FMA and correctly rounded sums", IEEE TC 2008).
   */
  private static float toOdd(double value) {
    float nearest = (float) value;
    if (nearest == value || Double.isNaN(value)) {
      return nearest;
    }
    if ((Float.floatToRawIntBits(nearest) & 1) != 0) {
      return nearest;
    }
    return nearest < value ? Math.nextUp(nearest) : Math.nextDown(nearest);
  }
}
