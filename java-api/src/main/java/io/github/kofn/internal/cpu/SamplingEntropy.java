// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import io.github.kofn.internal.kernels.Draw;
import io.github.kofn.internal.kernels.View;

/**
 * The entropy of rows' softmax and its gradient. With {@code d = logit - top}, {@code w = exp(d)},
 * Z the sum of w and D the mean of d, weighted by w,
 *
 * <pre>
 * H = ln Z - D                dH / dlogit_i = w_i / Z (D - d_i)
 * </pre>
 *
 * <p>Error, with eps = 2^-24: weights and sums as in {@link SamplingRelax}, so that Z is off by
 * {@code (21 + 2 ln n) eps} relative and D, at most {@code ln n} in magnitude, by {@code (45 + 6 ln
 * n) (1 + ln n) eps}; thus
 *
 * <pre>
 * |H - exact| <= eps (70 + 10 ln n) (1 + ln n)
 * |gradient - exact| <= eps (100 + 10 ln n) (1 + ln n) |weight|, plus the rounding of the addition
 * </pre>
 */
final class SamplingEntropy {
  private static final Draw NO_NOISE = new Draw(0, 0, 0, 0, 0);

  private final SamplingSoftmax softmax;
  private final SamplingKeys keyMaker;
  private final SamplingRows entropy;
  private final SamplingRows gradient;
  private final float weight;
  private final int n;
  private final int stride;
  private final float slope = SamplingSoftmax.slope(1);

  SamplingEntropy(
      SamplingNoise noise,
      SamplingSoftmax softmax,
      View logits,
      View entropy,
      View gradient,
      float weight) {
    this.softmax = softmax;
    this.entropy = entropy == null ? null : new SamplingRows(entropy);
    this.gradient = gradient == null ? null : new SamplingRows(gradient);
    this.weight = weight;
    this.n = Math.toIntExact(logits.columns());
    this.stride = Math.toIntExact(Math.ceilDiv(n, 16L) * 16);
    this.keyMaker = new SamplingKeys(noise, logits, NO_NOISE, stride);
  }

  /** Works on the rows from first until before last. */
  void rows(long first, long last, SamplingScratch scratch) {
    int step = keyMaker.rowsAtOnce();
    for (long row = first; row < last; row += step) {
      int rows = (int) Math.min(step, last - row);
      int greatest = keyMaker.make(row, rows, scratch);
      float[] results = scratch.winnerKeys(rows);
      if (gradient != null) {
        gradient.readRows(row, rows, scratch.floats(rows * stride), stride, 0, scratch);
      }
      for (int r = 0; r < rows; r++) {
        results[r] = row(row + r, r * stride, greatest, scratch);
      }
      if (entropy != null) {
        entropy.writeRows(row, rows, results, 1);
      }
      if (gradient != null) {
        gradient.writeRows(row, rows, scratch.floats, stride);
      }
    }
  }

  private float row(long row, int from, int greatest, SamplingScratch scratch) {
    float[] logits = scratch.keys;
    if (greatest > SamplingKeys.INFINITY) {
      keyMaker.checkNotNan(logits, from, 1, row);
    }
    if (n == 0) {
      return 0;
    }
    if (greatest >= SamplingKeys.INFINITY) {
      SamplingInfinities.lower(softmax, logits, from, n, 1);
    }
    float top = softmax.greatestFinite(logits, from, n);
    if (top == Float.NEGATIVE_INFINITY) {
      throw keyMaker.tooFew(logits, from, 1, row, 1);
    }
    float[] weights = scratch.weights(from + stride);
    double z = softmax.weigh(logits, from, n, top, slope, weights, scratch.lanes);
    double mean = softmax.distanceDot(logits, weights, from, n, top, scratch.lanes) / z;
    if (gradient != null) {
      float factor = (float) (weight / z);
      softmax.addEntropyGradient(
          logits, weights, from, n, top, (float) mean, factor, scratch.floats);
    }
    return (float) (Math.log(z) - mean);
  }
}
