// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import io.github.kofn.internal.kernels.Draw;

/**
 * Short rows side by side: a vector's lanes are the rows of a group, and a loop goes over columns.
 * Nothing is then done for a row alone, and no lane is idle whatever the length. Groups lie one
 * behind the other; in a group, the element of a row and a column lies at {@code column * lanes +
 * row}.
 */
interface SamplingColumnwise {
  /** The rows of a group. */
  int lanes();

  /**
   * Brings rows, which lie one behind the other, side by side. Up to {@code lanes} rows behind the
   * last are read, and up to {@code lanes} columns behind the last group are written.
   *
   * @param square {@code lanes * lanes} elements to work in
   */
  void transpose(float[] rows, int columns, int groups, float[] keys, float[] square);

  /**
   * The upper 31 bits of the random words of some vectors of counters; up to {@code 2 * SLACK}
   * behind the last vector's are written.
   *
   * @param counters those of {@link SamplingCounters#sideBySide} for as many columns and lanes
   * @param from the first vector, an even number
   * @param to behind the last vector
   */
  void words(SamplingCounters counters, int from, int to, int firstRow, Draw draw, int[] words);

  /**
   * For every row a threshold that exactly k keys reach, or the k-th greatest key where a tie
   * forbids this; or -infinity if fewer than k keys are above it.
   *
   * @param k from 1
   */
  void thresholds(float[] keys, int columns, int groups, int k, SamplingSearch search);

  /**
   * For every column of a group the bits of the rows whose key is above -infinity and reaches the
   * row's threshold; up to {@code 2 * lanes} columns behind the last have none.
   */
  void mark(float[] keys, int columns, int group, float[] thresholds, int[] marks);

  /**
   * Lists the columns that are marked in a group's first rows, ascending, k a row. Lists of rows
   * that are longer overwrite each other.
   *
   * @return whether each of the rows has exactly k
   */
  boolean list(int[] marks, int columns, int rows, int k, int[] list, int at);

  /**
   * Lists the columns that are marked in a row, ascending.
   *
   * @return where the list ends
   */
  int list(int[] marks, int columns, int row, int[] list, int at);
}
