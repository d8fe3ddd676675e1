// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.kofn.DType;
import io.github.kofn.Device;
import io.github.kofn.Graph;
import io.github.kofn.Tensor;
import io.github.kofn.internal.cuda.ProductPlan.Regime;
import io.github.kofn.sampling.DrawKey;
import io.github.kofn.sampling.GumbelTopK;
import io.github.kofn.sampling.Selection;
import io.github.kofn.sparse.Epilogue;
import io.github.kofn.sparse.Forward;
import io.github.kofn.sparse.KofNLayout;
import io.github.kofn.sparse.KofNMatrix;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * A graph of all products gives the bits of the same operations called one by one, with every
 * family of kernels, and decides anew at each launch whether activations are finite.
 */
class ProductGraphTest {
  @ParameterizedTest
  @CsvSource({
    "LANES, 1, F32, 37",
    "LANES, 16, BF16, 37",
    "LANES, 1, F32, 130", // weight gradients of 128 examples a step
    "CHUNKED, 1, F32, 37",
    "CHUNKED, 16, BF16, 9",
    "TENSOR, 16, BF16, 37",
    "TENSOR, 64, F16, 37",
    "TENSOR, 64, BF16, 600", // weight gradients are split over the batch
    "GATHERED, 16, BF16, 37",
    "GATHERED, 32, F16, 37",
    "GATHERED, 64, BF16, 600",
    "GATHERED, 128, F16, 37",
    "DENSE, 1, F32, 37",
    "DENSE, 1, BF16, 37",
    "DENSE, 16, F16, 37",
    "AUTO, 1, BF16, 37"
  })
  void productsAreReplayed(Regime regime, int block, DType type, int batch) {
    System.setProperty("kofn.cuda.products", regime.name().toLowerCase(Locale.ROOT));
    try (Device device = SimulatedDevice.open();
        Products direct = new Products(device, block, type, batch);
        Products captured = new Products(device, block, type, batch)) {
      SimulatedDevice.resetCounters();
      captured.run();
      long added =
          SimulatedDevice.counters("kofn_matmul_sum_gradients")
              .getOrDefault("warpInstructions", 0L);
      assertEquals(batch > 256, added > 0, "whether the batch was split");
      try (Graph graph = device.capture(captured::run)) {
        for (float extra : new float[] {1, Float.NaN, 2, Float.POSITIVE_INFINITY}) {
          direct.fill(extra);
          captured.fill(extra);
          direct.run();
          graph.launch();
          compare(direct, captured, extra);
        }
      }
      assertEquals(List.of(), SimulatedDevice.reports());
    } finally {
      System.clearProperty("kofn.cuda.products");
    }
  }

  private static void compare(Products direct, Products captured, float extra) {
    for (int i = 0; i < direct.results.size(); i++) {
      float[] expected = Products.read(direct.results.get(i));
      assertArrayEquals(
          expected, Products.read(captured.results.get(i)), "result " + i + " with " + extra);
    }
    float[] y = Products.read(direct.results.get(0));
    int finite = 0;
    for (float value : y) {
      finite += Float.isFinite(value) ? 1 : 0;
    }
    // The first example has the extra value, and not every output keeps it.
    assertTrue(finite > y.length - y.length / direct.batch, finite + " finite results");
    assertEquals(Float.isFinite(extra), finite == y.length, "with " + extra);
  }

  /** A matrix, its operands and its products. */
  private static final class Products implements AutoCloseable {
    private final List<Tensor> owned = new ArrayList<>();
    private final int batch;
    private final KofNMatrix matrix;
    private final Tensor x;
    private final Tensor dy;
    private final List<Tensor> results;

    Products(Device device, int block, DType type, int batch) {
      this.batch = batch;
      int in = 8 * block + 40;
      int out = 3 * block + 30;
      KofNLayout layout = new KofNLayout(out, in, block, block, 4);
      Tensor weights = keep(device.zeros(type, out, in));
      load(device, weights, normal(out * in, 1));
      Tensor logits = keep(device.zeros(DType.F32, layout.blockRows(), layout.blockColumns()));
      matrix = KofNMatrix.inPlace(layout, weights);
      try (Selection drawn = GumbelTopK.of(4).draw(logits, DrawKey.of(5, 0))) {
        matrix.select(drawn);
      }
      x = keep(device.zeros(type, batch, in));
      dy = keep(device.zeros(type, batch, out));
      results =
          List.of(
              keep(device.zeros(type, batch, out)),
              keep(device.zeros(type, batch, in)),
              keep(device.zeros(DType.F32, out, in)),
              logits);
    }

    private Tensor keep(Tensor tensor) {
      owned.add(tensor);
      return tensor;
    }

    /** The first example's inputs end with one value: an input that some outputs keep. */
    void fill(float extra) {
      float[] values = normal((int) x.size(), 2);
      int in = (int) (x.size() / batch);
      values[in - 1] = extra;
      load(matrix.values().device(), x, values);
      load(matrix.values().device(), dy, normal((int) dy.size(), 3));
    }

    void run() {
      Forward forward = matrix.multiply(x, results.get(0), Epilogue.NONE);
      matrix.inputGradient(forward, dy, results.get(1));
      matrix.weightGradient(forward, dy, results.get(2));
      matrix.maskGradient(forward, dy, results.get(3));
    }

    private static void load(Device device, Tensor target, float[] values) {
      try (Tensor floats =
          device.tensorOf(values, values.length / target.shape()[1], target.shape()[1])) {
        target.convertFrom(floats);
      }
    }

    static float[] read(Tensor tensor) {
      try (Tensor floats = tensor.device().zeros(DType.F32, tensor.shape())) {
        floats.convertFrom(tensor);
        return floats.toFloats();
      }
    }

    private static float[] normal(int size, long seed) {
      SplittableRandom random = new SplittableRandom(seed);
      float[] values = new float[size];
      for (int i = 0; i < size; i++) {
        values[i] = (float) random.nextGaussian();
      }
      return values;
    }

    @Override
    public void close() {
      matrix.close();
      owned.forEach(Tensor::close);
    }
  }
}
