// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import io.github.kofn.Backend;
import io.github.kofn.Device;
import io.github.kofn.Tensor;
import io.github.kofn.sampling.DrawKey;
import io.github.kofn.sampling.Gumbel;
import io.github.kofn.sampling.GumbelTopK;
import io.github.kofn.sampling.Philox;
import io.github.kofn.sampling.Selection;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Rows that approximate keys cannot decide: logits that cancel their own noise, so that all keys
 * lie closer together than the approximation errs, which here is as far as the PTX manual allows.
 */
class FastKeysTest {
  private static final int ROWS = 5;
  private static final DrawKey KEY = DrawKey.of(0x5eedL << 32 | 77, 3);

  @ParameterizedTest
  @CsvSource({"25, 5", "64, 8", "100, 50", "1000, 100", "3001, 30", "3001, 2900", "40000, 100"})
  void exactKeysDecideWhatApproximateOnesCannot(int n, int k) {
    float[] logits = new float[ROWS * n];
    SplittableRandom random = new SplittableRandom(n);
    int[] words = new int[4];
    for (int i = 0; i < logits.length; i++) {
      int column = i % n;
      Philox.words(KEY.seed(), column >>> 2, i / n, KEY.stream(), KEY.step(), words);
      logits[i] = random.nextInt(4) * 1e-6f - Gumbel.of(words[column & 3]);
    }
    int[] expected = draw(Device.open(Backend.REFERENCE), logits, n, k);
    try {
      SimulatedDevice.set("worst_approx", "1");
      assertArrayEquals(expected, draw(SimulatedDevice.open(), logits, n, k));
    } finally {
      SimulatedDevice.set("worst_approx", "0");
    }
  }

  private static int[] draw(Device device, float[] logits, int n, int k) {
    try (device;
        Tensor phi = device.tensorOf(logits, ROWS, n);
        Selection drawn = GumbelTopK.of(k).draw(phi, KEY)) {
      return drawn.indices().toInts();
    }
  }
}
