// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.sampling;

/** What a draw writes, besides the indices, which it always writes. */
public enum Output {
  /** The keys of the drawn entries, F32 [rows, k], beside the indices. */
  KEYS,
  /** A mask of bits, I32 [rows, ceil(n / 32)]: column c is bit c % 32 of word c / 32. */
  BIT_MASK,
  /** A mask of bytes 0 and 1, U8 [rows, n]. */
  BYTE_MASK,
  /** A mask of 0.0 and 1.0, F32 [rows, n]. */
  FLOAT_MASK
}
