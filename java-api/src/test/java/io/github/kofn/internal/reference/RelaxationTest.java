// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.reference;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.kofn.DType;
import io.github.kofn.Layout;
import io.github.kofn.internal.kernels.Draw;
import io.github.kofn.internal.kernels.SamplingKernels;
import io.github.kofn.internal.kernels.SamplingKernels.DrawOutputs;
import io.github.kofn.internal.kernels.SamplingKernels.Relaxation;
import io.github.kofn.internal.kernels.View;
import io.github.kofn.sampling.InvalidLogitsException;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

/** The closed form against {@link MaskedSoftmaxes}, and its gradient against finite differences. */
class RelaxationTest {
  private static final float INF = Float.POSITIVE_INFINITY;
  private static final double[] TAUS = {1e-2, 0.05, 0.2, 1, 3, 100};
  private final SamplingKernels kernels = new ReferenceSampling();

  /** One row: keys, the winners among them in an order of removal, an upstream gradient. */
  private static final class Row {
    final float[] keys;
    final int[] removal;
    final float tau;
    final double[] upstream;
    final String description;

    Row(long seed) {
      Random random = new Random(seed);
      int n = 1 + random.nextInt(60);
      double[] spreads = {0, 1, 30, 1e4};
      double spread = spreads[random.nextInt(spreads.length)];
      keys = new float[n];
      for (int i = 0; i < n; i++) {
        keys[i] = (float) (random.nextDouble(-1, 1) * spread + random.nextGaussian());
      }
      boolean hard = random.nextInt(3) == 0;
      int drawable = n;
      for (int i = 0; hard && i < n; i++) {
        int kind = random.nextInt(4);
        keys[i] = kind == 0 ? -INF : kind == 1 && n % 2 == 0 ? INF : keys[i];
        drawable -= kind == 0 ? 1 : 0;
      }
      int k = random.nextInt(4) == 0 ? drawable : random.nextInt(drawable + 1);
      int[] winners = Arrays.copyOf(Keys.order(keys), k);
      boolean byKey = random.nextBoolean();
      removal = byKey ? winners : IntStream.of(winners).sorted().toArray();
      tau = (float) TAUS[random.nextInt(TAUS.length)];
      upstream = random.doubles(n, -2, 2).toArray();
      description = "n " + n + ", k " + k + (byKey ? ", key" : ", index") + ", tau " + tau;
    }

    SuccessiveSoftmax closedForm() {
      return new SuccessiveSoftmax(Centred.of(keys, tau), removal, tau);
    }

    double[] wideKeys() {
      return IntStream.range(0, keys.length).mapToDouble(i -> keys[i]).toArray();
    }

    MaskedSoftmaxes definition() {
      return new MaskedSoftmaxes(wideKeys(), removal, tau);
    }

    /**
     * A bound of the closed form's relative error: each y and L is off by a few units of its own
     * size, L and the recurrences take k steps of an exponential each, and an exponent's absolute
     * error is its exponential's relative one.
     */
    double relativeBound() {
      double greatest = 0;
      for (double y : Centred.of(keys, tau)) {
        greatest = Math.max(greatest, Double.isInfinite(y) ? 0 : Math.abs(y));
      }
      return (8 * removal.length + 8) * (greatest + 8) * 0x1p-53;
    }
  }

  @Property(tries = 1000)
  void softIsTheSumOfMaskedSoftmaxes(@ForAll long seed) {
    Row row = new Row(seed);
    double[] soft = row.closedForm().soft();
    double[] expected = row.removal.length == 0 ? new double[soft.length] : row.definition().soft();
    for (int i = 0; i < soft.length; i++) {
      double bound = row.relativeBound() * expected[i] + 1e-300;
      assertEquals(expected[i], soft[i], bound, row.description);
    }
    double k = row.removal.length;
    assertEquals(k, Arrays.stream(soft).sum(), k * row.relativeBound(), row.description);
  }

  @Property(tries = 1000)
  void gradientIsTheSumOfTheSoftmaxesGradients(@ForAll long seed) {
    Row row = new Row(seed);
    double[] gradient = row.closedForm().gradient(row.upstream);
    double[] expected = row.definition().gradient(row.upstream);
    double[] magnitude = row.definition().magnitude(row.upstream);
    for (int i = 0; i < gradient.length; i++) {
      double bound = row.relativeBound() * magnitude[i] + 1e-300;
      assertEquals(expected[i], gradient[i], bound, row.description);
      if (row.keys[i] == -INF) {
        assertEquals(0, gradient[i]);
      }
    }
  }

  /**
   * Central differences with step h = 1e-4 tau: the third derivative of sum v_i soft_i along one
   * key is at most k max|v| / tau^3, so truncation is below 1e-8 k max|v| / tau, and rounding, k
   * max|v| 2^-53 / h times a few, far below that.
   */
  @Property(tries = 150)
  void gradientIsTheDifferenceByAKey(@ForAll long seed) {
    Row row = new Row(seed);
    double[] gradient = row.closedForm().gradient(row.upstream);
    double h = 1e-4 * row.tau;
    for (int i = 0; i < gradient.length; i++) {
      if (Float.isInfinite(row.keys[i]) || row.definition().soft().length == 0) {
        continue;
      }
      double difference = (loss(row, i, h) - loss(row, i, -h)) / (2 * h);
      double scale = row.removal.length * 2 / row.tau;
      // The step itself is off by the rounding of key + h.
      double step = Math.ulp(row.keys[i] + 1.0) / h * Math.abs(gradient[i]);
      assertEquals(difference, gradient[i], 1e-8 * scale + step + scale * 1e-9, row.description);
    }
  }

