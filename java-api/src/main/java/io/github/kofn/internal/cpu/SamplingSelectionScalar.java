// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

/** One key after the other. */
final class SamplingSelectionScalar implements SamplingSelection {
  @Override
  public int count(float[] keys, int from, int length, float threshold) {
    int count = 0;
    for (int i = from; i < from + length; i++) {
      count += keys[i] >= threshold ? 1 : 0;
    }
    return count;
  }

  @Override
  public int mark(float[] keys, int from, int length, float threshold, long[] bits, int at) {
    int count = 0;
    for (int first = 0; first < length; first += 64) {
      long word = 0;
      for (int i = first; i < Math.min(first + 64, length); i++) {
        word |= keys[from + i] >= threshold ? 1L << i : 0;
      }
      bits[at + first / 64] = word;
      count += Long.bitCount(word);
    }
    return count;
  }

  @Override
  public long markByRank(float[] keys, int from, int length, int k) {
    long word = 0;
    for (int i = 0; i < length; i++) {
      int rank = 0;
      for (int j = 0; j < length; j++) {
        rank += keys[from + j] > keys[from + i] ? 1 : 0;
      }
      word |= rank < k && keys[from + i] > Float.NEGATIVE_INFINITY ? 1L << i : 0;
    }
    return word;
  }

  @Override
  public int columns(long[] bits, int word, int words, int[] columns, int at) {
    int end = at;
    for (int w = 0; w < words; w++) {
      for (long rest = bits[word + w]; rest != 0; rest &= rest - 1) {
        columns[end++] = 64 * w + Long.numberOfTrailingZeros(rest);
      }
    }
    return end;
  }

  @Override
  public void floats(long[] bits, int word, int words, float[] mask, int at) {
    for (int i = 0; i < 64 * words; i++) {
      mask[at + i] = bits[word + i / 64] >>> i & 1;
    }
  }
}
