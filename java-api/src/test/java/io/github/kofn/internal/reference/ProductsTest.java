// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.reference;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.github.kofn.DType;
import io.github.kofn.internal.kernels.ProductKernels;
import io.github.kofn.internal.kernels.ProductKernels.Companion;
import io.github.kofn.internal.kernels.ProductKernels.Finish;
import io.github.kofn.internal.kernels.ProductKernels.Pattern;
import io.github.kofn.internal.kernels.View;
import io.github.kofn.sparse.Activation;
import io.github.kofn.sparse.KofNLayout;
import java.util.Arrays;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

/**
 * The products on whole numbers, where everything is exact. The forward product is compared with a
 * sum over the dense matrix; the gradients are finite differences of {@code L = sum dY * Y}, which
 * is linear in X, in W and in the mask.
 */
class ProductsTest {
  private static final Finish PLAIN = new Finish(1, null, null, Activation.IDENTITY, null, null);
  private final ProductKernels kernels = new ReferenceProducts();

  private double[][] multiply(ProductCase c, double[][] x, double[][] weights) {
    View y = c.activations(c.type == DType.I8 ? DType.F32 : c.type, c.layout.out());
    kernels.multiply(c.pattern(weights), c.activations(x, c.layout.in()), y, PLAIN);
    return Matrices.values(y);
  }

  private double loss(ProductCase c, double[][] x, double[][] weights) {
    double[][] y = multiply(c, x, weights);
    double loss = 0;
    for (int b = 0; b < c.batch; b++) {
      for (int o = 0; o < c.layout.out(); o++) {
        loss += c.dy[b][o] * y[b][o];
      }
    }
    return loss;
  }

  private static double[][] copy(double[][] values) {
    return Arrays.stream(values).map(double[]::clone).toArray(double[][]::new);
  }

  @Property(tries = 1000)
  void multiplyIsTheDenseProductOfWhatIsKept(@ForAll long seed) {
    ProductCase c = ProductCase.random(seed);
    double[][] y = multiply(c, c.x, c.weights);
    for (int b = 0; b < c.batch; b++) {
      for (int o = 0; o < c.layout.out(); o++) {
        double sum = 0;
        for (int i = 0; i < c.layout.in(); i++) {
          sum += c.keeps(o, i) ? c.x[b][i] * c.weights[o][i] : 0;
        }
        assertEquals(sum, y[b][o], c::toString);
      }
    }
  }

  @Property(tries = 120)
  void inputGradientIsTheDifferenceByAnInput(@ForAll long seed) {
    ProductCase c = ProductCase.random(seed);
    View dx = c.activations(DType.F32, c.layout.in());
    kernels.inputGradient(
        c.pattern(), companion(c), c.activations(c.dy, c.layout.out()), dx, null, null);
    double base = loss(c, c.x, c.weights);
    for (int b = 0; b < Math.min(c.batch, 3); b++) {
      for (int i = 0; i < c.layout.in(); i++) {
        double[][] x = copy(c.x);
        x[b][i]++;
        assertEquals(loss(c, x, c.weights) - base, Matrices.values(dx)[b][i], c::toString);
      }
    }
  }

  @Property(tries = 120)
  void weightGradientIsTheDifferenceByAWeight(@ForAll long seed) {
    ProductCase c = ProductCase.random(seed);
    Pattern pattern = c.pattern();
    View target =
        c.packed
            ? Matrices.dense(DType.F32, pattern.values().rows(), pattern.values().columns())
            : Matrices.zeros(DType.F32, c.layout.out(), c.layout.in());
    double untouched = 77;
    for (long row = 0; row < target.rows(); row++) {
      double[] before = new double[(int) target.columns()];
      Arrays.fill(before, untouched);
      new Elements(target).setRow(row, before);
    }
    kernels.weightGradient(
        pattern, c.activations(c.x, c.layout.in()), c.activations(c.dy, c.layout.out()), target);

    double base = loss(c, c.x, c.weights);
    double[][] expected = new double[c.layout.out()][c.layout.in()];
    for (int o = 0; o < expected.length; o++) {
      for (int i = 0; i < c.layout.in(); i++) {
        double[][] weights = copy(c.weights);
        weights[o][i]++;
        expected[o][i] = c.keeps(o, i) ? loss(c, c.x, weights) - base : untouched;
      }
    }
    double[][] wanted = expected;
    if (c.packed) { // the edges hold 0
      ProductCase f32 = new ProductCase(c.layout, c.batch, DType.F32, true, seed);
      wanted = Matrices.values(f32.packed(expected));
    }
    double[][] actual = Matrices.values(target);
    for (int row = 0; row < actual.length; row++) {
      assertArrayEquals(wanted[row], actual[row], c::toString);
    }
  }

