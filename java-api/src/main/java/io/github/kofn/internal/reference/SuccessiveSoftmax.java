// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.reference;

import java.util.Arrays;
import java.util.BitSet;
import java.util.stream.IntStream;

/**
 * One row of the relaxed sample: the sum of k softmaxes, the j-th over all columns but the first j
 * - 1 winners (Huijben, Veeling and van Sloun, "Deep probabilistic subsampling for task-adaptive
 * compressed sensing", ICLR 2020), in O(n + k) instead of O(n k).
 *
 * <p>Let y be key / tau and y_(1..k) those of the winners in the order of their removal. The j-th
 * softmax divides by exp(L_j), with L found from its end:
 *
 * <pre>
 * L_(k+1) = log sum exp over the losers        L_j = log(exp(y_(j)) + exp(L_(j+1)))
 * </pre>
 *
 * <p>Column i takes part in the first m softmaxes, m being its rank of removal, or k for a loser.
 * With {@code S_m = sum over j <= m of exp(L_m - L_j)}, which a recurrence gives,
 *
 * <pre>
 * S_m = S_(m-1) exp(L_m - L_(m-1)) + 1         soft_i = exp(y_i - L_m) S_m
 * </pre>
 *
 * <p>A softmax's gradient is {@code p_i (v_i - c_j)}, where c_j is its mean of the upstream v.
 * Summed over the softmaxes that i takes part in, with A weighting c as S weighted 1:
 *
 * <pre>
 * c_(k+1) = mean of v in the softmax of the losers
 * c_j = c_(j+1) exp(L_(j+1) - L_j) + v_(j) exp(y_(j) - L_j)
 * A_m = A_(m-1) exp(L_m - L_(m-1)) + c_m
 * d loss / d key_i = exp(y_i - L_m) (v_i S_m - A_m) / tau
 * </pre>
 *
 * <p>No exponent is above 0, whatever the order of removal. The greatest element of a row can still
 * approach k where winners are not removed in the order of their keys.
 */
final class SuccessiveSoftmax {
  private final double[] y;
  private final int[] removal;
  private final int[] losers;
  private final double tau;

  /** How many softmaxes each column takes part in. */
  private final int[] memberships;

  /** L, counted from 1 to k + 1. */
  private final double[] logSums;

  /**
   * Prepares a row.
   *
   * @param y keys / tau, -infinity where never drawn
   * @param removal the winners' columns in the order of their removal
   * @param tau the temperature
   */
  SuccessiveSoftmax(double[] y, int[] removal, double tau) {
    this.y = y;
    this.removal = removal;
    this.losers = losers(y.length, removal);
    this.tau = tau;
    this.memberships = memberships(y.length, removal);
    this.logSums = logSums();
  }

  private static int[] memberships(int n, int[] removal) {
    int[] memberships = new int[n];
    Arrays.fill(memberships, removal.length);
    for (int j = 0; j < removal.length; j++) {
      memberships[removal[j]] = j + 1;
    }
    return memberships;
  }

  private double[] logSums() {
    int k = removal.length;
    double[] sums = new double[k + 2];
    sums[k + 1] = Centred.logSumExp(IntStream.of(losers).mapToDouble(i -> y[i]).toArray());
    for (int j = k; j >= 1; j--) {
      sums[j] = Centred.logSumExp(new double[] {y[removal[j - 1]], sums[j + 1]});
    }
    return sums;
  }

  private static int[] losers(int n, int[] removal) {
    BitSet losers = new BitSet(n);
    losers.set(0, n);
    for (int winner : removal) {
      losers.clear(winner);
    }
    return losers.stream().toArray();
  }

  /** The relaxed sample; its elements sum to k. */
  double[] soft() {
    double[] s = accumulate(ones());
    double[] soft = new double[y.length];
    for (int i = 0; i < soft.length; i++) {
      soft[i] = share(i) * s[memberships[i]];
    }
    return soft;
  }

  /** The loss's gradient with respect to the keys, from the one with respect to the sample. */
  double[] gradient(double[] upstream) {
    double[] s = accumulate(ones());
    double[] a = accumulate(means(upstream));
    double[] gradient = new double[y.length];
    for (int i = 0; i < gradient.length; i++) {
      double share = share(i);
      int m = memberships[i];
      gradient[i] = share == 0 ? 0 : share * (upstream[i] * s[m] - a[m]) / tau;
    }
    return gradient;
  }

  private double[] ones() {
    double[] ones = new double[removal.length + 2];
    Arrays.fill(ones, 1);
    return ones;
  }

  /** Column i's element of the last softmax that it takes part in. */
  private double share(int i) {
    return removal.length == 0 ? 0 : Math.exp(y[i] - logSums[memberships[i]]);
  }

  /** The c_j: every softmax's mean of the upstream. */
  private double[] means(double[] upstream) {
    int k = removal.length;
    double[] means = new double[k + 2];
    for (int i : losers) {
      if (y[i] > Double.NEGATIVE_INFINITY) {
        means[k + 1] += upstream[i] * Math.exp(y[i] - logSums[k + 1]);
      }
    }
    for (int j = k; j >= 1; j--) {
      int winner = removal[j - 1];
      means[j] =
          means[j + 1] * Math.exp(logSums[j + 1] - logSums[j])
              + upstream[winner] * Math.exp(y[winner] - logSums[j]);
    }
    return means;
  }

  /** The sums over j up to m of terms_j exp(L_m - L_j), for every m. */
  private double[] accumulate(double[] terms) {
    double[] sums = new double[removal.length + 2];
    double last = 0;
    for (int m = 1; m <= removal.length; m++) {
      last = (m == 1 ? 0 : last * Math.exp(logSums[m] - logSums[m - 1])) + terms[m];
      sums[m] = last;
    }
    return sums;
  }
}
