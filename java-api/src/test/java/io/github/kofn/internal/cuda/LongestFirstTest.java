// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cuda;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.kofn.DType;
import io.github.kofn.Device;
import io.github.kofn.Graph;
import io.github.kofn.Tensor;
import io.github.kofn.internal.cuda.ProductPlan.Regime;
import io.github.kofn.internal.cuda.ProductProblem.Operation;
import io.github.kofn.internal.kernels.Buffer;
import io.github.kofn.sampling.DrawKey;
import io.github.kofn.sampling.GumbelTopK;
import io.github.kofn.sampling.Selection;
import io.github.kofn.sparse.Epilogue;
import io.github.kofn.sparse.Forward;
import io.github.kofn.sparse.KofNLayout;
import io.github.kofn.sparse.KofNMatrix;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/**
 * Input gradients whose longest columns come first, of a pattern with a column that every row keeps
 * and one that none does. The order of columns decides when a result is computed, not how.
 */
class LongestFirstTest {
  private static final int BLOCK = 64;
  private static final int ROWS = 32;
  private static final int COLUMNS = 16;
  private static final int KEPT = 4;

  /** Examples of a product that fills the device once, and of one that has many more blocks. */
  private static final int FEW = 128;

  private static final int MANY = 7 * FEW + 40;

  private static final KofNLayout LAYOUT =
      new KofNLayout(ROWS * BLOCK, COLUMNS * BLOCK, BLOCK, BLOCK, KEPT);

  @Test
  void theOrderOfColumnsChangesNoBit() throws IOException {
    try (Device device = SimulatedDevice.open();
        Tensor weights = half(device, ROWS * BLOCK, COLUMNS * BLOCK, 1);
        KofNMatrix matrix = KofNMatrix.inPlace(LAYOUT, weights);
        Tensor logits = device.tensorOf(logits(), ROWS, COLUMNS)) {
      try (Selection drawn = GumbelTopK.of(KEPT).draw(logits, DrawKey.of(5, 0))) {
        matrix.select(drawn);
      }
      assertTrue(plan(MANY).longestFirst(), "many examples have no order");
      assertFalse(plan(FEW).longestFirst(), "few examples have an order");
      SimulatedDevice.resetCounters();
      float[] whole = gradient(device, matrix, 0, MANY);
      Map<String, Long> ordered = SimulatedDevice.counters("kofn_matmul_column_order");
      assertTrue(ordered.get("warpInstructions") > 0, "no order was made");
      for (int first = 0; first < MANY; first += FEW) {
        int examples = Math.min(FEW, MANY - first);
        float[] part = gradient(device, matrix, first, examples);
        int from = first * COLUMNS * BLOCK;
        assertArrayEquals(
            part, Arrays.copyOfRange(whole, from, from + part.length), "examples from " + first);
      }
      for (int i = 0; i < whole.length; i++) {
        boolean empty = i / BLOCK % COLUMNS == COLUMNS - 1;
        assertEquals(
            empty, whole[i] == 0 && Float.floatToRawIntBits(whole[i]) == 0, "element " + i);
      }
      assertEquals(List.of(), SimulatedDevice.reports());
    }
  }

  /** Longest first, of equals the first: {@code order[i]} is the column of rank i. */
  @Test
  void columnsAreRankedByTheLengthsOfTheirLists() {
    SplittableRandom random = new SplittableRandom(3);
    for (int columns : new int[] {1, 7, 32, 33, 200}) {
      int[] lengths = random.ints(columns, 0, 6).toArray(); // many are equal
      int[] starts = new int[columns + 1];
      Arrays.parallelSetAll(starts, i -> Arrays.stream(lengths, 0, i).sum());
      int[] expected =
          IntStream.range(0, columns)
              .boxed()
              .sorted(Comparator.comparingInt(c -> -lengths[c])) // stable
              .mapToInt(c -> c)
              .toArray();
      assertArrayEquals(expected, order(starts, columns), columns + " columns");
    }
    assertEquals(List.of(), SimulatedDevice.reports());
  }

