// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.reference;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.kofn.DType;
import io.github.kofn.Layout;
import io.github.kofn.internal.kernels.View;
import io.github.kofn.sparse.Activation;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

/** Activations against 100-digit arithmetic, their derivatives against differences. */
class ActivationsTest {
  private static final double INF = Double.POSITIVE_INFINITY;

  private static void assertRelative(BigDecimal expected, double actual, double bound, double at) {
    BigDecimal error = new BigDecimal(actual).subtract(expected).abs();
    double relative = error.divide(expected.abs(), MathContext.DECIMAL64).doubleValue();
    assertTrue(relative <= bound, () -> "at " + at + ": relative error " + relative);
  }

  /** exp(-x^2) inherits x^2 units of the rounding of x^2, on top of a dozen roundings. */
  @Test
  void erfcHasTheDocumentedError() {
    for (double x = -3; x <= 10; x += 0.0371) {
      double digits = x < 0 ? 1 : 1 + Math.abs(x * x);
      double cancelled = x > 0 && x <= 2 ? 1 / Exact.erfc(x).doubleValue() : 1;
      assertRelative(Exact.erfc(x), ErrorFunction.erfc(x), (digits + 8 * cancelled) * 0x1p-53, x);
    }
    assertEquals(1, ErrorFunction.erfc(0));
    assertEquals(0, ErrorFunction.erfc(INF));
    assertEquals(2, ErrorFunction.erfc(-INF));
    assertEquals(Double.NaN, ErrorFunction.erfc(Double.NaN));
  }

  @Test
  void valuesAreExactToDouble() {
    for (double z = -12; z <= 12; z += 0.0731) {
      double squares = z < 0 ? z * z : 0;
      double cancelled = z < 0 && z > -3 ? 400 : 1;
      double gelu = Activations.value(Activation.GELU, z);
      assertRelative(Exact.gelu(z), gelu, (2 * squares + 10 * cancelled + 10) * 0x1p-53, z);
      assertRelative(Exact.silu(z), Activations.value(Activation.SILU, z), 8 * 0x1p-53, z);
      assertEquals(z > 0 ? z : 0, Activations.value(Activation.RELU, z));
      assertEquals(z, Activations.value(Activation.IDENTITY, z));
    }
  }

  /**
   * Central differences with step 1e-4: all third derivatives are below 2, so truncation stays
   * below 1e-8 / 3, and rounding below 12 * 2^-53 / 1e-4.
   */
  @Test
  void derivativesAreDifferences() {
    for (Activation activation : Activation.values()) {
      for (double z = -12.003; z <= 12; z += 0.0731) {
        double up = Activations.value(activation, z + 1e-4);
        double down = Activations.value(activation, z - 1e-4);
        double derivative = Activations.derivative(activation, z);
        assertEquals((up - down) / 2e-4, derivative, 4e-9, activation + " at " + z);
      }
    }
    assertEquals(0, Activations.derivative(Activation.RELU, 0));
  }

  @Test
  void limitsAndNaN() {
    for (Activation activation : Activation.values()) {
      double below = activation == Activation.IDENTITY ? -INF : 0;
      assertEquals(INF, Activations.value(activation, INF));
      assertEquals(below, Activations.value(activation, -INF));
      assertEquals(1, Activations.derivative(activation, INF));
      assertEquals(below == 0 ? 0 : 1, Activations.derivative(activation, -INF));
      assertEquals(0.0, Activations.value(activation, below == 0 ? -1e300 : 0), 0.0);
      assertEquals(Double.NaN, Activations.value(activation, Double.NaN));
    }
  }

  /** The kernel, with dz in dy's own memory, against the formula; sums are of few terms. */
  @Property(tries = 100)
  void gradientKernel(
      @ForAll @IntRange(max = 70) int batch,
      @ForAll @IntRange(max = 5) int features,
      @ForAll long seed) {
    Random random = new Random(seed);
    Activation activation = List.of(Activation.values()).get(random.nextInt(4));
    Layout layout = random.nextBoolean() ? Layout.PANELS : Layout.ROW_MAJOR;
    double[][] zs = new double[batch][];
    double[][] dys = new double[batch][];
    for (int b = 0; b < batch; b++) {
      zs[b] = random.doubles(features, -4, 4).map(d -> (float) d).toArray();
      dys[b] = random.doubles(features, -4, 4).map(d -> (float) d).toArray();
    }
    View z = Matrices.of(DType.F32, Layout.ROW_MAJOR, zs, features);
    View dz = Matrices.of(DType.F32, layout, dys, features);
    View dBias = Matrices.zeros(DType.F32, 1, features);
    boolean identity = activation == Activation.IDENTITY;
    new ReferenceProducts().activationGradient(dz, activation, identity ? null : z, 3, dz, dBias);
    for (int f = 0; f < features; f++) {
      double sum = 0;
      double magnitude = 0;
      for (int b = 0; b < batch; b++) {
        double gradient = dys[b][f] * Activations.derivative(activation, zs[b][f]);
        sum += gradient;
        magnitude += Math.abs(gradient);
        assertEquals((float) (3 * gradient), Matrices.values(dz)[b][f]);
      }
      double bound = Math.abs(sum) * 0x1p-24 + magnitude * batch * 0x1p-52;
      assertEquals(sum, Matrices.values(dBias)[0][f], bound);
    }
  }

  @Test
  void gradientOutputsMayBeLeftOut() {
    View dy = Matrices.floats(new double[] {1, 2});
    new ReferenceProducts().activationGradient(dy, Activation.RELU, dy, 1, null, null);
  }
}
