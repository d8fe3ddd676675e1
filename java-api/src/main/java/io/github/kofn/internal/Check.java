// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal;

/** Argument checks whose messages name the argument, its value and what is allowed. */
public final class Check {
  private Check() {}

  /** The value, if it is at least {@code minimum}. */
  public static long atLeast(String name, long value, long minimum) {
    if (value < minimum) {
      throw new IllegalArgumentException(name + " is " + value + "; allowed: at least " + minimum);
    }
    return value;
  }

  /** The value, if it lies in [minimum, maximum]. */
  public static long range(String name, long value, long minimum, long maximum) {
    if (value < minimum || value > maximum) {
      throw new IllegalArgumentException(
          name + " is " + value + "; allowed: " + minimum + " to " + maximum);
    }
    return value;
  }

  /** The value, if it is finite and at least {@code minimum}. */
  public static float finiteAtLeast(String name, float value, float minimum) {
    if (!(value >= minimum) || Float.isInfinite(value)) {
      throw new IllegalArgumentException(
          name + " is " + value + "; allowed: finite and at least " + minimum);
    }
    return value;
  }

  /** The value, if it is finite and above 0. */
  public static float finitePositive(String name, float value) {
    if (!(value > 0) || Float.isInfinite(value)) {
      throw new IllegalArgumentException(name + " is " + value + "; allowed: finite and above 0");
    }
    return value;
  }

  /** The value, if it is not null. */
  public static <T> T notNull(String name, T value) {
    if (value == null) {
      throw new IllegalArgumentException(name + " is null; allowed: anything but null");
    }
    return value;
  }

  /** Throws with the message if the condition does not hold. */
  public static void that(boolean condition, String message, Object... arguments) {
    if (!condition) {
      throw new IllegalArgumentException(message.formatted(arguments));
    }
  }
}