  /** What the launch writes. */
  private static int[] order(int[] starts, int columns) {
    KernelImages images = KernelImages.find().orElseThrow();
    try (CudaContext context = new CudaContext(SimulatedDevice.driver(), 0, images, true);
        Arena arena = Arena.ofConfined()) {
      Buffer source = context.allocate(4L * starts.length);
      Buffer target = context.allocate(4L * columns);
      for (int i = 0; i < starts.length; i++) {
        for (int b = 0; b < 4; b++) {
          context.fill(source, 4L * i + b, 1, (starts[i] >> (8 * b)) & 0xff);
        }
      }
      context.launch(
          "kofn_matmul_column_order",
          Math.ceilDiv(columns, 8),
          1,
          256,
          p -> {
            p.struct().putLong(source.address());
            p.struct().putLong(target.address());
            p.struct().putInt(columns);
          });
      context.synchronize();
      MemorySegment read = arena.allocate(JAVA_INT, columns);
      context.copyOut(target, 0, read);
      context.synchronize();
      context.release(source);
      context.release(target);
      return read.toArray(JAVA_INT);
    }
  }

  /** Every row keeps the first column, none the last. */
  private static float[] logits() {
    float[] logits = new float[ROWS * COLUMNS];
    for (int r = 0; r < ROWS; r++) {
      logits[r * COLUMNS] = 1e6f;
      logits[r * COLUMNS + COLUMNS - 1] = -1e6f;
    }
    return logits;
  }

  private static ProductPlan.Tensor plan(int batch) throws IOException {
    try (InputStream in =
        CudaProvider.class.getResourceAsStream("/META-INF/kofn/matmul/catalogue.inc")) {
      ProductProblem problem =
          new ProductProblem(
              Operation.INPUT_GRADIENT, LAYOUT, batch, DType.BF16, DType.BF16, false);
      DeviceLimits limits = new DeviceLimits(108, 40 << 20);
      return assertInstanceOf(
          ProductPlan.Tensor.class,
          ProductPlan.choose(ProductCatalogue.parse(in), problem, limits, Regime.AUTO));
    }
  }

  private static float[] gradient(Device device, KofNMatrix matrix, int first, int examples) {
    try (Tensor x = device.zeros(DType.BF16, examples, COLUMNS * BLOCK);
        Tensor dy = half(device, examples, ROWS * BLOCK, 100 + first);
        Tensor y = device.zeros(DType.BF16, examples, ROWS * BLOCK);
        Tensor dx = device.zeros(DType.F32, examples, COLUMNS * BLOCK)) {
      Forward forward = matrix.multiply(x, y, Epilogue.NONE);
      matrix.inputGradient(forward, dy, dx);
      float[] direct = dx.toFloats();
      if (examples == MANY) {
        checkReplay(device, () -> matrix.inputGradient(forward, dy, dx), dx, direct);
      }
      return direct;
    }
  }

  private static void checkReplay(Device device, Runnable product, Tensor dx, float[] direct) {
    try (Graph graph = device.capture(product)) {
      float[] other = new float[direct.length];
      Arrays.fill(other, -1);
      dx.copyFrom(other);
      graph.launch();
      assertArrayEquals(direct, dx.toFloats(), "replayed");
    }
  }

  /** Random values; row r of a seed is row 0 of seed + r. */
  private static Tensor half(Device device, int rows, int columns, int seed) {
    float[] values = new float[rows * columns];
    for (int r = 0; r < rows; r++) {
      SplittableRandom random = new SplittableRandom(seed + r);
      for (int c = 0; c < columns; c++) {
        values[r * columns + c] = (float) random.nextGaussian();
      }
    }
    Tensor target = device.zeros(DType.BF16, rows, columns);
    try (Tensor floats = device.tensorOf(values, rows, columns)) {
      target.convertFrom(floats);
    }
    return target;
  }
}
