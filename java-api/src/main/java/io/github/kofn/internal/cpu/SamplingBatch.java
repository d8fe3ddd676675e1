// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import io.github.kofn.internal.kernels.View;

/**
 * Draws rows, not longer than a block, in batches: a loop then goes over the candidates of all rows
 * of a batch, which saves its beginning and its end for every row, and the thresholds of all rows
 * are searched at once, a row a lane.
 *
 * <p>Rows of which this does not find exactly k winners above the guess are left to be drawn alone:
 * where the guess was too high, keys are equal, or logits are not drawable.
 */
final class SamplingBatch {
  /** Elements of a batch, so that its candidates stay in the second cache. */
  private static final int ELEMENTS = 16384;

  private static final int LANES = SamplingSoftmax.LANES;

  private final SamplingNoise noise;
  private final SamplingSelection selection;
  private final SamplingColumnwise columnwise;
  private final SamplingKeys keyMaker;
  private final int n;
  private final int k;
  private final int stride;
  private final float beta;

  SamplingBatch(
      SamplingNoise noise,
      SamplingSelection selection,
      SamplingColumnwise columnwise,
      SamplingKeys keyMaker,
      View logits,
      int k,
      int stride,
      float beta) {
    this.noise = noise;
    this.selection = selection;
    this.columnwise = columnwise;
    this.keyMaker = keyMaker;
    this.n = Math.toIntExact(logits.columns());
    this.k = k;
    this.stride = stride;
    this.beta = beta;
  }

  /** How many rows are drawn at a time: one while there is nothing to guess by. */
  int rowsAtOnce(float guess) {
    int most = guess == Float.NEGATIVE_INFINITY ? 1 : columnwise.lanes();
    return Math.clamp(ELEMENTS / stride, 1, most);
  }

  /**
   * Draws some rows, at most {@link #rowsAtOnce}.
   *
   * @return bits of those that are to be drawn alone
   */
  int draw(long row, int rows, float guess, SamplingOutputs outputs, SamplingScratch scratch) {
    SamplingLists lists = scratch.batch(rows * stride);
    lists.rows = 0;
    int end = 0;
    int step = keyMaker.rowsAtOnce();
    for (int r = 0; r < rows; r += step) {
      int some = Math.min(step, rows - r);
      keyMaker.prepare(row + r, some, outputs, scratch);
      end = noise.filterRows(scratch.words, scratch.keys, some, stride, beta, guess, lists, end);
    }
    int greatest = noise.addNoise(lists.words, 0, beta, lists.keys, 0, end);
    int length = lists.longest(LANES);
    if (greatest > SamplingKeys.INFINITY || length < k) {
      return (1 << rows) - 1;
    }
    int lanes = columnwise.lanes();
    float[] keys = scratch.weights(lanes * length + SamplingScratch.SQUARE);
    float[] sideBySide = scratch.floats(lanes * length + SamplingScratch.SQUARE);
    selection.spread(lists, lanes, length, keys);
    columnwise.transpose(keys, length, 1, sideBySide, scratch.square);
    columnwise.thresholds(sideBySide, length, 1, k, scratch.search);
    float[] thresholds = scratch.search.thresholds;
    int alone = 0;
    for (int r = 0; r < rows; r++) {
      alone |= thresholds[r] > guess ? 0 : 1 << r;
      thresholds[r] = Math.max(thresholds[r], -Float.MAX_VALUE);
    }
    alone |= selection.pick(lists, keys, length, thresholds, k, scratch.columns(rows * k + n));
    if (outputs.needKeys()) {
      float[] winnerKeys = scratch.winnerKeys(rows * k + n);
      selection.pickKeys(lists, keys, length, thresholds, k, winnerKeys);
    }
    for (int r = 0; r < rows; r++) {
      if ((alone >> r & 1) == 0) {
        scratch.guess.learn(thresholds[r], true);
      }
    }
    return alone;
  }
}
