// SPDX-License-Identifier: Apache-2.0
package io.github.kofn;

/** The type of a tensor's elements, as stored. */
public enum DType {
  /** IEEE 754 binary32. */
  F32(4),
  /** The upper half of a binary32: 8 exponent bits, 7 stored mantissa bits. */
  BF16(2),
  /** IEEE 754 binary16. */
  F16(2),
  /** Signed 8-bit integer. */
  I8(1),
  /** Unsigned 8-bit integer; byte masks hold 0 and 1. */
  U8(1),
  /** Unsigned 16-bit integer: indices of patterns with at most 65536 candidates. */
  U16(2),
  /** Signed 32-bit integer: indices, and the words of bit masks. */
  I32(4),
  /** Signed 64-bit integer. */
  I64(8);

  private final int bytes;

  DType(int bytes) {
    this.bytes = bytes;
  }

  /**
   * The size of one element.
   *
   * @return the size in bytes
   */
  public int bytes() {
    return bytes;
  }

  /**
   * Whether this is a floating-point type.
   *
   * @return true for {@link #F32}, {@link #BF16} and {@link #F16}
   */
  public boolean isFloating() {
    return this == F32 || this == BF16 || this == F16;
  }
}
