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

  @ParameterizedTest
  @ValueSource(ints = {4, 8, 16})
  void batchesHoldTheSameRowsAsOneByOne(int lanes) {
    SamplingNoise noise = load(SamplingNoise.class, "SamplingNoiseVector", null, lanes);
    SamplingSelection selection =
        load(SamplingSelection.class, "SamplingSelectionVector", null, lanes);
    SamplingSelection scalar = new SamplingSelectionScalar();
    RandomGenerator random = RandomGenerator.of("L64X128MixRandom");
    int rows = lanes - 1;
    int stride = 64;
    int length = 64;
    int k = 5;
    int[] words = new int[rows * stride + SLACK];
    float[] logits = new float[rows * stride + SLACK];
    for (int i = 0; i < rows * stride; i++) {
      words[i] = random.nextInt() >>> 1;
      logits[i] = (float) random.nextGaussian();
    }
    SamplingLists expected = new SamplingLists(rows * stride);
    SamplingLists got = new SamplingLists(rows * stride);
    new SamplingNoiseScalar().filterRows(words, logits, rows, stride, 1, 1.5f, expected, 0);
    noise.filterRows(words, logits, rows, stride, 1, 1.5f, got, 0);
    float[] keys = new float[lanes * length];
    float[] gotKeys = new float[lanes * length];
    scalar.spread(expected, lanes, length, keys);
    selection.spread(got, lanes, length, gotKeys);
    assertArrayEquals(keys, gotKeys);
    // Between the k-th greatest logit of a list and the next, but in every third row.
    float[] thresholds = new float[rows];
    for (int r = 0; r < rows; r++) {
      float[] sorted = Arrays.copyOfRange(keys, r * length, (r + 1) * length);
      Arrays.sort(sorted);
      thresholds[r] = sorted[length - k - (r % 3 == 2 ? 1 : 0)];
    }
    int[] columns = new int[rows * k + length + SLACK];
    int[] gotColumns = new int[rows * k + length + SLACK];
    int wrong = scalar.pick(expected, keys, length, thresholds, k, columns);
    assertEquals(0b100100100100100 & (1 << rows) - 1, wrong);
    assertEquals(wrong, selection.pick(got, gotKeys, length, thresholds, k, gotColumns));
    assertArrayEquals(Arrays.copyOf(columns, rows * k), Arrays.copyOf(gotColumns, rows * k));
    float[] picked = new float[rows * k + length + SLACK];
    float[] gotPicked = new float[rows * k + length + SLACK];
    scalar.pickKeys(expected, keys, length, thresholds, k, picked);
    selection.pickKeys(got, gotKeys, length, thresholds, k, gotPicked);
    assertArrayEquals(Arrays.copyOf(picked, rows * k), Arrays.copyOf(gotPicked, rows * k));
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
