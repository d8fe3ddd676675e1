// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

/** Lists of some columns of a row, side by side, with elements to spare behind the last. */
final class SamplingLists {
  /** Ascending. */
  final int[] columns;

  /** The upper 31 bits of the columns' random words. */
  final int[] words;

  /** Logits or keys. */
  final float[] keys;

  SamplingLists(int capacity) {
    int length = capacity + SamplingNoise.SLACK;
    columns = new int[length];
    words = new int[length];
    keys = new float[length];
  }

  int capacity() {
    return columns.length - SamplingNoise.SLACK;
  }
}
