// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.kofn.DType;
import io.github.kofn.Layout;
import io.github.kofn.internal.cpu.ProductCase.Storage;
import io.github.kofn.internal.kernels.ProductKernels.Companion;
import io.github.kofn.internal.kernels.ProductKernels.Finish;
import io.github.kofn.internal.kernels.ProductKernels.Pattern;
import io.github.kofn.internal.kernels.View;
import io.github.kofn.sparse.Activation;
import io.github.kofn.sparse.KofNLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Every product against sums in double, each element within the bound that the order of summation
 * gives: {@code |y - y*| <= (terms + 4) eps sum |x||w|}, eps = 2^-24.
 */
class CpuProductsTest {
  private static final double EPS = 0x1p-24;
  private static final Finish PLAIN = new Finish(1, null, null, Activation.IDENTITY, null, null);
  private static final int[] BATCHES = {0, 1, 3, 4, 7, 17, 64, 65, 128, 200};

  /** One way to run the products. */
  record Engine(int lanes, int threads) {
    CpuProducts products(Workers workers) {
      return new CpuProducts(lanes, workers);
    }
  }

  static Stream<Engine> engines() {
    return Stream.of(
        new Engine(16, 2), new Engine(16, 1), new Engine(8, 2), new Engine(4, 1), new Engine(1, 2));
  }

  private static List<ProductCase> cases() {
    int[][] blocks = {{1, 1}, {1, 9}, {4, 1}, {16, 1}, {8, 4}, {16, 16}, {32, 32}, {3, 5}, {90, 2}};
    List<ProductCase> cases = new ArrayList<>();
    int seed = 0;
    for (int[] block : blocks) {
      int out = 53;
      int in = 71;
      int n = Math.ceilDiv(in, block[1]);
      for (int k : new TreeSet<>(List.of(0, 1, Math.ceilDiv(n, 10), n - 1, n))) {
        KofNLayout layout = new KofNLayout(out, in, block[0], block[1], k);
        int batch = BATCHES[seed % BATCHES.length];
        cases.add(new ProductCase(layout, batch, seed % 2 == 0, seed++));
        cases.add(new ProductCase(layout, 65, seed % 2 == 0, seed++));
      }
    }
    for (int batch : BATCHES) {
      cases.add(new ProductCase(KofNLayout.weights(130, 90, 9), batch, false, seed++));
      cases.add(new ProductCase(KofNLayout.dense(37, 90), batch, true, seed++));
      cases.add(new ProductCase(new KofNLayout(40, 33, 8, 4, 5), batch, true, seed++));
      cases.add(new ProductCase(new KofNLayout(48, 33, 4, 1, 5), batch, seed % 2 == 0, seed++));
      cases.add(new ProductCase(new KofNLayout(45, 33, 20, 1, 5), batch, true, seed++));
      cases.add(new ProductCase(new KofNLayout(45, 75, 20, 20, 3), batch, batch % 2 == 0, seed++));
      cases.add(new ProductCase(KofNLayout.weights(29, 40, 25), batch, seed % 2 == 0, seed++));
    }
    // Last blocks, and what is left of blocks cut at 96, have fewer outputs than a tile.
    for (boolean packed : new boolean[] {false, true}) {
      cases.add(new ProductCase(new KofNLayout(72, 130, 32, 16, 3), 40, packed, seed++));
      cases.add(new ProductCase(new KofNLayout(196, 64, 98, 16, 3), 40, packed, seed++));
      cases.add(new ProductCase(new KofNLayout(64, 196, 16, 98, 1), 40, packed, seed++));
      cases.add(new ProductCase(new KofNLayout(64, 194, 16, 96, 3), 40, packed, seed++));
      cases.add(new ProductCase(KofNLayout.dense(98, 98), 40, packed, seed++));
    }
    // More examples than the weight gradient sums at once; strips of 64 inputs and what is left.
    cases.add(new ProductCase(new KofNLayout(40, 75, 20, 16, 3), 600, true, seed++));
    cases.add(new ProductCase(new KofNLayout(40, 75, 20, 25, 2), 600, false, seed++));
    cases.add(new ProductCase(KofNLayout.dense(30, 141), 530, true, seed++));
    for (int k : new int[] {15, 16, 17, 40, 64, 77}) {
      cases.add(new ProductCase(KofNLayout.weights(300, 90, k), 1, true, seed++));
    }
    cases.add(new ProductCase(KofNLayout.weights(5, 70001, 300), 9, false, seed++));
    cases.add(new ProductCase(KofNLayout.weights(3, 70001, 1500), 1, true, seed++));
    cases.add(new ProductCase(KofNLayout.weights(1, 1, 1), 2, false, seed++));
    cases.add(new ProductCase(KofNLayout.weights(0, 4, 2), 5, false, seed++));
    cases.add(new ProductCase(KofNLayout.weights(4, 0, 0), 5, false, seed));
    return cases;
  }

