// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import java.util.Arrays;

/**
 * A search for the thresholds of many rows at once, among the places of floats in the order of all
 * floats, and what the rows before say about where to begin. A row's threshold is bracketed by a
 * low end that at least k keys reach and a high end that fewer reach.
 */
final class SamplingSearch {
  static final int LOWEST = SamplingThreshold.ordinal(Float.NEGATIVE_INFINITY);
  static final int HIGHEST = SamplingThreshold.ordinal(Float.POSITIVE_INFINITY) + 1;
  private static final int ROWS = SamplingScratch.BLOCK;
  private static final float UNKNOWN = 1;

  /** Passes by interpolation, before every second one halves the brackets. */
  private static final int PATIENCE = 10;

  /** What was found. */
  final float[] thresholds = new float[ROWS];

  /** The ends of the brackets, and how many keys reach them. */
  final int[] low = new int[ROWS];

  final int[] lowCounts = new int[ROWS];
  final int[] high = new int[ROWS];
  final int[] highCounts = new int[ROWS];

  /** What is tried, and how many keys reach it. */
  final int[] trials = new int[ROWS];

  final int[] counts = new int[ROWS];

  /** A group's keys as places, and its greatest, to insert into. */
  final int[] ordinals = new int[ROWS + 4 * SamplingSoftmax.LANES];

  final int[] top = new int[ROWS];

  /** Groups of which all rows are done: the low end is the threshold. */
  final boolean[] done = new boolean[ROWS];

  /** Whether the next trials halve the brackets. */
  boolean halve;

  /** How far the next trials go for a factor of 2 in counts, while a bracket has an open end. */
  float step;

  private final int[] firstCounts = new int[SamplingSoftmax.LANES];
  private int passes;
  private Object draw;
  private float seed;

  /** The distance over which a count falls by a factor of 2. */
  private float scale;

  /** Forgets the rows of another draw. */
  void begin(Object next) {
    if (draw != next) {
      draw = next;
      seed = 0;
      scale = UNKNOWN;
    }
  }

  /** Opens all brackets and tries the seed. */
  void start(int rows, int columns, int groups) {
    Arrays.fill(low, 0, rows, LOWEST);
    Arrays.fill(high, 0, rows, HIGHEST);
    Arrays.fill(lowCounts, 0, rows, columns);
    Arrays.fill(highCounts, 0, rows, 0);
    Arrays.fill(trials, 0, rows, SamplingThreshold.ordinal(seed));
    Arrays.fill(done, 0, groups, false);
    passes = 0;
    step = scale;
    halve = false;
  }

  /** Prepares the next pass, unless all rows are done. */
  boolean next(int groups) {
    if (passes == 0) {
      System.arraycopy(counts, 0, firstCounts, 0, firstCounts.length);
    }
    passes++;
    step *= 2;
    halve = passes > PATIENCE && passes % 2 == 0;
    for (int g = 0; g < groups; g++) {
      if (!done[g]) {
        return true;
      }
    }
    return false;
  }

  /** Learns from those rows of the first group that have k keys. */
  void learn(int lanes, int k) {
    float sum = 0;
    float moved = 0;
    float foretold = 0;
    int rows = 0;
    for (int r = 0; r < lanes; r++) {
      if (Float.isFinite(thresholds[r])) {
        sum += thresholds[r];
        moved += Math.abs(thresholds[r] - seed);
        foretold += Math.abs(log2(firstCounts[r] + 0.5f) - log2(k + 0.5f));
        rows++;
      }
    }
    if (rows > 0 && Float.isFinite(sum)) {
      seed = sum / rows;
      scale = moved / foretold;
      scale = scale > 0 && scale < Float.MAX_VALUE ? scale : UNKNOWN;
    }
  }

  /** Within 0.09. */
  private static float log2(float value) {
    return (Float.floatToRawIntBits(value) - Float.floatToRawIntBits(1)) * 0x1p-23f;
  }
}
