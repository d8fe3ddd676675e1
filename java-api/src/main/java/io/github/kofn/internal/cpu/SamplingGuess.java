// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

/**
 * Guesses a level that slightly more than k of a row's keys are above, from the rows before. A
 * guess never decides what is drawn: where fewer than k keys are above it, the row is done again
 * without.
 *
 * <p>The guess lies a distance below the running mean of the k-th greatest keys. A row that was
 * done in vain makes the distance half as long again, and reach the row's own level, while every
 * other row takes a hundredth off: in the long run one row in 40 is done twice.
 */
final class SamplingGuess {
  private static final float SHARE = 1f / 8;
  private static final float NARROWING = 0.99f;
  private static final float WIDENING = 1.5f;
  private static final float BEYOND = 1.25f;

  private Object draw;
  private float mean;
  private float distance;
  private boolean known;

  /** Forgets the rows of another draw. */
  void begin(Object next, float noiseScale, int k) {
    if (draw == next) {
      return;
    }
    draw = next;
    known = false;
    // The count above a level falls by a factor of e a noise scale; 4 of its deviations are safe.
    distance = (float) (noiseScale * Math.log1p(4 / Math.sqrt(k)));
  }

  /** The level for the next row; -infinity if there is nothing to go by. */
  float next() {
    return known ? mean - distance : Float.NEGATIVE_INFINITY;
  }

  /** Learns a row's k-th greatest key, and whether the guess was below it. */
  void learn(float least, boolean below) {
    if (!Float.isFinite(least)) {
      return;
    }
    if (!known) {
      mean = least;
      known = true;
      return;
    }
    distance =
        below
            ? NARROWING * distance
            : Math.max(WIDENING * distance, BEYOND * Math.max(0, mean - least));
    mean += SHARE * (least - mean);
  }
}
