// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

/**
 * The counters of a block of random words, a vector of them after the other, and where a vector's
 * words go. They count from the block's first row and its first group of four columns.
 */
final class SamplingCounters {
  private static final int WORDS = SamplingCipher.WORDS;

  /** Vectors are ciphered by twos: there may be one behind the last. */
  private static final int SPARE = 4 * SamplingSoftmax.LANES;

  final int[] groups = new int[SamplingScratch.BLOCK + SPARE];
  final int[] rows = new int[SamplingScratch.BLOCK + SPARE];

  /** One a vector. */
  final int[] places = new int[SamplingScratch.BLOCK + SPARE];

  /** What the tables were made for. */
  private int length;

  private boolean sideBySide;

  /**
   * Those of rows one behind the other, {@code stride} elements apart, a multiple of 4. A vector's
   * even lanes are its first counters, its odd ones those behind, so that words come into their
   * order in one step.
   */
  void inRows(int stride, int lanes) {
    int perRow = Math.min(stride, SamplingScratch.BLOCK) / WORDS;
    if (length == perRow && !sideBySide) {
      return;
    }
    length = perRow;
    sideBySide = false;
    int counters = SamplingScratch.BLOCK / WORDS + 2 * SamplingSoftmax.LANES;
    for (int first = 0; first < counters; first += lanes) {
      for (int lane = 0; lane < lanes; lane++) {
        int counter = first + lane / 2 + lane % 2 * (lanes / 2);
        groups[first + lane] = counter % perRow;
        rows[first + lane] = counter / perRow;
      }
      places[first / lanes] = WORDS * first;
    }
  }

  /** Those of groups of {@code lanes} rows side by side: a vector has four columns of a group. */
  void sideBySide(int columns, int lanes) {
    if (length == columns && sideBySide) {
      return;
    }
    length = columns;
    sideBySide = true;
    int perGroup = Math.ceilDiv(columns, WORDS);
    int vectors = SamplingScratch.BLOCK / (columns * lanes) * perGroup + 1;
    for (int i = 0; i < vectors; i++) {
      int group = i / perGroup;
      int column = i % perGroup;
      for (int lane = 0; lane < lanes; lane++) {
        groups[i * lanes + lane] = column;
        rows[i * lanes + lane] = group * lanes + lane;
      }
      places[i] = (group * columns + column * WORDS) * lanes;
    }
  }
}