  private static Storage storage(ProductCase c, int role) {
    boolean heap = (c.batch + role) % 3 == 0;
    Layout layout = (c.layout.k() + c.batch + role) % 2 == 0 ? Layout.PANELS : Layout.ROW_MAJOR;
    return new Storage(DType.F32, layout, heap, role % 2 * 5);
  }

  private static Storage rows(ProductCase c) {
    return new Storage(DType.F32, Layout.ROW_MAJOR, c.batch % 2 == 1, 0);
  }

  private static void close(
      double expected, double actual, double magnitude, int terms, String of) {
    double bound = (terms + 4) * EPS * magnitude + 0x1p-140;
    assertTrue(
        Math.abs(expected - actual) <= bound,
        () -> of + ": expected " + expected + " within " + bound + ", was " + actual);
  }

  @ParameterizedTest
  @MethodSource("engines")
  void multiplies(Engine engine) {
    try (Workers workers = new Workers(engine.threads())) {
      CpuProducts products = engine.products(workers);
      for (ProductCase c : cases()) {
        KofNLayout l = c.layout;
        Pattern pattern = c.pattern(rows(c));
        View x = storage(c, 0).of(c.x, l.in());
        View y = storage(c, 1).view(c.batch, l.out());
        products.multiply(pattern, x, y, PLAIN);
        for (int b = 0; b < c.batch; b++) {
          for (int o = 0; o < l.out(); o++) {
            checkOutput(c, b, o, ProductCase.at(y, b, o));
          }
        }
      }
    }
  }

  private static void checkOutput(ProductCase c, int b, int o, double actual) {
    double sum = 0;
    double magnitude = 0;
    for (int i = 0; i < c.layout.in(); i++) {
      if (c.keeps(o, i)) {
        double term = (double) c.weights[o][i] * c.x[b][i];
        sum += term;
        magnitude += Math.abs(term);
      }
    }
    int terms = c.layout.k() * c.layout.blockIn();
    close(sum, actual, magnitude, terms, c.layout + " batch " + c.batch + " y[" + b + ", " + o);
  }

  @ParameterizedTest
  @MethodSource("engines")
  void givesInputGradients(Engine engine) {
    try (Workers workers = new Workers(engine.threads())) {
      CpuProducts products = engine.products(workers);
      for (ProductCase c : cases()) {
        KofNLayout l = c.layout;
        Pattern pattern = c.pattern(rows(c));
        Companion companion = c.emptyCompanion();
        products.transpose(l, pattern.indices(), companion);
        View dy = storage(c, 0).of(c.dy, l.out());
        View dx = storage(c, 2).view(c.batch, l.in());
        products.inputGradient(pattern, companion, dy, dx, null, null);
        for (int b = 0; b < c.batch; b++) {
          for (int i = 0; i < Math.min(300, l.in()); i++) {
            double sum = 0;
            double magnitude = 0;
            for (int o = 0; o < l.out(); o++) {
              if (c.keeps(o, i)) {
                double term = (double) c.weights[o][i] * c.dy[b][o];
                sum += term;
                magnitude += Math.abs(term);
              }
            }
            close(sum, ProductCase.at(dx, b, i), magnitude, l.out(), l + " dx[" + b + ", " + i);
          }
        }
      }
    }
  }

