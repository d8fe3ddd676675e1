// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

/**
 * What relaxation and entropy do with whole rows, over plain arrays. Up to a whole vector behind a
 * row, values are -infinity, upstream gradients 0, and results change.
 *
 * <p>A weight is {@code exp(d / tau)}, d being a value less a top that no value exceeds, taken as
 * {@code 2^x}, {@code x = d * slope}. With eps = 2^-24, d and slope are rounded once each, the
 * fraction of x once (eps / 4), the polynomial is within 0.3 eps of 2^fraction and its evaluation
 * adds 1.7 eps, so a weight's relative error is at most {@code (3 + 2 |d / tau|) eps}; weights
 * below 2^-126 become 0. Sums take 16 terms a lane in float, then double: {@code 16 eps} relative
 * to the sum of magnitudes.
 */
interface SamplingSoftmax {
  /** Adding it rounds a float to an integer, which then stands in the lowest bits. */
  float ROUND = 0x1.8p23f;

  /** Terms that a lane adds up in float. */
  int TERMS = 16;

  /** What multiplies a difference of values: {@code 1 / (tau ln 2)}. */
  static float slope(double tau) {
    return (float) Math.min(1 / (tau * Math.log(2)), Float.MAX_VALUE);
  }

  /** Elements of the arrays {@code lanes}, which methods work in. */
  int LANES = 16;

  /** Writes the weights and returns their sum. Weights may be written over the values. */
  double weigh(
      float[] values, int from, int length, float top, float slope, float[] weights, float[] lanes);

  /** The sum of products. */
  double dot(float[] a, int from, float[] b, int fromB, int length, float[] lanes);

  /** Multiplies in place. */
  void scale(float[] weights, int from, int length, float factor);

  /** {@code out = w (v * slope - level) * factor}, or 0 where w is 0; out may be v. */
  void gradient(
      float[] weights,
      int from,
      float[] v,
      int fromV,
      int length,
      float slope,
      float level,
      float factor,
      float[] out);

  /** The sum of {@code w (value - top)}, 0 where w is 0. */
  double distanceDot(
      float[] values, float[] weights, int from, int length, float top, float[] lanes);

  /** {@code gradient += factor * w (mean - (value - top))}, where w is not 0. */
  void addEntropyGradient(
      float[] values,
      float[] weights,
      int from,
      int length,
      float top,
      float mean,
      float factor,
      float[] gradient);

  /** The greatest value below +infinity; -infinity if there is none. */
  float greatestFinite(float[] values, int from, int length);
}
