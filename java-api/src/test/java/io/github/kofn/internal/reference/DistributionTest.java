// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.reference;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.kofn.DType;
import io.github.kofn.internal.kernels.Draw;
import io.github.kofn.internal.kernels.SamplingKernels;
import io.github.kofn.internal.kernels.SamplingKernels.DrawOutputs;
import io.github.kofn.internal.kernels.View;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

/** Draws against exact Plackett-Luce probabilities. Seeds are fixed: a run repeats itself. */
class DistributionTest {
  private static final double[] WEIGHTS = {8, 4, 2, 1, 1, .5, .25};

  /**
   * At most 200 inclusions are tested; a standard normal exceeds 5.2 in magnitude with probability
   * 2e-7, so all of them together fail by chance less often than once in 20 000 seeds.
   */
  private static final double Z_LIMIT = 5.2;

  private final SamplingKernels kernels = new ReferenceSampling();

  @Test
  void theOraclesAgree() {
    for (int k = 1; k <= WEIGHTS.length; k++) {
      assertArrayEquals(
          PlackettLuce.bruteForce(WEIGHTS, k), PlackettLuce.inclusion(WEIGHTS, k), 1e-12);
    }
  }

  /** Published to three digits; the two distributions must not be confused. */
  @Test
  void theOraclesReproduceTheKnownTable() {
    assertArrayEquals(
        new double[] {.982, .914, .744, .482, .482, .262, .136},
        PlackettLuce.inclusion(WEIGHTS, 4),
        5.001e-4);
    assertArrayEquals(
        new double[] {.920, .845, .715, .517, .517, .313, .172},
        PlackettLuce.conditionalPoisson(WEIGHTS, 4),
        5.001e-4);
  }

  @Test
  void inclusionIsPlackettLuce() {
    for (int k = 1; k < WEIGHTS.length; k++) {
      assertInclusion(WEIGHTS, k, 1, 100_000, 1000 + k);
    }
    assertInclusion(WEIGHTS, 4, 2.5f, 100_000, 77);
  }

  @Test
  void inclusionOfLargerRowsIsPlackettLuce() {
    double[] even = new double[64];
    Arrays.fill(even, 1);
    assertInclusion(even, 16, 1, 40_000, 5);
    double[] falling = new double[40];
    Arrays.setAll(falling, i -> Math.pow(0.9, i));
    assertInclusion(falling, 10, 1, 60_000, 6);
  }

  private void assertInclusion(double[] w, int k, float beta, int rows, long seed) {
    double[] counts = new double[w.length];
    for (double[] drawn : draw(w, k, beta, rows, seed)) {
      for (double column : drawn) {
        counts[(int) column]++;
      }
    }
    double[] expected = PlackettLuce.inclusion(w, k);
    for (int i = 0; i < w.length; i++) {
      double deviation = Math.sqrt(rows * expected[i] * (1 - expected[i]));
      double z = (counts[i] - rows * expected[i]) / deviation;
      String where = "k " + k + ", seed " + seed + ", column " + i + ": z = " + z;
      assertTrue(Math.abs(z) < Z_LIMIT, where);
    }
  }

  /** Rows of beta * ln(w), drawn in key order. */
  private double[][] draw(double[] w, int k, float beta, int rows, long seed) {
    double[][] logits = new double[rows][];
    Arrays.fill(logits, Arrays.stream(w).map(wi -> beta * Math.log(wi)).toArray());
    View indices = Matrices.zeros(DType.I32, rows, k);
    kernels.draw(
        Matrices.floats(logits),
        k,
        new Draw(beta, seed, 1, 1, 0),
        new DrawOutputs(indices, true, null, null, null, null));
    return Matrices.values(indices);
  }

  /**
   * The first two of four in order: 12 outcomes. Chi-square with 11 degrees of freedom exceeds 50
   * with probability 6e-7.
   */
  @Test
  void theOrderIsPlackettLuce() {
    double[] w = {4, 3, 2, 1};
    int rows = 200_000;
    double[][] counts = new double[4][4];
    for (double[] drawn : draw(w, 2, 1, rows, 31)) {
      counts[(int) drawn[0]][(int) drawn[1]]++;
    }
    double chiSquare = 0;
    for (int a = 0; a < 4; a++) {
      for (int b = 0; b < 4; b++) {
        if (a != b) {
          double expected = rows * w[a] / 10 * w[b] / (10 - w[a]);
          chiSquare += Math.pow(counts[a][b] - expected, 2) / expected;
        }
      }
    }
    assertTrue(chiSquare < 50, "chi-square " + chiSquare);
  }
}
