// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import io.github.kofn.internal.kernels.Draw;

/** {@link io.github.kofn.sampling.Philox} of vectors of counters. */
interface SamplingCipher {
  /** Words that a counter gives. */
  int WORDS = 4;

  /**
   * The upper 31 bits of the words of some vectors of counters: at a vector's place a vector of
   * first words, behind it the second, third and fourth ones. Vectors ascend by place, and what one
   * writes behind what is wanted of it is written over by the next; the vector behind the last is
   * written as well.
   *
   * @param from the first vector
   * @param to behind the last
   */
  void words(
      SamplingCounters counters,
      int from,
      int to,
      int firstGroup,
      int firstRow,
      Draw draw,
      int[] words);
}
