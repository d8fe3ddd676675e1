// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import io.github.kofn.internal.kernels.Draw;

/** Random words, and the keys that they and the logits make, over plain arrays. */
interface SamplingNoise {
  /** Arrays have this many elements to spare, so that loops may run on to a whole vector. */
  int SLACK = 64;

  /** log2 of a filter's safety: far above its rounding errors, far below what it would cost. */
  float FILTER_MARGIN = 1e-4f;

  /** Counters of which a vector makes words. */
  int lanes();

  /**
   * The upper 31 bits of the words of some of a block's counters, one counter's four words after
   * the other's.
   *
   * @param counters those of {@link SamplingCounters#inRows} for as many lanes
   * @param from the first counter, a multiple of {@link #SLACK} / 4
   * @param to behind the last counter
   * @param words receives a counter's words at four times its number; up to {@code 2 * SLACK} words
   *     behind the last change as well
   */
  void words(
      SamplingCounters counters,
      int from,
      int to,
      int firstGroup,
      int firstRow,
      Draw draw,
      int[] words);

  /**
   * Makes keys of logits in place: {@code keys[from + i] = fma(beta, G(words[word + i]), keys[from
   * + i])}. Up to {@link #SLACK} elements behind the last change as well, and so do the words.
   *
   * @return the greatest bits of the keys' magnitudes: above those of infinity if there is a NaN,
   *     which comes from a NaN logit alone
   */
  int addNoise(int[] words, int word, float beta, float[] keys, int from, int length);

  /** What {@link #addNoise} returns, of keys that stay as they are. */
  int greatestMagnitude(float[] keys, int from, int length);

  /**
   * Lists the elements of a row whose key may be above a threshold, and those with a NaN logit,
   * ascending, with their words and logits. Behind the part, up to a whole vector, elements may be
   * listed too: they hold -infinity.
   *
   * <p>No logarithm is taken: {@code key > T} needs {@code beta G > T - logit}, and since {@code
   * -ln(1 - u) >= u} it needs {@code log2(u) < (logit - T) / (beta ln 2)}. The bits of the float of
   * h, read as an integer, are a lower bound of log2(h). What passes is some 15 % more than what is
   * above a threshold that a tenth of the row surpasses.
   *
   * @param column the number of the part's first column
   * @param sparse whether most vectors will have nothing to list
   * @param at where to write the lists; up to {@link #SLACK} elements behind it change
   * @return where they end
   */
  int filter(
      int[] words,
      float[] logits,
      int from,
      int length,
      float beta,
      float threshold,
      int column,
      boolean sparse,
      SamplingLists lists,
      int at);

  /**
   * Does the same for rows of a block, and appends them to a batch. Behind each row's list up to
   * the next whole vector stands what makes a key of -infinity.
   *
   * @param rows how many
   * @param stride how far apart they are, a multiple of all vectors
   * @return where the lists end
   */
  int filterRows(
      int[] words,
      float[] logits,
      int rows,
      int stride,
      float beta,
      float threshold,
      SamplingLists lists,
      int at);

  /** Like {@link #filter} without noise: logits above the threshold; words are not listed. */
  int filterLogits(
      float[] logits,
      int from,
      int length,
      float threshold,
      int column,
      SamplingLists lists,
      int at);

  /**
   * What {@link #filter} multiplies logits with, in units of the last place of log2. Where it is
   * less than {@code 1 / (beta ln 2)}, so that no product overflows, more passes.
   */
  static float filterSlope(float beta, float threshold) {
    double slope = Math.min(0x1p23 / (beta * Math.log(2)), Float.MAX_VALUE);
    return (float)
        (Float.isInfinite(threshold) ? slope : Math.min(slope, 0x1p120 / Math.abs(threshold)));
  }

  /**
   * What {@link #filter} adds: the biased exponent of 2^31, less the threshold, and a margin for
   * the roundings of this sum and of keys, which are relative to the threshold, and of G.
   */
  static float filterOffset(float slope, float threshold) {
    if (Float.isInfinite(threshold)) {
      return -threshold;
    }
    double level = (double) slope * threshold;
    return (float) ((127 + 31 + FILTER_MARGIN) * 0x1p23 - level + Math.abs(level) * 0x1p-22);
  }
}