  private static double loss(Row row, int column, double step) {
    double[] keys = row.wideKeys();
    keys[column] += step;
    double[] soft = new MaskedSoftmaxes(keys, row.removal, row.tau).soft();
    double loss = 0;
    for (int i = 0; i < soft.length; i++) {
      loss += row.upstream[i] * soft[i];
    }
    return loss;
  }

  @Test
  void oneOfNIsTheSoftmax() {
    float[] keys = {1, 3, 2, -4};
    double[] soft = new SuccessiveSoftmax(Centred.of(keys, 0.5f), new int[] {1}, 0.5).soft();
    double sum = Math.exp(-4) + 1 + Math.exp(-2) + Math.exp(-14);
    double[] expected = {Math.exp(-4) / sum, 1 / sum, Math.exp(-2) / sum, Math.exp(-14) / sum};
    assertArrayEquals(expected, soft, 1e-15);
  }

  /**
   * Draws, then relaxes with the winners in draw order, twisted, and compares with the row form.
   */
  @Property(tries = 150)
  void kernelsGiveTheRowsForm(@ForAll long seed) {
    Random random = new Random(seed);
    int rows = random.nextInt(4);
    int n = 1 + random.nextInt(40);
    int k = random.nextInt(n + 1);
    double[][] values = new double[rows][];
    Arrays.setAll(values, r -> random.doubles(n, -3, 3).toArray());
    DType type = new DType[] {DType.F32, DType.BF16, DType.F16}[random.nextInt(3)];
    View logits = Matrices.of(type, Layout.ROW_MAJOR, values, n);
    Draw draw = new Draw(random.nextInt(3) / 2f, seed, 3, 4, 5);
    View winners = Matrices.zeros(random.nextBoolean() ? DType.U16 : DType.I32, rows, k);
    kernels.draw(
        logits, k, draw, new DrawOutputs(winners, random.nextBoolean(), null, null, null, null));
    double[][] upstream = new double[rows][];
    Arrays.setAll(upstream, r -> random.doubles(n, -3, 3).map(d -> (float) d).toArray());
    Relaxation relaxation = new Relaxation(0.7f, random.nextBoolean(), winners);

    View soft = Matrices.zeros(DType.F32, rows, n);
    kernels.relax(logits, draw, relaxation, soft);
    View gradient = Matrices.of(DType.F32, Layout.ROW_MAJOR, upstream, n);
    kernels.relaxGradient(logits, draw, relaxation, gradient, gradient);
    for (int row = 0; row < rows; row++) {
      float[] keys = Keys.ofRow(logits, row, k, draw);
      int[] removal = Arrays.copyOf(Keys.order(keys), k);
      if (!relaxation.byKey()) {
        Arrays.sort(removal);
      }
      SuccessiveSoftmax expected = new SuccessiveSoftmax(Centred.of(keys, 0.7f), removal, 0.7f);
      assertArrayEquals(rounded(expected.soft()), Matrices.values(soft)[row]);
      assertArrayEquals(rounded(expected.gradient(upstream[row])), Matrices.values(gradient)[row]);
    }
  }

  private static double[] rounded(double[] values) {
    return Arrays.stream(values).map(d -> (float) d).toArray();
  }

  @Test
  void errorsNameTheRow() {
    View winners = Matrices.floats(new double[] {0, 1}, new double[] {0, 1});
    Draw draw = new Draw(1, 1, 1, 1, 0);
    View soft = Matrices.zeros(DType.F32, 2, 3);
    Relaxation relaxation = new Relaxation(1, true, winners);
    View nan = Matrices.floats(new double[] {1, 2, 3}, new double[] {1, 2, Double.NaN});
    View few = Matrices.floats(new double[] {1, 2, 3}, new double[] {1, -INF, -INF});
    for (View logits : new View[] {nan, few}) {
      InvalidLogitsException error =
          assertThrows(
              InvalidLogitsException.class, () -> kernels.relax(logits, draw, relaxation, soft));
      assertEquals(1, error.row());
      assertThrows(
          InvalidLogitsException.class,
          () -> kernels.relaxGradient(logits, draw, relaxation, soft, soft));
    }
  }

  /** All keys infinite: every column alike, as if all were equal. */
  @Test
  void infiniteRowsAreEven() {
    float[] keys = {INF, INF, INF};
    double[] soft = new SuccessiveSoftmax(Centred.of(keys, 1), new int[] {0, 1}, 1).soft();
    // 2000 is rounded to 2^-43 or so, which is what exponents are then off by.
    assertArrayEquals(new double[] {1 / 3.0, 5 / 6.0, 5 / 6.0}, soft, 1e-12);
    assertTrue(Arrays.stream(soft).allMatch(Double::isFinite));
  }
}
