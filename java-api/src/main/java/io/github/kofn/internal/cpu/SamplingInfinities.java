// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

/**
 * Rows with +infinity: the limit in which all infinite entries grow alike. They share a softmax
 * evenly, and every finite entry's weight beside them is 0.
 */
final class SamplingInfinities {
  /** Beyond this distance even the exponential in double is 0, which happens at 745.2. */
  private static final double DISTANCE = 2000;

  private SamplingInfinities() {}

  /** Puts +infinity, if a row has it, at a finite distance above all other values. */
  static void lower(SamplingSoftmax softmax, float[] values, int from, int length, double tau) {
    boolean any = false;
    for (int i = from; i < from + length; i++) {
      any |= values[i] == Float.POSITIVE_INFINITY;
    }
    if (!any) {
      return;
    }
    float greatest = softmax.greatestFinite(values, from, length);
    float top = greatest > Float.NEGATIVE_INFINITY ? greatest : 0;
    float beyond = Math.max((float) (top + DISTANCE * tau), Math.nextUp(top));
    for (int i = from; i < from + length; i++) {
      values[i] = Math.min(values[i], beyond);
    }
  }
}
