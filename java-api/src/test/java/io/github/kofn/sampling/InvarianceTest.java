// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.sampling;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.abort;

import io.github.kofn.Backend;
import io.github.kofn.DType;
import io.github.kofn.Device;
import io.github.kofn.Stream;
import io.github.kofn.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What must not show in a draw does not, and entries are drawn as often as they should be. */
class InvarianceTest {
  private static final DrawKey KEY = new DrawKey(0x1234_5678_9abcL, 7, 3, 1L << 31);
  private static final int ROWS = 7;

  /** A standard normal exceeds this in magnitude with probability 2e-7. */
  private static final double Z_LIMIT = 5.2;

  private static Device open(Backend backend) {
    Device.unavailableReason(backend).ifPresent(reason -> abort(backend.label() + ": " + reason));
    return Device.open(backend);
  }

  private static float[] normal(int size, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    float[] values = new float[size];
    for (int i = 0; i < size; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }

  private static int[] draw(Device device, float[] logits, int rows, int k, DrawKey key) {
    try (Tensor tensor = device.tensorOf(logits, rows, logits.length / rows);
        Selection drawn = GumbelTopK.of(k).withOrder(Order.KEY).draw(tensor, key)) {
      return drawn.indices().toInts();
    }
  }

  private static int[] expected(float[] logits, int rows, int k) {
    try (Device reference = Device.open(Backend.REFERENCE)) {
      return draw(reference, logits, rows, k, KEY);
    }
  }

  /** Each row alone, in any order, as the row of the whole that it is. */
  @ParameterizedTest
  @EnumSource
  void rowsMayBeDrawnAloneAndInAnyOrder(Backend backend) {
    try (Device device = open(backend)) {
      for (int n : new int[] {5, 130, 9000}) {
        float[] logits = normal(ROWS * n, n);
        int[] whole = expected(logits, ROWS, 4);
        assertArrayEquals(whole, draw(device, logits, ROWS, 4, KEY));
        for (int i = 0; i < ROWS; i++) {
          int row = i * 3 % ROWS;
          float[] alone = Arrays.copyOfRange(logits, row * n, (row + 1) * n);
          assertArrayEquals(
              Arrays.copyOfRange(whole, row * 4, row * 4 + 4),
              draw(device, alone, 1, 4, KEY.fromRow(KEY.firstRow() + row)),
              "row " + row + " of " + n);
        }
      }
    }
  }

  /** Every kernel family, so every grid, that takes rows of a length. */
  @ParameterizedTest
  @ValueSource(strings = {"group", "block", "stream"})
  void theGridDoesNotShow(String regime) {
    System.setProperty("kofn.cuda.regime", regime);
    try (Device device = open(Backend.SIMULATED)) {
      for (int n : new int[] {9, 200, 900, 3000}) {
        float[] logits = normal(ROWS * n, 3L * n);
        assertArrayEquals(
            expected(logits, ROWS, 5), draw(device, logits, ROWS, 5, KEY), regime + ", n " + n);
      }
    } finally {
      System.clearProperty("kofn.cuda.regime");
    }
  }

  /**
   * The simulated device runs warps, blocks and streams in another order at every launch: as many
   * times as the system property kofn.test.schedules says. KOFN_SIM_SEED in the environment chooses
   * the orders.
   */
  @Test
  void theScheduleDoesNotShow() {
    float[] logits = normal(ROWS * 3000, 17);
    int[] whole = expected(logits, ROWS, 40);
    float[] first = null;
    try (Device device = open(Backend.SIMULATED);
        Stream stream = device.newStream();
        Tensor tensor = device.tensorOf(logits, ROWS, 3000);
        Tensor soft = device.zeros(DType.F32, ROWS, 3000);
        Selection drawn = GumbelTopK.of(40).withOrder(Order.KEY).draw(tensor, KEY.atStep(9))) {
      for (int i = 0; i < Integer.getInteger("kofn.test.schedules", 3); i++) {
        stream.run(
            () -> {
              drawn.sampler().draw(tensor, KEY, drawn);
              RelaxedTopK.of(0.3f).relax(tensor, drawn, soft);
            });
        assertArrayEquals(whole, drawn.indices().toInts());
        first = first == null ? soft.toFloats() : first;
        assertArrayEquals(first, soft.toFloats());
      }
    }
  }

  /** The known answer of Random123 for counter and key 0, through the noise that is drawn with. */
  @ParameterizedTest
  @EnumSource
  void thePhiloxAnswerIsKnown(Backend backend) {
    int[] words = {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8};
    GumbelTopK all = GumbelTopK.of(4).withOutputs(Output.KEYS);
    try (Device device = open(backend);
        Tensor zeros = device.zeros(DType.F32, 1, 4);
        Selection drawn = all.draw(zeros, DrawKey.of(0, 0))) {
      float[] keys = drawn.get(Output.KEYS).toFloats();
      for (int i = 0; i < 4; i++) {
        assertEquals(Gumbel.of(words[i]), keys[i], "word " + i);
      }
    }
  }

  /** All keys of a row are its noise, bit for bit what the map from words to noise says. */
  @ParameterizedTest
  @EnumSource
  void theNoiseIsTheMapOfItsWords(Backend backend) {
    int n = 4096;
    GumbelTopK all = GumbelTopK.of(n).withOutputs(Output.KEYS);
    try (Device device = open(backend);
        Tensor zeros = device.zeros(DType.F32, 2, n);
        Selection drawn = all.draw(zeros, KEY)) {
      float[] keys = drawn.get(Output.KEYS).toFloats();
      for (int i = 0; i < keys.length; i++) {
        long row = KEY.firstRow() + i / n;
        int word = Philox.word(KEY.seed(), KEY.stream(), KEY.step(), row, i % n);
        assertEquals(Gumbel.of(word), keys[i]);
      }
    }
  }

  /**
   * Of n = 129280 entries one stands out by a gap: it is drawn with probability e^gap / (e^gap + n
   * - 1).
   */
  @ParameterizedTest
  @ValueSource(ints = {10, 12, 15})
  void theTailOfTheNoiseHasItsMass(int gap) {
    int n = 129280;
    int rows = 100;
    int batches = Integer.getInteger("kofn.test.tail", 10);
    float[] values = new float[rows * n];
    for (int row = 0; row < rows; row++) {
      values[row * n + 77] = gap;
    }
    int hits = 0;
    try (Device device = Device.open(Backend.CPU);
        Tensor logits = device.tensorOf(values, rows, n);
        Selection drawn = GumbelTopK.of(1).draw(logits, KEY)) {
      for (int batch = 0; batch < batches; batch++) {
        GumbelTopK.of(1).draw(logits, KEY.atStep(batch), drawn);
        for (int column : drawn.indices().toInts()) {
          hits += column == 77 ? 1 : 0;
        }
      }
    }
    double p = Math.exp(gap) / (Math.exp(gap) + n - 1);
    double trials = (double) rows * batches;
    double z = (hits - trials * p) / Math.sqrt(trials * p * (1 - p));
    assertTrue(
        Math.abs(z) < Z_LIMIT, hits + " of " + trials + ", expected " + trials * p + ", z = " + z);
  }

  /** Counts of every entry against the exact inclusion probabilities of Plackett-Luce. */
  @ParameterizedTest
  @EnumSource
  void entriesAreDrawnAsOftenAsTheyShould(Backend backend) {
    int rows = backend == Backend.SIMULATED ? 4000 : 40_000;
    double[] weights = {8, 4, 2, 1, 1, .5, .25};
    double[] inclusion = new double[7];
    enumerate(weights, 4, new boolean[7], Arrays.stream(weights).sum(), 1, inclusion);
    float[] logits = new float[rows * 7];
    for (int i = 0; i < logits.length; i++) {
      logits[i] = (float) Math.log(weights[i % 7]);
    }
    int[] counts = new int[7];
    try (Device device = open(backend)) {
      for (int column : draw(device, logits, rows, 4, DrawKey.of(2024, 5))) {
        counts[column]++;
      }
    }
    for (int i = 0; i < 7; i++) {
      double p = inclusion[i];
      double z = (counts[i] - rows * p) / Math.sqrt(rows * p * (1 - p));
      assertTrue(Math.abs(z) < Z_LIMIT, "column " + i + ": z = " + z);
    }
  }

  /** Adds the probabilities of all ordered draws. */
  private static void enumerate(
      double[] w, int k, boolean[] drawn, double left, double probability, double[] inclusion) {
    for (int i = 0; k > 0 && i < w.length; i++) {
      if (!drawn[i]) {
        double p = probability * w[i] / left;
        inclusion[i] += p;
        drawn[i] = true;
        enumerate(w, k - 1, drawn, left - w[i], p, inclusion);
        drawn[i] = false;
      }
    }
  }

  /** More than 2^32 elements in all, in some 9 GB of native memory: on demand. */
  @Test
  @EnabledIfSystemProperty(named = "kofn.test.huge", matches = "true")
  void elementsBeyondThirtyTwoBitsAreDrawn() {
    int n = 65_536;
    int rows = (int) ((1L << 32) / n) + 3;
    try (Device device = Device.open(Backend.CPU);
        Tensor logits = device.zeros(DType.BF16, rows, n)) {
      MemorySegment all = logits.segment();
      // One entry a row stands out by 100, more than the noise can.
      for (long row = 0; row < rows; row++) {
        all.setAtIndex(ValueLayout.JAVA_SHORT, row * n + row * 31 % n, (short) 0x42c8);
      }
      try (Selection drawn = GumbelTopK.of(1).draw(logits, DrawKey.of(1, 1))) {
        int[] columns = drawn.indices().toInts();
        for (int row = 0; row < rows; row++) {
          assertEquals((int) (row * 31L % n), columns[row], "row " + row);
        }
      }
    }
  }
}
