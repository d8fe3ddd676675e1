// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

/**
 * Selecting among the keys of a row, over plain arrays. A selection is a set of bits, column c
 * being bit {@code c % 64} of word {@code c / 64}; every output is made of these. No key is NaN.
 */
interface SamplingSelection {
  /** The longest row for {@link #markByRank}: its selection is one word. */
  int RANKED = 64;

  /**
   * How many keys are at least a threshold above -infinity. Behind the keys, -infinity stands up to
   * a whole vector.
   */
  int count(float[] keys, int from, int length, float threshold);

  /**
   * Like {@link #count}, and writes the selection of these keys, {@code ceil(length / 64)} words.
   */
  int mark(float[] keys, int from, int length, float threshold, long[] bits, int at);

  /**
   * The selection of those of at most {@link #RANKED} keys that are above -infinity and have fewer
   * than k keys above them: the k greatest, if no tie reaches over the boundary. Anything may stand
   * behind the keys.
   */
  long markByRank(float[] keys, int from, int length, int k);

  /**
   * Lists the columns of a selection, ascending.
   *
   * @param at where to write them; up to {@link SamplingNoise#SLACK} elements behind the last
   *     change
   * @return where the list ends
   */
  int columns(long[] bits, int word, int words, int[] columns, int at);

  /** Writes 1 where a column is selected and 0 elsewhere, for {@code 64 * words} columns. */
  void floats(long[] bits, int word, int words, float[] mask, int at);
}
