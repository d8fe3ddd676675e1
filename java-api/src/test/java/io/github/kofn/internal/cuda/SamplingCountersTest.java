// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cuda;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.kofn.Device;
import io.github.kofn.Tensor;
import io.github.kofn.sampling.DrawKey;
import io.github.kofn.sampling.GumbelTopK;
import io.github.kofn.sampling.Selection;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * What a draw moves and executes on the simulated device, against the floors of
 * cuda-kernels/README.md: counts, not times. {@code -Dkofn.test.counters=true} prints the table
 * that stands there; without, the shorter shapes alone are checked.
 */
class SamplingCountersTest {
  private static final boolean PRINT = Boolean.getBoolean("kofn.test.counters");

  /**
   * Bounds are on issued instructions an element, warp instructions times 32, of the PTX without
   * moves and loads of parameters: ptxas makes operands of those.
   */
  @ParameterizedTest
  @CsvSource({
    "512, 64, 8, 115, 84",
    "256, 256, 26, 98, 70",
    "64, 1024, 102, 91, 60",
    "64, 784, 78, 108, 74",
    "16, 2450, 49, 107, 75",
    "16, 4096, 409, 100, 70",
    "64, 32768, 3277, 101, 82",
    "4, 131072, 50, 120, 90",
    "4, 131072, 13107, 150, 150",
  })
  void aDrawStaysNearItsFloor(int rows, int n, int k, double exactMost, double most) {
    assumeTrue(PRINT || (long) rows * n <= 1 << 16);
    try {
      System.setProperty("kofn.cuda.keys", "exact");
      check(rows, n, k, "exact", exactMost);
    } finally {
      System.clearProperty("kofn.cuda.keys");
    }
    check(rows, n, k, "auto", most);
  }

  private static void check(int rows, int n, int k, String keys, double most) {
    Map<String, Long> c = count(rows, n, k);
    double elements = (double) rows * n;
    double floor = 4 + 4.0 * k / n;
    double dram = (c.get("dramReadBytes") + c.get("dramWriteBytes")) / elements;
    double issued = 32 * c.get("warpInstructions") / elements;
    double operands = 32 * (c.get("warp:move") + c.get("warp:parameter")) / elements;
    double loads = (double) c.get("globalLoadSectors") / c.get("globalLoadRequests");
    double stores = (double) c.get("globalStoreSectors") / c.get("globalStoreRequests");
    if (PRINT) {
      System.out.printf(
          "| %d, %d, %d | %s | %.2f | %.2f | %.0f | %.1f | %.1f | %.1f |%n",
          rows, n, k, keys, dram, dram / floor, issued, issued - operands, loads, stores);
    }
    // The streaming passes move survivors too, and every launch begins with a cold cache.
    assertTrue(dram <= (n <= 32768 ? 1.05 : 2.2) * floor, "DRAM bytes an element: " + dram);
    assertTrue(
        issued - operands <= most,
        "%s keys, %d x %d: %.1f instructions an element, allowed %.0f"
            .formatted(keys, rows, n, issued - operands, most));
  }

  private static Map<String, Long> count(int rows, int n, int k) {
    SplittableRandom random = new SplittableRandom(1);
    float[] logits = new float[rows * n];
    for (int i = 0; i < logits.length; i++) {
      logits[i] = 0.01f * (float) random.nextGaussian();
    }
    try (Device device = SimulatedDevice.open();
        Tensor phi = device.tensorOf(logits, rows, n);
        Selection drawn = GumbelTopK.of(k).draw(phi, DrawKey.of(1, 0))) {
      SimulatedDevice.resetCounters();
      GumbelTopK.of(k).draw(phi, DrawKey.of(1, 1), drawn);
      return SimulatedDevice.counters("*");
    }
  }
}
