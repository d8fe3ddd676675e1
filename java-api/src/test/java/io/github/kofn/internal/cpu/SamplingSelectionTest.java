// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Arrays;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Selection and filters of every width of vectors, against sorting and one element at a time. */
class SamplingSelectionTest {
  private static final int SLACK = SamplingNoise.SLACK;
  private static final int LENGTH = 200;

  @ParameterizedTest
  @ValueSource(ints = {1, 4, 8, 16})
  void kthGreatestIsThatOfTheSortedKeys(int lanes) {
    SamplingSelection selection =
        load(
            SamplingSelection.class,
            "SamplingSelectionVector",
            new SamplingSelectionScalar(),
            lanes);
    RandomGenerator random = RandomGenerator.of("L64X128MixRandom");
    for (int length = 1; length <= 70; length++) {
      float[] keys = new float[3 + length + SLACK];
      Arrays.fill(keys, Float.NEGATIVE_INFINITY);
      for (int i = 0; i < length; i++) {
        // Few values, so that many are equal, infinities among them.
        int value = random.nextInt(12);
        keys[3 + i] = value == 0 ? Float.NEGATIVE_INFINITY : value == 1 ? 1e38f * 10 : -value;
      }
      float[] sorted = Arrays.copyOfRange(keys, 3, 3 + length);
      Arrays.sort(sorted);
      for (int k = 1; k <= length; k++) {
        assertEquals(sorted[length - k], selection.kthGreatest(keys, 3, length, k));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {4, 8, 16})
  void filtersListTheSameColumnsAsOneByOne(int lanes) {
    SamplingNoise noise = load(SamplingNoise.class, "SamplingNoiseVector", null, lanes);
    RandomGenerator random = RandomGenerator.of("L64X128MixRandom");
    int[] words = new int[LENGTH + SLACK];
    float[] logits = new float[LENGTH + SLACK];
    Arrays.fill(logits, Float.NEGATIVE_INFINITY);
    for (int i = 0; i < LENGTH; i++) {
      words[i] = random.nextInt() >>> 1;
      logits[i] = i == 50 ? Float.NaN : (float) random.nextGaussian();
    }
    for (float threshold : new float[] {Float.NEGATIVE_INFINITY, 0, 2, 6, 30}) {
      for (int length : new int[] {1, 17, 64, LENGTH}) {
        for (boolean sparse : new boolean[] {false, true}) {
          SamplingLists expected = new SamplingLists(LENGTH);
          SamplingLists got = new SamplingLists(LENGTH);
          int end =
              new SamplingNoiseScalar()
                  .filter(words, logits, 0, length, 1, threshold, 1000, sparse, expected, 2);
          int listed = noise.filter(words, logits, 0, length, 1, threshold, 1000, sparse, got, 2);
          assertSame(expected, end, got, listed, length);
        }
      }
    }
  }

  /** What lies behind the part is listed by vectors alone, and holds -infinity. */
  private static void assertSame(
      SamplingLists expected, int end, SamplingLists got, int listed, int length) {
    while (listed > end && got.columns[listed - 1] >= 1000 + length) {
      listed--;
    }
    assertEquals(end, listed);
    assertArrayEquals(
        Arrays.copyOfRange(expected.columns, 2, end), Arrays.copyOfRange(got.columns, 2, end));
    assertArrayEquals(
        Arrays.copyOfRange(expected.words, 2, end), Arrays.copyOfRange(got.words, 2, end));
    assertArrayEquals(
        Arrays.copyOfRange(expected.keys, 2, end), Arrays.copyOfRange(got.keys, 2, end));
  }

  private static <T> T load(Class<T> type, String vectors, T scalar, int lanes) {
    Assumptions.assumeTrue(lanes == 1 || Lanes.vectorsAvailable(), "no Vector API");
    return lanes == 1 ? scalar : Lanes.load(type, vectors, lanes);
  }
}
