// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import java.util.Arrays;

/**
 * The columns of a long row that may still win, ascending, with what their keys are made of. When
 * there is no room for another block, all but the k greatest keys so far are dropped, and the least
 * that stays becomes the threshold that a later column has to surpass.
 */
final class SamplingCandidates {
  int[] columns = new int[0];
  int[] words = new int[0];

  /** Keys of the first {@code keyed} candidates, logits of the others. */
  float[] keys = new float[0];

  int count;

  /** No key that is not above this wins. */
  float threshold;

  private int keyed;
  private int capacity;
  private long[] bits = new long[0];
  private int[] positions = new int[0];

  /** Prepares for a row of which k columns are drawn. */
  void start(int k) {
    capacity = Math.toIntExact(2L * k + 1024 + SamplingScratch.BLOCK);
    int length = capacity + SamplingNoise.SLACK;
    if (columns.length < length) {
      columns = new int[length];
      words = new int[length];
      keys = new float[length];
      bits = new long[length / 64 + 1];
      positions = new int[length];
    }
    count = 0;
    keyed = 0;
    threshold = Float.NEGATIVE_INFINITY;
  }

  boolean hasRoom(int length) {
    return count + length <= capacity;
  }

  /** Keeps the k greatest keys, or all those above -infinity if there are fewer. */
  void narrow(
      SamplingNoise noise,
      float beta,
      SamplingSelection selection,
      SamplingThreshold search,
      int k) {
    if (beta != 0) {
      noise.addNoise(words, keyed, beta, keys, keyed, count - keyed);
    }
    Arrays.fill(keys, count, count + SamplingNoise.SLACK / 2, Float.NEGATIVE_INFINITY);
    float least = Float.NEGATIVE_INFINITY;
    if (count >= k) {
      least = k == 0 ? Float.POSITIVE_INFINITY : search.find(keys, 0, count, k);
    }
    int marked = selection.mark(keys, 0, count, Math.max(least, -Float.MAX_VALUE), bits, 0);
    if (marked > k) {
      SamplingThreshold.dropTies(keys, 0, count, bits, 0, marked - k);
    }
    count = selection.columns(bits, 0, Math.ceilDiv(count, 64), positions, 0);
    keyed = count;
    threshold = least;
    for (int i = 0; i < count; i++) {
      columns[i] = columns[positions[i]];
      keys[i] = keys[positions[i]];
    }
  }

  /** Bytes held. */
  long size() {
    return 17L * columns.length;
  }
}
