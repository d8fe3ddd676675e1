// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import java.util.Arrays;

/**
 * Finds the k-th greatest of a row's keys by counting the keys above trial thresholds. The first
 * trials come from the row before, which only makes the search shorter: the answer is exact.
 *
 * <p>Trials interpolate between the counts at both ends of a bracket. Where that is slow, every
 * second trial halves the bracket in the order of the floats' bits, so at most about 70 passes are
 * made, whatever the keys.
 */
final class SamplingThreshold {
  private static final int PATIENCE = 8;
  private static final int SAMPLE = 64;
  private static final double LN_2 = Math.log(2);

  private final SamplingSelection selection;

  /** The threshold of the row before and the distance over which the count falls by a factor e. */
  private float seed = Float.NaN;

  private double scale = 1;
  private Object draw;

  SamplingThreshold(SamplingSelection selection) {
    this.selection = selection;
  }

  /** Forgets the rows of another draw. */
  void begin(Object next) {
    if (draw != next) {
      draw = next;
      seed = Float.NaN;
    }
  }

  /**
   * A threshold that exactly k keys reach, or the k-th greatest key where a tie forbids this; or
   * -infinity if fewer than k keys are above -infinity.
   *
   * @param k from 1
   */
  float find(float[] keys, int from, int length, int k) {
    if (length <= selection.few()) {
      return selection.kthGreatest(keys, from, length, k);
    }
    if (Float.isNaN(seed)) {
      seedBySample(keys, from, length, k);
    }
    long low = ordinal(Float.NEGATIVE_INFINITY);
    long high = ordinal(Float.POSITIVE_INFINITY) + 1L;
    int lowCount = length;
    int highCount = 0;
    boolean lowTried = false;
    boolean highTried = false;
    double step = scale;
    float trial = seed;
    for (int pass = 0; high - low > 1; pass++) {
      long at = ordinal(trial);
      if (!(at > low && at < high) || (pass > PATIENCE && pass % 2 == 0)) {
        at = low + (high - low) / 2;
        trial = value(at);
      }
      int count = selection.count(keys, from, length, trial);
      if (count == k) {
        remember(trial, low, high, lowCount, highCount, lowTried && highTried);
        return trial;
      }
      if (count > k) {
        low = at;
        lowCount = count;
        lowTried = true;
      } else {
        high = at;
        highCount = count;
        highTried = true;
      }
      if (lowTried && highTried) {
        double a = value(low);
        double b = value(high);
        trial = (float) (b + (a - b) * (k - highCount) / (lowCount - highCount));
      } else {
        double move = step * log((count + 0.5f) / (k + 0.5f));
        trial = (float) (trial + 1.25 * move);
        step *= 2;
      }
    }
    float found = value(low);
    if (found > Float.NEGATIVE_INFINITY) {
      seed = found;
    }
    return found;
  }

  private void seedBySample(float[] keys, int from, int length, int k) {
    float[] sample = new float[Math.min(SAMPLE, length)];
    for (int i = 0; i < sample.length; i++) {
      sample[i] = keys[from + (int) ((long) i * length / sample.length)];
    }
    Arrays.sort(sample);
    int above = (int) ((long) k * sample.length / (length + 1L));
    seed = sample[sample.length - 1 - above];
    float next = sample[Math.max(0, sample.length - 2 - 2 * above)];
    scale = usable(Math.abs((double) seed - next) / 2);
    if (!Float.isFinite(seed)) {
      seed = 0;
    }
  }

  private void remember(
      float trial, long low, long high, int lowCount, int highCount, boolean bracketed) {
    seed = trial;
    if (bracketed && highCount > 0) {
      double fall = log((float) lowCount / highCount);
      scale = usable(((double) value(high) - value(low)) / fall);
    }
  }

  /**
   * Takes the last of the least keys, which are all equal, out of a list, so that k stay.
   *
   * @param stride how far apart keys of adjacent columns are
   * @param columns lists k columns or more from {@code at} until before {@code end}
   */
  static void dropTies(float[] keys, int from, int stride, int[] columns, int at, int end, int k) {
    float least = Float.POSITIVE_INFINITY;
    int ties = 0;
    for (int i = at; i < end; i++) {
      float key = keys[from + columns[i] * stride];
      ties = key < least ? 1 : ties + (key == least ? 1 : 0);
      least = Math.min(key, least);
    }
    int stay = ties - (end - at - k);
    int to = at;
    for (int i = at; i < end; i++) {
      if (keys[from + columns[i] * stride] > least || stay-- > 0) {
        columns[to++] = columns[i];
      }
    }
  }

  /** The least of some keys. */
  static float least(float[] keys, int length) {
    float least = Float.POSITIVE_INFINITY;
    for (int i = 0; i < length; i++) {
      least = keys[i] < least ? keys[i] : least;
    }
    return least;
  }

  /** The natural logarithm within 40 %, which is enough to choose trials by. */
  private static double log(float value) {
    return (Float.floatToRawIntBits(value) - Float.floatToRawIntBits(1)) * (0x1p-23 * LN_2);
  }

  private static double usable(double scale) {
    return scale > 0 && scale < Float.MAX_VALUE ? scale : 1;
  }

  /** The position of a float among all floats; -0 comes right below 0. */
  static int ordinal(float value) {
    int bits = Float.floatToRawIntBits(value);
    return bits ^ (bits >> 31 & Integer.MAX_VALUE);
  }

  private static float value(long ordinal) {
    int bits = (int) ordinal;
    return Float.intBitsToFloat(bits ^ (bits >> 31 & Integer.MAX_VALUE));
  }
}
