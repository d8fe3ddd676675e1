// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.kofn.DType;
import io.github.kofn.Layout;
import io.github.kofn.internal.cpu.ProductCase.Storage;
import io.github.kofn.internal.kernels.Derived;
import io.github.kofn.internal.kernels.ProductKernels.Companion;
import io.github.kofn.internal.kernels.ProductKernels.Finish;
import io.github.kofn.internal.kernels.ProductKernels.Pattern;
import io.github.kofn.internal.kernels.View;
import io.github.kofn.sparse.Activation;
import io.github.kofn.sparse.KofNLayout;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Sums in chunks of inputs are one chain of fused steps over ascending inputs: the same bits. */
class ChunkedSumsTest {
  private static final Finish PLAIN = new Finish(1, null, null, Activation.IDENTITY, null, null);
  private static final Storage PANELS = Storage.PANELS;
  private static final Storage ROWS = new Storage(DType.F32, Layout.ROW_MAJOR, false, 0);

  /** Lanes and threads. */
  record Engine(int lanes, int threads) {}

  static Stream<Engine> engines() {
    return Stream.of(new Engine(16, 1), new Engine(16, 3), new Engine(8, 2), new Engine(4, 1));
  }

  /** Several chunks, a last one that is short, panels that are not full. */
  private static List<ProductCase> cases() {
    return List.of(
        new ProductCase(KofNLayout.weights(90, 300, 40), 64, true, 1),
        new ProductCase(KofNLayout.weights(300, 257, 30), 150, false, 2),
        new ProductCase(KofNLayout.weights(40, 128, 60), 66, true, 3),
        new ProductCase(KofNLayout.weights(513, 130, 4), 200, false, 4));
  }

  private static Pattern kept(Pattern p) {
    return new Pattern(p.layout(), p.indices(), p.packed(), p.values(), false, new Derived());
  }

  private static float forward(ProductCase c, int b, int o) {
    float sum = 0;
    for (int i : c.kept[o]) {
      sum = Math.fma(c.weights[o][i], c.x[b][i], sum);
    }
    return sum;
  }

  private static float backward(ProductCase c, int b, int i) {
    float sum = 0;
    for (int o = 0; o < c.layout.out(); o++) {
      if (c.keeps(o, i)) {
        sum = Math.fma(c.weights[o][i], c.dy[b][o], sum);
      }
    }
    return sum;
  }

  private static void checkForward(ProductCase c, View y) {
    for (int b = 0; b < c.batch; b++) {
      for (int o = 0; o < c.layout.out(); o++) {
        assertEquals(forward(c, b, o), (float) ProductCase.at(y, b, o), c.layout + " y " + o);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("engines")
  void givesTheBitsOfOneChain(Engine engine) {
    try (Workers workers = new Workers(engine.threads())) {
      CpuProducts products = new CpuProducts(engine.lanes(), workers);
      for (ProductCase c : cases()) {
        KofNLayout l = c.layout;
        Pattern pattern = kept(c.pattern(ROWS));
        ChunkedSums chunked = new ChunkedSums(new ProductWidths(engine.lanes()), workers);
        assertTrue(chunked.suits(pattern, c.batch, false), () -> "not in chunks: " + l);
        View y = PANELS.view(c.batch, l.out());
        for (int product = 1; product <= 3; product++) {
          y.segment().fill((byte) -1);
          products.multiply(pattern, PANELS.of(c.x, l.in()), y, PLAIN);
          checkForward(c, y);
        }
        Companion companion = c.emptyCompanion();
        products.transpose(l, pattern.indices(), companion);
        View dx = ROWS.view(c.batch, l.in());
        products.inputGradient(pattern, companion, PANELS.of(c.dy, l.out()), dx, null, null);
        for (int b = 0; b < c.batch; b++) {
          for (int i = 0; i < l.in(); i++) {
            assertEquals(backward(c, b, i), (float) ProductCase.at(dx, b, i), l + " dx " + i);
          }
        }
      }
    }
  }

  /** Graphs replay draws into the memory of the indices, and weights change between products. */
  @ParameterizedTest
  @MethodSource("engines")
  void noticesOtherIndicesAndWeights(Engine engine) {
    try (Workers workers = new Workers(engine.threads())) {
      CpuProducts products = new CpuProducts(engine.lanes(), workers);
      KofNLayout l = KofNLayout.weights(70, 200, 20);
      ProductCase before = new ProductCase(l, 64, false, 5);
      ProductCase after = new ProductCase(l, 64, false, 6);
      View indices = before.indices();
      View values = before.dense(ROWS);
      Pattern pattern = new Pattern(l, indices, false, values, false, new Derived());
      View y = PANELS.view(64, l.out());
      for (ProductCase c : List.of(before, before, after, after, before, before)) {
        indices.segment().copyFrom(c.indices().segment());
        values.segment().copyFrom(c.dense(ROWS).segment());
        products.multiply(pattern, PANELS.of(c.x, l.in()), y, PLAIN);
        checkForward(c, y);
      }
    }
  }

  /** A layer so large that its outputs are cut into several slabs. */
  @ParameterizedTest
  @MethodSource("engines")
  void cutsLargeLayers(Engine engine) {
    try (Workers workers = new Workers(engine.threads())) {
      CpuProducts products = new CpuProducts(engine.lanes(), workers);
      KofNLayout l = KofNLayout.weights(1200, 400, 150);
      ProductCase c = new ProductCase(l, 64, true, 7);
      View y = PANELS.view(64, l.out());
      Pattern pattern = kept(c.pattern(ROWS));
      for (int product = 1; product <= 2; product++) {
        products.multiply(pattern, PANELS.of(c.x, l.in()), y, PLAIN);
        checkForward(c, y);
      }
    }
  }
}
