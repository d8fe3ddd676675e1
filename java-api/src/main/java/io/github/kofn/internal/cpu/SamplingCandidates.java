// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import io.github.kofn.sampling.InvalidLogitsException;
import java.util.Arrays;

/**
 * The columns of a row that may still win, ascending, with what their keys are made of: those whose
 * key may be above a threshold. When there is no room for another block, all but the k greatest
 * keys so far are dropped, and the least that stays becomes the threshold, if it is greater.
 */
final class SamplingCandidates {
  private final SamplingNoise noise;
  private final SamplingSelection selection;
  private final SamplingThreshold search;

  int[] columns = new int[0];
  int[] words = new int[0];

  /** Keys of the first {@code keyed} candidates, logits of the others. */
  float[] keys = new float[0];

  int count;

  /** What columns have to surpass to become candidates. */
  float threshold;

  private long row;
  private int k;
  private float beta;
  private int keyed;
  private int capacity;

  SamplingCandidates(SamplingNoise noise, SamplingSelection selection, SamplingThreshold search) {
    this.noise = noise;
    this.selection = selection;
    this.search = search;
  }

  /** Prepares for a row of which k columns are drawn. */
  void start(long newRow, int newK, float newBeta, float newThreshold) {
    row = newRow;
    k = newK;
    beta = newBeta;
    threshold = newThreshold;
    count = 0;
    keyed = 0;
    capacity = Math.toIntExact(2L * k + 1024 + SamplingScratch.BLOCK);
    int length = capacity + SamplingNoise.SLACK;
    if (columns.length < length) {
      columns = new int[length];
      words = new int[length];
      keys = new float[length];
    }
  }

  /**
   * Adds those that may win of a block, or of a part of it.
   *
   * @param from where words and logits of the part begin
   * @param column the column of its first
   */
  void add(int[] blockWords, float[] logits, int from, int length, int column) {
    if (count + length > capacity) {
      threshold = Math.max(threshold, narrow());
    }
    int first = count;
    if (beta == 0) {
      count = noise.filterLogits(logits, from, length, threshold, columns, first);
    } else {
      count = noise.filter(blockWords, logits, from, length, beta, threshold, columns, first);
      for (int i = first; i < count; i++) {
        words[i] = blockWords[from + columns[i]];
      }
    }
    for (int i = first; i < count; i++) {
      keys[i] = logits[from + columns[i]];
      columns[i] += column;
    }
  }

  /** Adds what {@link #narrow} left of a part of the row that is right of all others. */
  void addWinners(SamplingCandidates part) {
    if (count + part.count > capacity) {
      narrow();
    }
    System.arraycopy(part.columns, 0, columns, count, part.count);
    System.arraycopy(part.keys, 0, keys, count, part.count);
    count += part.count;
    keyed = count;
  }

  /**
   * Keeps the k greatest keys, or all those above -infinity if there are fewer.
   *
   * @return the least that is kept; -infinity if fewer than k are, +infinity if none should
   */
  float narrow() {
    makeKeys();
    float least = Float.NEGATIVE_INFINITY;
    if (count >= k) {
      least = k == 0 ? Float.POSITIVE_INFINITY : search.find(keys, 0, count, k);
    }
    count = selection.keep(keys, columns, count, Math.max(least, -Float.MAX_VALUE));
    if (count > k) {
      dropTies();
    }
    keyed = count;
    return count < k ? Float.NEGATIVE_INFINITY : least;
  }

  private void makeKeys() {
    int added = count - keyed;
    int greatest =
        beta == 0
            ? noise.greatestMagnitude(keys, keyed, added)
            : noise.addNoise(words, keyed, beta, keys, keyed, added);
    if (greatest > SamplingKeys.INFINITY) {
      for (int i = keyed; i < count; i++) {
        if (Float.isNaN(keys[i])) {
          throw InvalidLogitsException.nan(row, columns[i]);
        }
      }
    }
    Arrays.fill(keys, count, count + SamplingNoise.SLACK / 2, Float.NEGATIVE_INFINITY);
  }

  /** Takes out the last of the least keys, which are all equal. */
  private void dropTies() {
    float least = SamplingThreshold.least(keys, count);
    int ties = 0;
    for (int i = 0; i < count; i++) {
      ties += keys[i] == least ? 1 : 0;
    }
    int stay = ties - (count - k);
    int end = 0;
    for (int i = 0; i < count; i++) {
      if (keys[i] > least || stay-- > 0) {
        keys[end] = keys[i];
        columns[end++] = columns[i];
      }
    }
    count = end;
  }

  /** Bytes held. */
  long size() {
    return 12L * columns.length;
  }
}
