// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.validation;

import java.util.Arrays;

/**
 * Collects how far computed values are from what they must be. Of values with bounds it keeps the
 * one that is worst in relation to its bound; of exact values it counts those that differ.
 */
final class Agreement {
  private double error;
  private double bound;
  private double worst = -1;
  private long different;
  private String detail;
  private long fingerprint = 1;

  /** Requires equal integers. */
  void exactly(String what, int[] expected, int[] actual) {
    requireLength(what, expected.length, actual.length);
    for (int i = 0; i < Math.min(expected.length, actual.length); i++) {
      if (expected[i] != actual[i]) {
        differ(what, i, Integer.toString(expected[i]), Integer.toString(actual[i]));
      }
    }
    mix(Arrays.hashCode(actual));
  }

  /** Requires equal bits, of numbers as well as of NaN. */
  void sameBits(String what, float[] expected, float[] actual) {
    requireLength(what, expected.length, actual.length);
    for (int i = 0; i < Math.min(expected.length, actual.length); i++) {
      if (Float.floatToIntBits(expected[i]) != Float.floatToIntBits(actual[i])) {
        differ(what, i, bits(expected[i]), bits(actual[i]));
      }
    }
    mix(Arrays.hashCode(actual));
  }

  /** Requires each value to lie within its own bound; NaN and infinities must be met exactly. */
  void within(String what, double[] expected, double[] bounds, float[] actual) {
    requireLength(what, expected.length, actual.length);
    for (int i = 0; i < Math.min(expected.length, actual.length); i++) {
      compare(what, i, expected[i], bounds[i], actual[i]);
    }
    mix(Arrays.hashCode(actual));
  }

  /** Records a violation that is no number. */
  void fail(String why) {
    different++;
    note(why);
  }

  private void compare(String what, int i, double expected, double allowed, float actual) {
    if (!Double.isFinite(expected)) {
      if (Double.compare(expected, actual) != 0) {
        differ(what, i, Double.toString(expected), Float.toString(actual));
      }
      return;
    }
    if (!Float.isFinite(actual) || Double.isNaN(allowed)) {
      differ(what, i, expected + " +- " + allowed, Float.toString(actual));
      return;
    }
    double distance = Math.abs(expected - actual);
    double ratio = ratio(distance, allowed);
    if (ratio > worst) {
      worst = ratio;
      error = distance;
      bound = allowed;
    }
    if (ratio > 1) {
      note("%s[%d] is %s; expected %s +- %.3g".formatted(what, i, actual, expected, allowed));
    }
  }

  private void requireLength(String what, int expected, int actual) {
    if (expected != actual) {
      fail("%s has %d elements; expected %d".formatted(what, actual, expected));
    }
  }

  private void differ(String what, int i, String expected, String actual) {
    different++;
    note("%s[%d] is %s; expected %s".formatted(what, i, actual, expected));
  }

  private void note(String why) {
    if (detail == null) {
      detail = why;
    }
  }

  private void mix(int hash) {
    fingerprint = fingerprint * 0x9e3779b97f4a7c15L + hash;
  }

  private static String bits(float value) {
    return value + " (0x" + Integer.toHexString(Float.floatToRawIntBits(value)) + ")";
  }

  /** An error over its bound; 0 for no error at all. */
  static double ratio(double error, double bound) {
    return error == 0 ? 0 : error / bound;
  }

  /** A hash of every computed bit. */
  long fingerprint() {
    return fingerprint;
  }

  /** Whether everything agreed so far. */
  boolean ok() {
    return different == 0 && worst <= 1;
  }

  /** The worst value's error, or how many exact values differ. */
  double error() {
    return different > 0 ? different : error;
  }

  /** The worst value's bound, or 0 where exact values differ. */
  double bound() {
    return different > 0 ? 0 : bound;
  }

  /** The first disagreement, or an empty string. */
  String detail() {
    return detail == null ? "" : detail;
  }
}
