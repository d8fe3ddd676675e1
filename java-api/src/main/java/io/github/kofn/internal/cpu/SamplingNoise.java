// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import io.github.kofn.internal.kernels.Draw;

/** Random words, and the keys that they and the logits make, over plain arrays. */
interface SamplingNoise {
  /** Arrays have this many elements to spare, so that loops may run on to a whole vector. */
  int SLACK = 64;

  int STATE_LENGTH = 1024;

  /** log2 of a filter's safety: far above its rounding errors, far below what it would cost. */
  float FILTER_MARGIN = 1e-4f;

  /**
   * The random words of counters {@code (firstGroup + groups[i], firstRow + rows[i])}, four words a
   * counter.
   *
   * @param state {@link #STATE_LENGTH} numbers to work with
   * @param words receives the upper 31 bits of {@code 4 * counters} words
   */
  void words(
      long[] groups,
      long[] rows,
      int counters,
      long firstGroup,
      long firstRow,
      Draw draw,
      long[] state,
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
   * Appends to the candidates the elements of a row whose key may be above the threshold, with
   * their logits as keys. Behind the logits, -infinity stands up to a whole vector.
   *
   * <p>No logarithm is taken: {@code key > T} needs {@code beta G > logit - T}, and since {@code
   * -ln(1 - u) >= u} it needs {@code log2(u) < (logit - T) / (beta ln 2)}. The bits of the float of
   * h, read as an integer, are a lower bound of log2(h). What passes is a few percent more than
   * what is above the threshold.
   */
  void filter(
      int[] words,
      float[] logits,
      int length,
      float beta,
      int firstColumn,
      SamplingCandidates candidates);

  /** Like {@link #filter} without noise: appends the logits above the threshold. */
  void filterLogits(float[] logits, int length, int firstColumn, SamplingCandidates candidates);

  /** What {@link #filter} multiplies {@code logit - T} with, in units of the last place of log2. */
  static float filterSlope(float beta) {
    return (float) Math.min(0x1p23 / (beta * Math.log(2)), Float.MAX_VALUE);
  }

  /** What {@link #filter} adds: the biased exponent of 2^31, and the margin. */
  static float filterOffset() {
    return (127 + 31 + FILTER_MARGIN) * 0x1p23f;
  }
}
