// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

/**
 * Selecting among the keys of a row, over plain arrays. No key is NaN. Behind the keys, -infinity
 * stands up to a whole vector; thresholds are above it.
 */
interface SamplingSelection {
  /** How many keys are at least a threshold. */
  int count(float[] keys, int from, int length, float threshold);

  /** Up to how many keys {@link #kthGreatest} takes less time than counting again and again. */
  int few();

  /**
   * The k-th greatest of a few keys, by counting for each how many are greater.
   *
   * @param k from 1 to {@code length}
   */
  float kthGreatest(float[] keys, int from, int length, int k);

  /**
   * Lists where keys are at least a threshold, ascending, counted from {@code from}.
   *
   * @param at where to write the list; up to {@link SamplingNoise#SLACK} elements behind it change
   * @return where it ends
   */
  int list(float[] keys, int from, int length, float threshold, int[] columns, int at);

  /**
   * Lays the keys of a batch's rows out {@code length} apart, with -infinity behind each row's, and
   * in the place of rows that are not there.
   *
   * @param rows how many to lay out
   * @param length a multiple of all vectors, not less than any list
   */
  void spread(SamplingLists lists, int rows, int length, float[] keys);

  /**
   * Lists the columns of the keys that {@link #spread} laid out and that are at least their row's
   * threshold, k a row, one row behind the other. A list that is longer is written over by the next
   * row's.
   *
   * @param thresholds above -infinity
   * @param list has room for all columns of the last row
   * @return bits of the rows that have not exactly k
   */
  int pick(SamplingLists lists, float[] keys, int length, float[] thresholds, int k, int[] list);

  /** The keys of what {@link #pick} lists. */
  void pickKeys(
      SamplingLists lists, float[] keys, int length, float[] thresholds, int k, float[] list);

  /**
   * Keeps, at the front of both lists and in their order, keys that are at least a threshold.
   *
   * @return how many
   */
  int keep(float[] keys, int[] columns, int length, float threshold);
}