  /**
   * Doubling a block's weights adds its mask's gradient to the loss; k = n lets each contribute.
   */
  @Property(tries = 120)
  void maskGradientIsTheDifferenceByABlock(@ForAll long seed) {
    ProductCase c = ProductCase.random(seed);
    KofNLayout any = c.layout;
    KofNLayout all =
        new KofNLayout(any.out(), any.in(), any.blockOut(), any.blockIn(), any.blockColumns());
    ProductCase full = new ProductCase(all, c.batch, c.type, false, seed);
    View target = Matrices.zeros(DType.F32, any.blockRows(), any.blockColumns());
    kernels.maskGradient(
        any,
        full.pattern().values(),
        full.activations(full.x, any.in()),
        full.activations(full.dy, any.out()),
        target);
    double base = loss(full, full.x, full.weights);
    for (int row = 0; row < any.blockRows(); row++) {
      for (int column = 0; column < any.blockColumns(); column++) {
        double[][] weights = copy(full.weights);
        for (int o = 0; o < any.out(); o++) {
          for (int i = 0; i < any.in(); i++) {
            boolean inside = o / any.blockOut() == row && i / any.blockIn() == column;
            weights[o][i] *= inside ? 2 : 1;
          }
        }
        double difference = loss(full, full.x, weights) - base;
        assertEquals(difference, Matrices.values(target)[row][column], c::toString);
      }
    }
  }

  private Companion companion(ProductCase c) {
    int entries = c.layout.blockRows() * c.layout.k();
    Companion companion =
        new Companion(
            Matrices.zeros(DType.I32, 1, c.layout.blockColumns() + 1),
            Matrices.zeros(DType.I32, 1, entries),
            Matrices.zeros(DType.I32, 1, entries));
    kernels.transpose(c.layout, c.indices(), companion);
    return companion;
  }

  @Property(tries = 120)
  void transposeListsEachColumnsRows(@ForAll long seed) {
    ProductCase c = ProductCase.random(seed);
    Companion companion = companion(c);
    double[] starts = Matrices.values(companion.starts())[0];
    double[] rows = Matrices.values(companion.rows())[0];
    double[] slots = Matrices.values(companion.slots())[0];
    int entry = 0;
    for (int column = 0; column < c.layout.blockColumns(); column++) {
      assertEquals(entry, starts[column]);
      for (int row = 0; row < c.kept.length; row++) {
        int slot = Arrays.binarySearch(c.kept[row], column);
        if (slot >= 0) {
          assertEquals(row, rows[entry]);
          assertEquals(slot, slots[entry]);
          entry++;
        }
      }
    }
    assertEquals(entry, starts[c.layout.blockColumns()]);
    assertEquals(entry, rows.length);
  }

  @Property(tries = 120)
  void packAndDensifyAreInverse(@ForAll long seed) {
    ProductCase c = ProductCase.random(seed);
    Pattern pattern = c.pattern();
    double[][] masked = new double[c.layout.out()][c.layout.in()];
    for (int o = 0; o < masked.length; o++) {
      for (int i = 0; i < masked[o].length; i++) {
        masked[o][i] = c.keeps(o, i) ? c.weights[o][i] : 0;
      }
    }
    View dense = Matrices.zeros(c.type, c.layout.out(), c.layout.in());
    kernels.densify(pattern, dense);
    assertArrayEquals(masked, Matrices.values(dense), c::toString);

    View packed = c.packed(c.weights);
    double[][] blocks = Matrices.values(packed);
    View target = c.packed ? Matrices.zeros(c.type, c.layout.out(), c.layout.in()) : packed;
    if (!c.packed) {
      double[][] rubbish = new double[blocks.length][c.layout.blockIn()];
      for (double[] row : rubbish) {
        Arrays.fill(row, 99);
      }
      Matrices.fill(packed, rubbish);
    }
    kernels.pack(pattern, target);
    assertArrayEquals(c.packed ? masked : blocks, Matrices.values(target), c::toString);
  }

