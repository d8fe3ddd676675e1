// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cuda;

/**
 * Where a kernel starts to look for the k-th largest of n keys, in deviations of the row's keys:
 * for keys of flat logits, which have a Gumbel distribution. Rows of other keys only take longer.
 *
 * @param z the first guess, above the mean
 * @param slope how far the guess moves for each key that is too many or too few
 * @param slack how far it moves beyond that, so that the next guess lies on the other side
 */
record SearchStart(float z, float slope, float slack) {
  private static final double EULER = 0.5772156649015329;
  private static final double DEVIATION = Math.PI / Math.sqrt(6);

  /** For k of n; any start will do where nothing is to be searched, at k = 0 and k = n. */
  static SearchStart of(long n, int k) {
    if (k <= 0 || k >= n) {
      return new SearchStart(0, 0, 0);
    }
    double upper = (k - 0.5) / n;
    double rate = -Math.log1p(-upper); // exp(-x) at the quantile x of the standard distribution
    double density = n * rate * (1 - upper) * DEVIATION;
    double spread = Math.sqrt(k * (1 - (double) k / n)); // of the count at the first guess
    return new SearchStart(
        (float) ((-Math.log(rate) - EULER) / DEVIATION),
        (float) (1.25 / density),
        (float) ((0.25 * spread + 0.5) / density));
  }
}
