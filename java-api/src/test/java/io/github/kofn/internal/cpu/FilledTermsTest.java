// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.kofn.DType;
import io.github.kofn.Layout;
import io.github.kofn.internal.cpu.ProductCase.Storage;
import io.github.kofn.internal.kernels.Derived;
import io.github.kofn.internal.kernels.ProductKernels.Finish;
import io.github.kofn.internal.kernels.ProductKernels.Pattern;
import io.github.kofn.internal.kernels.View;
import io.github.kofn.sparse.Activation;
import io.github.kofn.sparse.KofNLayout;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Rows filled with zeros give the bits of one chain of fused steps over what is kept. */
class FilledTermsTest {
  private static final Finish PLAIN = new Finish(1, null, null, Activation.IDENTITY, null, null);
  private static final Storage PANELS = Storage.PANELS;

  /** Lanes and threads. */
  record Engine(int lanes, int threads) {}

  static Stream<Engine> engines() {
    return Stream.of(new Engine(16, 1), new Engine(16, 3), new Engine(8, 2), new Engine(4, 1));
  }

  /** Panels and last groups that are not full, blocks that the matrix cuts off, large layers. */
  private static List<ProductCase> cases() {
    return List.of(
        new ProductCase(KofNLayout.weights(90, 300, 160), 64, true, 1),
        new ProductCase(KofNLayout.weights(91, 257, 200), 150, false, 2),
        new ProductCase(KofNLayout.weights(5, 64, 63), 16, true, 3),
        new ProductCase(KofNLayout.weights(1, 3, 2), 17, false, 4),
        new ProductCase(new KofNLayout(40, 130, 1, 9, 10), 66, true, 5),
        new ProductCase(new KofNLayout(31, 130, 1, 70, 1), 20, true, 6),
        new ProductCase(new KofNLayout(40, 130, 1, 9, 8), 70, false, 7),
        new ProductCase(KofNLayout.weights(300, 700, 400), 64, true, 8));
  }

  private static Pattern kept(Pattern p) {
    return new Pattern(p.layout(), p.indices(), p.packed(), p.values(), false, new Derived());
  }

  private static void check(ProductCase c, View y) {
    for (int b = 0; b < c.batch; b++) {
      for (int o = 0; o < c.layout.out(); o++) {
        float sum = 0;
        for (int i = 0; i < c.layout.in(); i++) {
          sum = c.keeps(o, i) ? Math.fma(c.weights[o][i], c.x[b][i], sum) : sum;
        }
        assertEquals(sum, (float) ProductCase.at(y, b, o), c.layout + " y " + o);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("engines")
  void givesTheBitsOfOneChain(Engine engine) {
    List<Storage> storages =
        List.of(new Storage(DType.F32, Layout.ROW_MAJOR, false, 0), Storage.HEAP_ROWS);
    try (Workers workers = new Workers(engine.threads())) {
      ProductWidths widths = new ProductWidths(engine.lanes());
      CpuProducts products = new CpuProducts(engine.lanes(), workers);
      for (ProductCase c : cases()) {
        for (Storage storage : storages) {
          Pattern pattern = kept(c.pattern(storage));
          assertTrue(FilledTerms.suits(pattern, c.batch, widths), () -> "not filled: " + c.layout);
          View y = PANELS.view(c.batch, c.layout.out());
          for (int product = 1; product <= 2; product++) {
            y.segment().fill((byte) -1);
            products.multiply(pattern, PANELS.of(c.x, c.layout.in()), y, PLAIN);
            check(c, y);
          }
        }
      }
    }
  }

  /** Graphs replay draws into the memory of the indices, and weights change between products. */
  @ParameterizedTest
  @MethodSource("engines")
  void noticesOtherIndicesAndWeights(Engine engine) {
    Storage rows = new Storage(DType.F32, Layout.ROW_MAJOR, false, 0);
    try (Workers workers = new Workers(engine.threads())) {
      CpuProducts products = new CpuProducts(engine.lanes(), workers);
      KofNLayout l = KofNLayout.weights(70, 200, 120);
      ProductCase before = new ProductCase(l, 64, false, 5);
      ProductCase after = new ProductCase(l, 64, false, 6);
      View indices = before.indices();
      View values = before.dense(rows);
      Pattern pattern = new Pattern(l, indices, false, values, false, new Derived());
      View y = PANELS.view(64, l.out());
      for (ProductCase c : List.of(before, before, after, after, before)) {
        indices.segment().copyFrom(c.indices().segment());
        values.segment().copyFrom(c.dense(rows).segment());
        products.multiply(pattern, PANELS.of(c.x, l.in()), y, PLAIN);
        check(c, y);
      }
    }
  }
}
