// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import java.util.Arrays;

/** The order of a draw: greatest key first, equal keys by ascending column. */
final class SamplingOrder {
  private static final long LOW = 0xFFFFFFFFL;

  private SamplingOrder() {}

  /** Sorts a part of two lists that belong together and ascend by column. */
  static void byKey(int[] columns, float[] keys, int from, int length, SamplingScratch scratch) {
    long[] sortable = scratch.sortable(length);
    for (int i = 0; i < length; i++) {
      sortable[i] = (long) descending(keys[from + i]) << 32 | i;
    }
    Arrays.sort(sortable, 0, length);
    for (int i = 0; i < length; i++) {
      int source = from + (int) sortable[i];
      sortable[i] = (long) columns[source] << 32 | (Float.floatToRawIntBits(keys[source]) & LOW);
    }
    for (int i = 0; i < length; i++) {
      columns[from + i] = (int) (sortable[i] >>> 32);
      keys[from + i] = Float.intBitsToFloat((int) sortable[i]);
    }
  }

  /** Sorts a part of a list of columns by their keys, {@code keys[row + column]}. */
  static void byKey(
      int[] columns, int from, int length, float[] keys, int row, SamplingScratch scratch) {
    long[] sortable = scratch.sortable(length);
    for (int i = 0; i < length; i++) {
      int column = columns[from + i];
      sortable[i] = (long) descending(keys[row + column]) << 32 | column;
    }
    Arrays.sort(sortable, 0, length);
    for (int i = 0; i < length; i++) {
      columns[from + i] = (int) sortable[i];
    }
  }

  /** An integer that is the greater the lesser the key; the same for -0 and +0. */
  private static int descending(float key) {
    int bits = Float.floatToRawIntBits(key + 0f);
    return ~(bits ^ (bits >> 31 & Integer.MAX_VALUE));
  }
}
