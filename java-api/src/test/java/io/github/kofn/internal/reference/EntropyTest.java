// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.reference;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.github.kofn.DType;
import io.github.kofn.Layout;
import io.github.kofn.internal.kernels.SamplingKernels;
import io.github.kofn.internal.kernels.View;
import io.github.kofn.sampling.InvalidLogitsException;
import java.util.Arrays;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

/** The entropy of rows against its definition, and its gradient against finite differences. */
class EntropyTest {
  private static final double INF = Double.POSITIVE_INFINITY;
  private final SamplingKernels kernels = new ReferenceSampling();

  private static double entropy(double[] x) {
    double top = Arrays.stream(x).max().orElse(0);
    double z = Arrays.stream(x).map(xi -> Math.exp(xi - top)).sum();
    double entropy = 0;
    for (double xi : x) {
      double p = Math.exp(xi - top) / z;
      entropy -= p == 0 ? 0 : p * Math.log(p);
    }
    return entropy;
  }

  /**
   * Rounding to fp32 costs 2^-24 of the value. Differences with step h = 1e-5 are off by h^2 from
   * truncation and by two entropies' rounding, of n terms below 4, over 2 h.
   */
  @Property(tries = 300)
  void entropyAndGradient(@ForAll long seed) {
    Random random = new Random(seed);
    int n = 1 + random.nextInt(40);
    DType type = new DType[] {DType.F32, DType.BF16, DType.F16}[random.nextInt(3)];
    double[][] values = {random.doubles(n, -6, 6).toArray(), random.doubles(n, -1, 1).toArray()};
    values[0][random.nextInt(n)] = n > 1 ? -INF : 0;
    View logits = Matrices.of(type, Layout.ROW_MAJOR, values, n);
    double[][] x = Matrices.values(logits);
    View entropy = Matrices.zeros(DType.F32, 2, 1);
    double[][] before = {random.doubles(n).map(d -> (float) d).toArray(), new double[n]};
    View gradient = Matrices.of(DType.F32, Layout.ROW_MAJOR, before, n);
    kernels.entropy(logits, entropy, gradient, -3);
    for (int row = 0; row < 2; row++) {
      double expected = entropy(x[row]);
      assertEquals(expected, Matrices.values(entropy)[row][0], expected * 0x1p-24 + 1e-15);
      for (int i = 0; i < n; i++) {
        double[] up = x[row].clone();
        double[] down = x[row].clone();
        up[i] += 1e-5;
        down[i] -= 1e-5;
        double slope = (entropy(up) - entropy(down)) / 2e-5;
        double wanted = before[row][i] - 3 * slope;
        double bound = Math.abs(wanted) * 0x1p-24 + 3 * (1e-10 + 4 * n * 0x1p-53 / 1e-5);
        double actual = Matrices.values(gradient)[row][i];
        assertEquals(wanted, actual, bound);
        double formula = before[row][i] - 3 * slope(x[row], i, expected);
        assertEquals(formula, actual, Math.abs(formula) * 0x1p-24 + 1e-13);
      }
    }
  }

  private static double slope(double[] x, int i, double entropy) {
    double logZ = Math.log(Arrays.stream(x).map(Math::exp).sum());
    return x[i] == -INF ? 0 : -Math.exp(x[i] - logZ) * (x[i] - logZ + entropy);
  }

  private double[] of(double... logits) {
    View entropy = Matrices.zeros(DType.F32, 1, 1);
    View gradient = Matrices.zeros(DType.F32, 1, logits.length);
    kernels.entropy(Matrices.floats(logits), entropy, gradient, 1);
    double[] both = Arrays.copyOf(Matrices.values(gradient)[0], logits.length + 1);
    both[logits.length] = Matrices.values(entropy)[0][0];
    return both;
  }

  @Test
  void extremes() {
    assertEquals((float) Math.log(3), of(7, 7, 7)[3]);
    assertEquals((float) Math.log(2), of(INF, 5, INF)[3]);
    assertEquals(0, of(INF, 5, INF)[1]);
    assertEquals(0, of(1e4, -1e4)[2]);
    assertEquals(0, of(-INF, 3)[2]);
    assertEquals(0, of(-INF, 3)[0]);
    assertEquals(0, of()[0]);
    assertThrows(InvalidLogitsException.class, () -> of(-INF, -INF));
    assertThrows(InvalidLogitsException.class, () -> of(1, Double.NaN));
  }

  @Test
  void outputsMayBeLeftOut() {
    kernels.entropy(Matrices.floats(new double[] {1, 2}), null, null, 1);
  }
}
