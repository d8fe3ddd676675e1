// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

/**
 * Lists of some columns of a row, side by side, with elements to spare behind the last; or of the
 * rows of a batch, behind each other.
 */
final class SamplingLists {
  /** Ascending. */
  final int[] columns;

  /** The upper 31 bits of the columns' random words. */
  final int[] words;

  /** Logits or keys. */
  final float[] keys;

  /** Rows of a batch, where their lists begin, at a whole vector each, and where they end. */
  int rows;

  final int[] begins = new int[SamplingSoftmax.LANES];
  final int[] ends = new int[SamplingSoftmax.LANES];

  SamplingLists(int capacity) {
    int length = capacity + SamplingNoise.SLACK;
    columns = new int[length];
    words = new int[length];
    keys = new float[length];
  }

  /** The length of the longest list of a batch, rounded up. */
  int longest(int multiple) {
    int longest = 0;
    for (int r = 0; r < rows; r++) {
      longest = Math.max(longest, ends[r] - begins[r]);
    }
    return Math.ceilDiv(longest, multiple) * multiple;
  }

  int capacity() {
    return columns.length - SamplingNoise.SLACK;
  }
}
