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
  /** Where at most one column in so many is drawn, most vectors of them have no candidate. */
  static final int SPARSE = 100;

  private final SamplingNoise noise;
  private final SamplingSelection selection;
  private final SamplingThreshold search;

  /** Keys of the first {@code keyed} candidates, logits of the others. */
  SamplingLists lists = new SamplingLists(0);

  int count;

  /** What columns have to surpass to become candidates. */
  float threshold;

  private long row;
  private boolean sparse;
  private int k;
  private float beta;
  private int keyed;
  private int capacity;

  SamplingCandidates(SamplingNoise noise, SamplingSelection selection, SamplingThreshold search) {
    this.noise = noise;
    this.selection = selection;
    this.search = search;
  }

  /** Prepares for a row of n columns of which k are drawn. */
  void start(long newRow, int n, int newK, float newBeta, float newThreshold) {
    row = newRow;
    sparse = newK <= n / SPARSE;
    k = newK;
    beta = newBeta;
    threshold = newThreshold;
    count = 0;
    keyed = 0;
    capacity = Math.toIntExact(2L * k + 1024 + SamplingScratch.BLOCK);
    if (lists.capacity() < capacity) {
      lists = new SamplingLists(capacity);
    }
  }

  /**
   * Adds those that may win of a block, or of a part of it.
   *
   * @param from where words and logits of the part begin
   * @param column the column of its first
   */
  void add(int[] words, float[] logits, int from, int length, int column) {
    if (count + length > capacity) {
      threshold = Math.max(threshold, narrow());
    }
    count =
        beta == 0
            ? noise.filterLogits(logits, from, length, threshold, column, lists, count)
            : noise.filter(
                words, logits, from, length, beta, threshold, column, sparse, lists, count);
  }

  /** Adds what {@link #narrow} left of a part of the row that is right of all others. */
  void addWinners(SamplingCandidates part) {
    if (count + part.count > capacity) {
      narrow();
    }
    System.arraycopy(part.lists.columns, 0, lists.columns, count, part.count);
    System.arraycopy(part.lists.keys, 0, lists.keys, count, part.count);
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
      least = k == 0 ? Float.POSITIVE_INFINITY : search.find(lists.keys, 0, count, k);
    }
    count = selection.keep(lists.keys, lists.columns, count, Math.max(least, -Float.MAX_VALUE));
    if (count > k) {
      dropTies();
    }
    keyed = count;
    return count < k ? Float.NEGATIVE_INFINITY : least;
  }

  private void makeKeys() {
    float[] keys = lists.keys;
    int added = count - keyed;
    int greatest =
        beta == 0
            ? noise.greatestMagnitude(keys, keyed, added)
            : noise.addNoise(lists.words, keyed, beta, keys, keyed, added);
    if (greatest > SamplingKeys.INFINITY) {
      for (int i = keyed; i < count; i++) {
        if (Float.isNaN(keys[i])) {
          throw InvalidLogitsException.nan(row, lists.columns[i]);
        }
      }
    }
    Arrays.fill(keys, count, count + SamplingNoise.SLACK / 2, Float.NEGATIVE_INFINITY);
  }

  /** Takes out the last of the least keys, which are all equal. */
  private void dropTies() {
    float[] keys = lists.keys;
    int[] columns = lists.columns;
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
    return 12L * lists.columns.length;
  }
}
