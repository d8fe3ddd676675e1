// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.reference;

import static java.math.BigDecimal.ZERO;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.kofn.DType;
import io.github.kofn.Layout;
import io.github.kofn.internal.kernels.ProductKernels;
import io.github.kofn.internal.kernels.ProductKernels.Finish;
import io.github.kofn.internal.kernels.ProductKernels.Pattern;
import io.github.kofn.internal.kernels.View;
import io.github.kofn.sparse.Activation;
import io.github.kofn.sparse.KofNLayout;
import java.math.BigDecimal;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;

/**
 * The products on real numbers and with epilogues, against exact decimal sums. A result may be off
 * by the rounding of what is stored and by a few units of double for each term of the sum.
 */
class RealProductsTest {
  private final ProductKernels kernels = new ReferenceProducts();

  /** An exact sum of products, and the sum of their magnitudes. */
  private static final class Sum {
    BigDecimal value = ZERO;
    double magnitude;
    int terms = 8;

    void add(double... factors) {
      BigDecimal product = BigDecimal.ONE;
      for (double factor : factors) {
        product = product.multiply(new BigDecimal(factor));
      }
      value = value.add(product);
      magnitude += Math.abs(product.doubleValue());
      terms++;
    }

    double summation() {
      return terms * magnitude * 0x1p-52;
    }
  }

  private static void assertStored(
      double expected, double error, DType type, double actual, Object where) {
    double unit =
        switch (type) {
          case F32 -> 0x1p-24;
          case BF16 -> 0x1p-8;
          case F16 -> 0x1p-11;
          default -> throw new IllegalArgumentException(type.toString());
        };
    double half = type == DType.F16 ? 0x1p-25 : 0x1p-134;
    double bound = error * (1 + unit) + Math.abs(expected) * unit + half;
    boolean overflow =
        type == DType.F16
            && Math.abs(expected) + error >= 65520
            && actual == Math.copySign(Double.POSITIVE_INFINITY, expected);
    assertTrue(
        overflow || Math.abs(actual - expected) <= bound,
        () -> where + ": " + actual + " for " + expected);
  }

  private static double[][] gaussian(Random random, int rows, int columns) {
    double[][] values = new double[rows][columns];
    for (double[] row : values) {
      Arrays.setAll(row, i -> random.nextGaussian() * Math.scalb(1.0, random.nextInt(12) - 6));
    }
    return values;
  }

  private static DType floating(Random random) {
    return new DType[] {DType.F32, DType.BF16, DType.F16}[random.nextInt(3)];
  }

  @Property(tries = 100)
  void multiplyWithEveryEpilogue(@ForAll long seed) {
    ProductCase c = ProductCase.random(seed);
    Random random = new Random(seed + 1);
    int out = c.layout.out();
    View xView = c.activations(gaussian(random, c.batch, c.layout.in()), c.layout.in());
    Pattern pattern = c.pattern(gaussian(random, out, c.layout.in()));
    double[][] x = Matrices.values(xView);
    double[][] w = stored(c, pattern);
    View scales = vector(random, out);
    View bias = vector(random, out);
    View residual =
        random.nextBoolean()
            ? null
            : Matrices.of(floating(random), Layout.PANELS, gaussian(random, c.batch, out), out);
    View z = c.activations(DType.F32, out);
    Activation activation = List.of(Activation.values()).get(random.nextInt(4));
    float scale = random.nextFloat();
    View y = c.activations(floating(random), out);
    kernels.multiply(pattern, xView, y, new Finish(scale, scales, bias, activation, z, residual));

    double[][] zs = Matrices.values(z);
    double[][] ys = Matrices.values(y);
    double[][] residuals = residual == null ? new double[c.batch][out] : Matrices.values(residual);
    for (int b = 0; b < c.batch; b++) {
      for (int o = 0; o < out; o++) {
        Sum sum = new Sum();
        double factor = scales == null ? 1 : Matrices.values(scales)[0][o];
        for (int i = 0; i < c.layout.in(); i++) {
          if (c.keeps(o, i)) {
            sum.add(scale, factor, x[b][i], w[o][i]);
          }
        }
        sum.add(bias == null ? 0 : Matrices.values(bias)[0][o]);
        double exact = sum.value.doubleValue();
        assertStored(exact, sum.summation(), DType.F32, zs[b][o], c);
        double after = residuals[b][o];
        double expected = Activations.value(activation, exact) + after;
        // No activation's slope exceeds 1.13.
        double error = 1.13 * sum.summation() + (Math.abs(expected) + Math.abs(after)) * 0x1p-50;
        assertStored(expected, error, y.type(), ys[b][o], c);
      }
    }
  }

