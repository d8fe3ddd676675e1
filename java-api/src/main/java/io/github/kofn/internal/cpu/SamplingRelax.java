// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import io.github.kofn.internal.kernels.Draw;
import io.github.kofn.internal.kernels.SamplingKernels.Relaxation;
import io.github.kofn.internal.kernels.View;
import java.util.Arrays;

/**
 * The relaxed sample, or its gradient, of any range of rows, in O(n + k) after the winners are in
 * order: keys are made again, losers' weights {@code w = exp((key - least winner) / tau)} are
 * summed, {@link SamplingWinners} does the winners, and one more pass writes the losers' {@code w
 * H} or {@code w (v H - A) / tau}.
 *
 * <p>Error. Let eps = 2^-24, {@code d = |key - least winner| / tau}, and m the greatest element of
 * the exact row (at most 1 where winners go in key order, at most k otherwise). A weight is off by
 * {@code (3 + 2 d) eps}, relative (see {@link SamplingSoftmax}). The losers' sum is therefore off
 * by at most {@code (19 + 2 ln n + 2) eps} relative to the sum S of losers and least winner, since
 * the softmax's mean of d is at most {@code ln n + 1}; so are all S_j, and their inverses' sum. A
 * loser's {@code w d} is at most 1 / e. With the roundings of the factor, the product and the
 * result,
 *
 * <pre>
 * |soft - exact| <= eps ((27 + 2 ln n) exact + m) + 2^-126
 * |gradient - exact| <= 2 eps / tau (40 + 4 ln n) (exact soft + m) max|v| + 2^-126
 * |sum of a row - k| <= eps k (29 + 4 ln n)
 * </pre>
 */
final class SamplingRelax {
  private final SamplingSelection selection;
  private final SamplingSoftmax softmax;
  private final SamplingKeys keyMaker;
  private final Relaxation relaxation;
  private final SamplingRows winners;
  private final SamplingRows upstream;
  private final SamplingRows target;
  private final int n;
  private final int k;
  private final int stride;
  private final float slope;

  /** For the gradient if there is an upstream, else for the sample. */
  SamplingRelax(
      SamplingNoise noise,
      SamplingSelection selection,
      SamplingSoftmax softmax,
      View logits,
      Draw draw,
      Relaxation relaxation,
      View upstream,
      View target) {
    this.selection = selection;
    this.softmax = softmax;
    this.relaxation = relaxation;
    this.winners = new SamplingRows(relaxation.winners());
    this.upstream = upstream == null ? null : new SamplingRows(upstream);
    this.target = new SamplingRows(target);
    this.n = Math.toIntExact(logits.columns());
    this.k = Math.toIntExact(relaxation.winners().columns());
    this.stride = Math.toIntExact(Math.ceilDiv(n, 16L) * 16);
    this.keyMaker = new SamplingKeys(noise, logits, draw, stride);
    this.slope = SamplingSoftmax.slope(relaxation.tau());
  }

  /** Works on the rows from first until before last. */
  void rows(long first, long last, SamplingScratch scratch) {
    if (n == 0) {
      return;
    }
    keyMaker.begin(null, scratch);
    int step = keyMaker.rowsAtOnce();
    for (long row = first; row < last; row += step) {
      int rows = (int) Math.min(step, last - row);
      int greatest = keyMaker.make(row, rows, scratch);
      winners.readColumns(row, rows, scratch.columns(rows * k), scratch);
      scratch.winnerKeys(rows * k);
      float[] out = scratch.keys;
      if (upstream != null) {
        out = scratch.floats(rows * stride);
        upstream.readRows(row, rows, out, stride, 0, scratch);
      }
      for (int r = 0; r < rows; r++) {
        prepare(row + r, r * stride, r * k, greatest, scratch);
        if (upstream == null) {
          sample(r * stride, r * k, scratch);
        } else {
          gradient(r * stride, r * k, scratch);
        }
      }
      target.writeRows(row, rows, out, stride);
    }
  }

  /** Checks the keys, puts winners in order, and takes their keys out of the row. */
  private void prepare(long row, int from, int first, int greatest, SamplingScratch scratch) {
    float[] keys = scratch.keys;
    if (greatest > SamplingKeys.INFINITY) {
      keyMaker.checkNotNan(keys, from, 1, row);
    }
    if (selection.count(keys, from, n, -Float.MAX_VALUE) < k) {
      throw keyMaker.tooFew(keys, from, 1, row, k);
    }
    int[] columns = scratch.columns;
    if (relaxation.byKey()) {
      SamplingOrder.byKey(columns, first, k, keys, from, scratch);
    } else {
      Arrays.sort(columns, first, first + k);
    }
    if (greatest >= SamplingKeys.INFINITY) {
      SamplingInfinities.lower(softmax, keys, from, n, relaxation.tau());
    }
    for (int i = first; i < first + k; i++) {
      scratch.winnerKeys[i] = keys[from + columns[i]];
      keys[from + columns[i]] = Float.NEGATIVE_INFINITY;
    }
  }

  private float least(float[] winnerKeys, int first) {
    float least = Float.POSITIVE_INFINITY;
    for (int i = first; i < first + k; i++) {
      least = winnerKeys[i] < least ? winnerKeys[i] : least;
    }
    return least;
  }

  private void sample(int from, int first, SamplingScratch scratch) {
    float[] keys = scratch.keys;
    float least = least(scratch.winnerKeys, first);
    double sum = softmax.weigh(keys, from, n, least, slope, keys, scratch.lanes);
    SamplingWinners row = run(null, from, first, least, sum, 0, scratch);
    softmax.scale(keys, from, n, (float) row.h);
    for (int i = 0; i < k; i++) {
      keys[from + scratch.columns[first + i]] = (float) row.results[i];
    }
  }

  private void gradient(int from, int first, SamplingScratch scratch) {
    float[] keys = scratch.keys;
    float[] v = scratch.floats;
    float least = least(scratch.winnerKeys, first);
    double sum = softmax.weigh(keys, from, n, least, slope, keys, scratch.lanes);
    double dot = softmax.dot(keys, from, v, from, n, scratch.lanes);
    SamplingWinners row = run(v, from, first, least, sum, dot, scratch);
    float tau = relaxation.tau();
    float factor = Math.min(1 / tau, Float.MAX_VALUE);
    softmax.gradient(keys, from, v, from, n, (float) row.h, (float) row.a, factor, v);
    for (int i = 0; i < k; i++) {
      v[from + scratch.columns[first + i]] = (float) (row.results[i] / tau);
    }
  }

  private SamplingWinners run(
      float[] v,
      int from,
      int first,
      float least,
      double sum,
      double dot,
      SamplingScratch scratch) {
    SamplingWinners row = scratch.winners;
    row.run(
        scratch.winnerKeys, first, k, least, relaxation.tau(), scratch.columns, v, from, sum, dot);
    return row;
  }
}