  private static double[] weightGradient(ProductCase c, int o, int i) {
    double sum = 0;
    double magnitude = 0;
    for (int b = 0; b < c.batch; b++) {
      double term = (double) c.dy[b][o] * c.x[b][i];
      sum += term;
      magnitude += Math.abs(term);
    }
    return new double[] {sum, magnitude};
  }

  @ParameterizedTest
  @MethodSource("engines")
  void givesWeightGradientsOfKeptBlocksOnly(Engine engine) {
    try (Workers workers = new Workers(engine.threads())) {
      CpuProducts products = engine.products(workers);
      for (ProductCase c : cases()) {
        KofNLayout l = c.layout;
        Pattern pattern = c.pattern(rows(c));
        View x = storage(c, 0).of(c.x, l.in());
        View dy = storage(c, 1).of(c.dy, l.out());
        Storage kind = storage(c, 2);
        View target =
            c.packed
                ? c.emptyPacked(rows(c))
                : new Storage(DType.F32, Layout.ROW_MAJOR, kind.heap(), 1).view(l.out(), l.in());
        long size = c.packed ? l.packedElements() : target.rows() * target.pitch();
        for (long e = 0; e < size; e++) {
          ProductCase.set(target, e, 7);
        }
        products.weightGradient(pattern, x, dy, target);
        double beyond = 0;
        for (int o = 0; c.packed && l.k() > 0 && o < l.blockRows() * l.blockOut(); o++) {
          for (int i = 0; i < l.blockIn(); i++) {
            int first = c.kept[o / l.blockOut()][l.k() - 1] * l.blockIn();
            boolean absent = o >= l.out() || first + i >= l.in();
            beyond +=
                absent ? Math.abs(ProductCase.get(target, c.packedIndex(o, l.k() - 1, i))) : 0;
          }
        }
        assertEquals(0, beyond, "absent elements of packed blocks");
        for (int o = 0; o < l.out(); o++) {
          for (int i = 0; i < l.in(); i++) {
            int slot = Arrays.binarySearch(c.kept[o / l.blockOut()], i / l.blockIn());
            if (slot < 0) {
              assertTrue(c.packed || ProductCase.at(target, o, i) == 7);
              continue;
            }
            double[] expected = weightGradient(c, o, i);
            long index = c.packed ? c.packedIndex(o, slot, i % l.blockIn()) : target.index(o, i);
            double actual = ProductCase.get(target, index);
            close(expected[0], actual, expected[1], c.batch, l + " dw[" + o + ", " + i);
          }
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("engines")
  void givesMaskGradientsOfAllCandidates(Engine engine) {
    try (Workers workers = new Workers(engine.threads())) {
      CpuProducts products = engine.products(workers);
      for (ProductCase c : cases()) {
        KofNLayout l = c.layout;
        View x = storage(c, 0).of(c.x, l.in());
        View dy = storage(c, 1).of(c.dy, l.out());
        View target = rows(c).view(l.blockRows(), l.blockColumns());
        for (long e = 0; e < target.rows() * target.columns(); e++) {
          ProductCase.set(target, e, 7);
        }
        products.maskGradient(l, c.dense(Storage.HEAP_ROWS), x, dy, target);
        for (int r = 0; r < l.blockRows(); r++) {
          for (int k = 0; k < Math.min(100, l.blockColumns()); k++) {
            checkMaskGradient(c, r, k, ProductCase.at(target, r, k));
          }
        }
      }
    }
  }

  private static void checkMaskGradient(ProductCase c, int r, int k, double actual) {
    KofNLayout l = c.layout;
    double sum = 0;
    double magnitude = 0;
    for (int o = r * l.blockOut(); o < Math.min(l.out(), (r + 1) * l.blockOut()); o++) {
      for (int i = k * l.blockIn(); i < Math.min(l.in(), (k + 1) * l.blockIn()); i++) {
        double[] g = weightGradient(c, o, i);
        sum += c.weights[o][i] * g[0];
        magnitude += Math.abs(c.weights[o][i]) * g[1];
      }
    }
    int terms = c.batch + l.blockOut() * l.blockIn();
    close(sum, actual, magnitude, terms, l + " batch " + c.batch + " dMask[" + r + ", " + k);
  }

  /** The series whose terms all have one sign (Abramowitz and Stegun 7.1.6). */
  private static double erf(double x) {
    double term = x;
    double sum = x;
    for (int n = 1; n < 200; n++) {
      term *= 2 * x * x / (2 * n + 1);
      sum += term;
    }
    return Math.abs(x) > 5.9 ? Math.signum(x) : 2 / Math.sqrt(Math.PI) * Math.exp(-x * x) * sum;
  }

  private static double normal(double z) {
    return 0.5 * (1 + erf(z / Math.sqrt(2)));
  }

  private static double value(Activation a, double z) {
    return switch (a) {
      case IDENTITY -> z;
      case RELU -> Math.max(z, 0);
      case GELU -> z * normal(z);
      case SILU -> z / (1 + Math.exp(-z));
    };
  }

  private static double derivative(Activation a, double z) {
    double s = 1 / (1 + Math.exp(-z));
    return switch (a) {
      case IDENTITY -> 1;
      case RELU -> z > 0 ? 1 : 0;
      case GELU -> normal(z) + z * Math.exp(-z * z / 2) / Math.sqrt(2 * Math.PI);
      case SILU -> s * (1 + z * (1 - s));
    };
  }

  @ParameterizedTest
  @MethodSource("engines")
  void finishes(Engine engine) {
    try (Workers workers = new Workers(engine.threads())) {
      CpuProducts products = engine.products(workers);
      int seed = 0;
      for (int batch : BATCHES) {
        for (Activation activation : Activation.values()) {
          for (DType type : List.of(DType.F32, DType.BF16, DType.F16)) {
            ProductCase c =
                new ProductCase(new KofNLayout(21, 40, 1 + seed % 3, 2, 3), batch, false, ++seed);
            checkFinish(products, c, activation, type);
          }
        }
      }
    }
  }

  private static void checkFinish(
      CpuProducts products, ProductCase c, Activation activation, DType type) {
    KofNLayout l = c.layout;
    float[][] scales = c.matrix(1, l.out());
    float[][] bias = c.matrix(1, l.out());
    float[][] residual = c.matrix(c.batch, l.out());
    Storage other = new Storage(type, storage(c, 1).layout(), storage(c, 1).heap(), 0);
    View z = storage(c, 2).view(c.batch, l.out());
    View r = other.of(residual, l.out());
    View y = storage(c, 3).view(c.batch, l.out());
    View x = storage(c, 0).of(c.x, l.in());
    Finish finish =
        new Finish(
            3,
            Storage.HEAP_ROWS.of(scales, l.out()),
            Storage.PANELS.of(bias, l.out()),
            activation,
            z,
            r);
    products.multiply(c.pattern(rows(c)), x, y, finish);
    for (int b = 0; b < c.batch; b++) {
      for (int o = 0; o < l.out(); o++) {
        double sum = 0;
        double magnitude = Math.abs(bias[0][o]);
        for (int i = 0; i < l.in(); i++) {
          double term = c.keeps(o, i) ? 3.0 * scales[0][o] * c.weights[o][i] * c.x[b][i] : 0;
          sum += term;
          magnitude += Math.abs(term);
        }
        int terms = l.k() * l.blockIn() + 3;
        close(sum + bias[0][o], ProductCase.at(z, b, o), magnitude, terms, "z");
        // From the z that was stored: activations are no worse conditioned than |slope| <= 1.13.
        double own = ProductCase.at(z, b, o);
        double expected = value(activation, own) + ProductCase.at(r, b, o);
        double size = Math.abs(own) + Math.abs(ProductCase.at(r, b, o));
        close(expected, ProductCase.at(y, b, o), size, 4, activation + " of " + own);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("engines")
  void givesActivationGradients(Engine engine) {
    try (Workers workers = new Workers(engine.threads())) {
      CpuProducts products = engine.products(workers);
      int seed = 0;
      for (int batch : BATCHES) {
        for (Activation activation : Activation.values()) {
          ProductCase c = new ProductCase(KofNLayout.weights(70, 20, 3), batch, false, ++seed);
          float[][] pre = c.matrix(batch, 70);
          for (float[] row : pre) {
            for (int o = 0; o < row.length; o++) {
              row[o] *= 4;
            }
          }
          View z = storage(c, 1).of(pre, 70);
          View dy = storage(c, 0).of(c.dy, 70);
          View dz = seed % 2 == 0 ? dy : storage(c, 2).view(batch, 70);
          View bias = rows(c).view(1, 70);
          products.activationGradient(dy, activation, z, 0.5f, dz, seed % 3 == 0 ? null : bias);
          for (int o = 0; o < 70; o++) {
            double sum = 0;
            double magnitude = 0;
            for (int b = 0; b < batch; b++) {
              double term = c.dy[b][o] * derivative(activation, pre[b][o]);
              // |f'| <= 1.13, and its error is that of Phi or the logistic function times at most
              // 1 + |z|.
              double size = Math.abs(c.dy[b][o]) * (1 + Math.abs(pre[b][o]));
              close(0.5 * term, ProductCase.at(dz, b, o), size, 2, activation + "' " + pre[b][o]);
              sum += term;
              magnitude += size;
            }
            if (seed % 3 != 0) {
              close(sum, ProductCase.at(bias, 0, o), magnitude, batch, "bias of " + activation);
            }
          }
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("engines")
  void fusesTheDerivativeIntoTheInputGradient(Engine engine) {
    try (Workers workers = new Workers(engine.threads())) {
      CpuProducts products = engine.products(workers);
      for (int batch : BATCHES) {
        ProductCase c = new ProductCase(new KofNLayout(30, 41, 2, 3, 4), batch, true, batch);
        Pattern pattern = c.pattern(rows(c));
        Companion companion = c.emptyCompanion();
        products.transpose(c.layout, pattern.indices(), companion);
        View dy = storage(c, 0).of(c.dy, 30);
        float[][] pre = c.matrix(batch, 41);
        View z = storage(c, 1).of(pre, 41);
        View plain = Storage.PANELS.view(batch, 41);
        products.inputGradient(pattern, companion, dy, plain, null, null);
        for (Activation activation : Activation.values()) {
          View dx = storage(c, 1).view(batch, 41);
          products.inputGradient(pattern, companion, dy, dx, activation, z);
          for (int b = 0; b < batch; b++) {
            for (int i = 0; i < 41; i++) {
              double own = ProductCase.at(plain, b, i);
              double expected = own * derivative(activation, pre[b][i]);
              double size = 2 * Math.abs(own);
              close(expected, ProductCase.at(dx, b, i), size, 2, activation + " dx");
            }
          }
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("engines")
  void neverTouchesPrunedInputs(Engine engine) {
    try (Workers workers = new Workers(engine.threads())) {
      CpuProducts products = engine.products(workers);
      for (int batch : BATCHES) {
        for (boolean packed : new boolean[] {false, true}) {
          neverTouchesPrunedInputs(products, new KofNLayout(24, 60, 4, 3, 5), batch, packed);
          // Nearly dense: computed as if it were dense where X is finite.
          neverTouchesPrunedInputs(products, new KofNLayout(24, 60, 1, 1, 45), batch, packed);
          neverTouchesPrunedInputs(products, new KofNLayout(24, 60, 1, 3, 15), batch, packed);
        }
      }
    }
  }

  private static void neverTouchesPrunedInputs(
      CpuProducts products, KofNLayout layout, int batch, boolean packed) {
    ProductCase c = new ProductCase(layout, batch, packed, batch);
    // The last block column is kept by no row.
    float[] worst = {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY};
    for (int b = 0; b < batch; b++) {
      c.x[b][59] = worst[b % worst.length];
    }
    View x = storage(c, 0).of(c.x, 60);
    View y = storage(c, 1).view(batch, 24);
    products.multiply(c.pattern(rows(c)), x, y, PLAIN);
    for (int b = 0; b < batch; b++) {
      for (int o = 0; o < 24; o++) {
        checkOutput(c, b, o, ProductCase.at(y, b, o));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("engines")
  void widensAndRoundsNarrowTypes(Engine engine) {
    try (Workers workers = new Workers(engine.threads())) {
      CpuProducts products = engine.products(workers);
      for (DType type : List.of(DType.F16, DType.BF16)) {
        for (int batch : BATCHES) {
          KofNLayout l = new KofNLayout(18, 50, 1 + batch % 3, 2, 6);
          ProductCase c = new ProductCase(l, batch, batch % 2 == 0, batch);
          quantise(c.x, type);
          quantise(c.weights, type);
          Storage narrow = new Storage(type, storage(c, 0).layout(), false, 0);
          View x = narrow.of(c.x, 50);
          View y = storage(c, 1).view(batch, 18);
          View rounded = narrow.view(batch, 18);
          Pattern pattern = c.pattern(new Storage(type, Layout.ROW_MAJOR, true, 0));
          products.multiply(pattern, x, y, PLAIN);
          products.multiply(pattern, x, rounded, PLAIN);
          double half = type == DType.F16 ? 0x1p-11 : 0x1p-8;
          for (int b = 0; b < batch; b++) {
            for (int o = 0; o < 18; o++) {
              double exact = ProductCase.at(y, b, o);
              checkOutput(c, b, o, exact);
              assertEquals(exact, ProductCase.at(rounded, b, o), half * Math.abs(exact) + 0x1p-25);
            }
          }
        }
      }
    }
  }

  private static void quantise(float[][] values, DType type) {
    View view = new Storage(type, Layout.ROW_MAJOR, false, 0).view(1, 1);
    for (float[] row : values) {
      for (int i = 0; i < row.length; i++) {
        ProductCase.set(view, 0, row[i]);
        row[i] = (float) ProductCase.get(view, 0);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("engines")
  void sumsIntegersExactly(Engine engine) {
    try (Workers workers = new Workers(engine.threads())) {
      CpuProducts products = engine.products(workers);
      for (int batch : BATCHES) {
        ProductCase c = new ProductCase(new KofNLayout(5, 900, 2, 1, 850), batch, true, batch);
        integers(c.x, c.random);
        integers(c.weights, c.random);
        Storage bytes = new Storage(DType.I8, storage(c, 0).layout(), false, 0);
        View y = storage(c, 1).view(batch, 5);
        Pattern pattern = c.pattern(new Storage(DType.I8, Layout.ROW_MAJOR, false, 0));
        products.multiply(pattern, bytes.of(c.x, 900), y, PLAIN);
        for (int b = 0; b < batch; b++) {
          for (int o = 0; o < 5; o++) {
            int sum = 0;
            for (int i = 0; i < 900; i++) {
              sum += c.keeps(o, i) ? (int) (c.weights[o][i] * c.x[b][i]) : 0;
            }
            assertEquals((float) sum, ProductCase.at(y, b, o));
          }
        }
      }
    }
  }

  private static void integers(float[][] values, Random random) {
    for (float[] row : values) {
      for (int i = 0; i < row.length; i++) {
        row[i] = 127 - random.nextInt(256) / 8;
      }
    }
  }

  @ParameterizedTest
  @MethodSource("engines")
  void transposesAndPacksAndDensifies(Engine engine) {
    try (Workers workers = new Workers(engine.threads())) {
      CpuProducts products = engine.products(workers);
      for (ProductCase c : cases()) {
        KofNLayout l = c.layout;
        Companion companion = c.emptyCompanion();
        products.transpose(l, c.indices(), companion);
        int entry = 0;
        for (int column = 0; column < l.blockColumns(); column++) {
          assertEquals(entry, ProductCase.get(companion.starts(), column));
          for (int r = 0; r < l.blockRows(); r++) {
            int slot = Arrays.binarySearch(c.kept[r], column);
            if (slot >= 0) {
              assertEquals(r, ProductCase.get(companion.rows(), entry));
              assertEquals(slot, ProductCase.get(companion.slots(), entry++));
            }
          }
        }
        assertEquals(entry, ProductCase.get(companion.starts(), l.blockColumns()));
        Pattern inPlace = new Pattern(l, c.indices(), false, c.dense(rows(c)));
        View packed = c.emptyPacked(rows(c));
        products.pack(inPlace, packed);
        View dense = Storage.HEAP_ROWS.view(l.out(), l.in());
        products.densify(inPlace, dense);
        checkDense(c, dense);
        View again = rows(c).view(l.out(), l.in());
        products.pack(new Pattern(l, c.indices(), true, packed), again);
        checkDense(c, again);
      }
    }
  }

  private static void checkDense(ProductCase c, View dense) {
    for (int o = 0; o < c.layout.out(); o++) {
      for (int i = 0; i < c.layout.in(); i++) {
        assertEquals(c.keeps(o, i) ? c.weights[o][i] : 0, ProductCase.at(dense, o, i));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("engines")
  void converts(Engine engine) {
    try (Workers workers = new Workers(engine.threads())) {
      CpuProducts products = engine.products(workers);
      for (int batch : BATCHES) {
        ProductCase c = new ProductCase(KofNLayout.weights(1, 77, 1), batch, false, batch);
        for (float[] row : c.x) {
          for (int i = 0; i < row.length; i++) {
            row[i] *= 150;
          }
        }
        View x = storage(c, 0).of(c.x, 77);
        View other = storage(c, 1).view(batch, 77);
        products.convert(x, other);
        View bytes = new Storage(DType.I8, Layout.PANELS, false, 0).view(batch, 77);
        products.convert(other, bytes);
        for (int b = 0; b < batch; b++) {
          for (int i = 0; i < 77; i++) {
            assertEquals(c.x[b][i], ProductCase.at(other, b, i));
            double rounded = Math.clamp(Math.rint(c.x[b][i]), -128, 127) + 0.0;
            assertEquals(rounded, ProductCase.at(bytes, b, i));
          }
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 4, 8, 16})
  void givesTheSameBitsWithAnyNumberOfThreads(int lanes) {
    ProductCase c = new ProductCase(new KofNLayout(130, 150, 2, 3, 17), 70, false, 5);
    List<float[]> results = new ArrayList<>();
    for (int threads : new int[] {1, 1, 2, 3}) {
      try (Workers workers = new Workers(threads)) {
        CpuProducts products = new CpuProducts(lanes, workers);
        KofNLayout l = c.layout;
        Pattern pattern = c.pattern(Storage.HEAP_ROWS);
        Companion companion = c.emptyCompanion();
        products.transpose(l, pattern.indices(), companion);
        View x = Storage.PANELS.of(c.x, l.in());
        View dy = Storage.PANELS.of(c.dy, l.out());
        View y = Storage.PANELS.view(70, l.out());
        View dx = Storage.PANELS.view(70, l.in());
        View dw = Storage.HEAP_ROWS.view(l.out(), l.in());
        View mask = Storage.HEAP_ROWS.view(l.blockRows(), l.blockColumns());
        View bias = Storage.HEAP_ROWS.view(1, l.out());
        products.multiply(pattern, x, y, PLAIN);
        products.inputGradient(pattern, companion, dy, dx, Activation.SILU, x);
        products.weightGradient(pattern, x, dy, dw);
        products.maskGradient(l, pattern.values(), x, dy, mask);
        View dz = Storage.PANELS.view(70, l.out());
        products.activationGradient(dy, Activation.GELU, y, 1, dz, bias);
        results.add(flat(y, dx, dw, mask, bias, dz));
      }
    }
    for (float[] result : results) {
      assertArrayEquals(results.get(0), result);
    }
  }

  private static float[] flat(View... views) {
    int size = 0;
    for (View view : views) {
      size += (int) (view.rows() * view.columns());
    }
    float[] all = new float[size];
    int next = 0;
    for (View view : views) {
      for (int r = 0; r < view.rows(); r++) {
        for (int c = 0; c < view.columns(); c++) {
          all[next++] = (float) ProductCase.at(view, r, c);
        }
      }
    }
    return all;
  }
}