  private static View vector(Random random, int length) {
    return random.nextBoolean() ? null : Matrices.floats(gaussian(random, 1, length));
  }

  /** The weights as stored, from the dense matrix that the pattern stands for. */
  private double[][] stored(ProductCase c, Pattern pattern) {
    View dense = Matrices.zeros(DType.F32, c.layout.out(), c.layout.in());
    kernels.densify(pattern, dense);
    return Matrices.values(dense);
  }

  @Property(tries = 100)
  void gradients(@ForAll long seed) {
    KofNLayout shape = ProductCase.random(seed).layout;
    Random random = new Random(seed + 1);
    ProductCase c = new ProductCase(shape, random.nextInt(70), floating(random), false, seed);
    View xView = c.activations(gaussian(random, c.batch, shape.in()), shape.in());
    View dyView = c.activations(gaussian(random, c.batch, shape.out()), shape.out());
    Pattern pattern = c.pattern(gaussian(random, shape.out(), shape.in()));
    double[][] x = Matrices.values(xView);
    double[][] dy = Matrices.values(dyView);
    double[][] w = Matrices.values(pattern.values());

    assertInputGradient(c, pattern, dyView, dy, w, random);
    View dw = Matrices.zeros(DType.F32, shape.out(), shape.in());
    kernels.weightGradient(pattern, xView, dyView, dw);
    View dMask = Matrices.zeros(DType.F32, shape.blockRows(), shape.blockColumns());
    kernels.maskGradient(shape, pattern.values(), xView, dyView, dMask);
    double[][] weightGradient = Matrices.values(dw);
    double[][] maskGradient = Matrices.values(dMask);
    Sum[][] masks = new Sum[shape.blockRows()][shape.blockColumns()];
    for (Sum[] row : masks) {
      Arrays.setAll(row, i -> new Sum());
    }
    for (int o = 0; o < shape.out(); o++) {
      for (int i = 0; i < shape.in(); i++) {
        Sum sum = new Sum();
        for (int b = 0; b < c.batch; b++) {
          sum.add(dy[b][o], x[b][i]);
          masks[o / shape.blockOut()][i / shape.blockIn()].add(w[o][i], dy[b][o], x[b][i]);
        }
        double expected = c.keeps(o, i) ? sum.value.doubleValue() : 0;
        assertStored(expected, sum.summation(), DType.F32, weightGradient[o][i], c);
      }
    }
    for (int row = 0; row < masks.length; row++) {
      for (int column = 0; column < masks[row].length; column++) {
        Sum sum = masks[row][column];
        assertStored(
            sum.value.doubleValue(), sum.summation(), DType.F32, maskGradient[row][column], c);
      }
    }
  }

  private void assertInputGradient(
      ProductCase c, Pattern pattern, View dyView, double[][] dy, double[][] w, Random random) {
    KofNLayout shape = c.layout;
    Activation activation = List.of(Activation.values()).get(random.nextInt(4));
    View z =
        Matrices.of(DType.F32, Layout.PANELS, gaussian(random, c.batch, shape.in()), shape.in());
    View dx = c.activations(DType.F32, shape.in());
    kernels.inputGradient(pattern, null, dyView, dx, activation, z);
    double[][] zs = Matrices.values(z);
    double[][] gradient = Matrices.values(dx);
    for (int b = 0; b < c.batch; b++) {
      for (int i = 0; i < shape.in(); i++) {
        Sum sum = new Sum();
        for (int o = 0; o < shape.out(); o++) {
          if (c.keeps(o, i)) {
            sum.add(dy[b][o], w[o][i]);
          }
        }
        double slope = Activations.derivative(activation, zs[b][i]);
        double expected = sum.value.doubleValue() * slope;
        double error = sum.summation() * Math.abs(slope);
        assertStored(expected, error, DType.F32, gradient[b][i], c);
      }
    }
  }
}
