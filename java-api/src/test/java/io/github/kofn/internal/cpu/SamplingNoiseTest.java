// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The Gumbel map of every width of vectors, against hashes that an independent C program computed
 * (see the reference's NoiseTest).
 */
class SamplingNoiseTest {
  private static final long INPUTS = 1L << 31;
  private static final int BLOCK = 4096;

  @ParameterizedTest
  @ValueSource(ints = {1, 4, 8, 16})
  void everyThirtySecondInput(int lanes) {
    assertEquals(0x468e107a1c8c4811L, hash(lanes, 32));
  }

  /** All inputs, some ten seconds for each width. */
  @ParameterizedTest
  @ValueSource(ints = {1, 4, 8, 16})
  @EnabledIfSystemProperty(named = "kofn.test.full", matches = "true")
  void everyInput(int lanes) {
    assertEquals(0x738bd3acafe5987dL, hash(lanes, 1));
  }

  private static long hash(int lanes, int stride) {
    Assumptions.assumeTrue(lanes == 1 || Lanes.vectorsAvailable(), "no Vector API");
    SamplingNoise noise =
        lanes == 1
            ? new SamplingNoiseScalar()
            : Lanes.load(SamplingNoise.class, "SamplingNoiseVector", lanes);
    int[] words = new int[BLOCK + SamplingNoise.SLACK];
    float[] keys = new float[BLOCK + SamplingNoise.SLACK];
    long hash = 0xcbf29ce484222325L;
    for (long first = 0; first < INPUTS; first += (long) BLOCK * stride) {
      for (int i = 0; i < BLOCK; i++) {
        words[i] = (int) (first + (long) i * stride);
        keys[i] = -0.0f; // which leaves a zero's sign as it is
      }
      noise.addNoise(words, 0, 1, keys, 0, BLOCK);
      for (int i = 0; i < BLOCK; i++) {
        int bits = Float.floatToRawIntBits(keys[i]);
        hash = (hash ^ (bits & 0xffffffffL)) * 0x100000001b3L;
      }
    }
    return hash;
  }
}