  @Test
  void densifyWorksInPlace() {
    ProductCase c = new ProductCase(new KofNLayout(7, 9, 2, 4, 1), 0, DType.BF16, false, 5);
    Pattern pattern = c.pattern();
    View apart = Matrices.zeros(DType.BF16, 7, 9);
    kernels.densify(pattern, apart);
    kernels.densify(pattern, pattern.values());
    assertArrayEquals(Matrices.values(apart), Matrices.values(pattern.values()));
  }

  @Property(tries = 120)
  void prunedInputsNeverReachTheResult(@ForAll long seed) {
    ProductCase c = ProductCase.random(seed);
    if (c.type == DType.I8 || c.layout.out() == 0) {
      return;
    }
    // One block row only, so that what it does not keep is kept by nobody.
    KofNLayout one =
        new KofNLayout(
            Math.min(c.layout.out(), c.layout.blockOut()),
            c.layout.in(),
            c.layout.blockOut(),
            c.layout.blockIn(),
            c.layout.k());
    ProductCase single = new ProductCase(one, c.batch, c.type, c.packed, seed);
    double[][] clean = multiply(single, single.x, single.weights);
    double[][] x = copy(single.x);
    double[][] weights = copy(single.weights);
    for (int i = 0; i < one.in(); i++) {
      if (!single.keeps(0, i)) {
        for (double[] example : x) {
          example[i] = i % 2 == 0 ? Double.NaN : Double.POSITIVE_INFINITY;
        }
        for (double[] output : weights) {
          output[i] = Double.NaN;
        }
      }
    }
    assertArrayEquals(clean, multiply(single, x, weights), single::toString);

    double[][] nans = copy(single.dy);
    for (double[] row : nans) {
      Arrays.fill(row, Double.NaN);
    }
    View dx = single.activations(DType.F32, one.in());
    kernels.inputGradient(
        single.pattern(weights),
        companion(single),
        single.activations(nans, one.out()),
        dx,
        null,
        null);
    for (double[] row : Matrices.values(dx)) {
      for (int i = 0; i < one.in(); i++) {
        assertEquals(single.keeps(0, i) ? Double.NaN : 0, row[i], single::toString);
      }
    }
  }

  /** 131071 products of -128 and -128 reach 2^31 - 16384, and no further. */
  @Test
  void integerSumsAreExact() {
    int in = 131071;
    View values = Matrices.dense(DType.I8, 1, in);
    View x = Matrices.dense(DType.I8, 1, in);
    double[] least = new double[in];
    Arrays.fill(least, -128);
    Matrices.fill(values, new double[][] {least});
    Matrices.fill(x, new double[][] {least});
    View indices = Matrices.zeros(DType.U16, 1, 1);
    View y = Matrices.zeros(DType.I32, 1, 1);
    KofNLayout layout = new KofNLayout(1, in, 1, in, 1);
    kernels.multiply(new Pattern(layout, indices, false, values), x, y, PLAIN);
    assertEquals(131071L * 16384, Matrices.values(y)[0][0]);
  }

  @Test
  void manyCandidatesTakeWideIndices() {
    KofNLayout layout = new KofNLayout(1, 70000, 1, 1, 1);
    View indices = Matrices.zeros(layout.indexType(), 1, 1);
    new Elements(indices).set(0, 0, 69999);
    View values = Matrices.dense(DType.F32, 1, 1);
    new Elements(values).set(0, 0, 3);
    View x = Matrices.zeros(DType.F32, 1, 70000);
    new Elements(x).set(0, 69999, 5);
    View y = Matrices.zeros(DType.F32, 1, 1);
    kernels.multiply(new Pattern(layout, indices, true, values), x, y, PLAIN);
    assertEquals(15, Matrices.values(y)[0][0]);
  }
}
