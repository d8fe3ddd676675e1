// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.pruning;

import io.github.kofn.internal.Check;

/**
 * A value that changes from epoch to epoch along a straight line, such as the relaxation's
 * temperature. The values of the first and of the last epoch are exact.
 *
 * @param first the value of epoch 0, finite and above 0
 * @param last the value of epoch {@code epochs - 1} and of all later ones, finite and above 0
 * @param epochs the number of epochs, at least 1; with 1 the only epoch has the first value
 */
public record Schedule(float first, float last, int epochs) {

  /**
   * Checks the arguments.
   *
   * @throws IllegalArgumentException if one is out of its range
   */
  public Schedule {
    Check.finitePositive("first", first);
    Check.finitePositive("last", last);
    Check.atLeast("epochs", epochs, 1);
  }

  /**
   * The same value in every epoch.
   *
   * @param value the value, finite and above 0
   * @return the schedule
   */
  public static Schedule constant(float value) {
    return new Schedule(value, value, 1);
  }

  /**
   * A straight line, one step an epoch.
   *
   * @param first the value of epoch 0
   * @param last the value of epoch {@code epochs - 1}
   * @param epochs the number of epochs, at least 1
   * @return the schedule
   */
  public static Schedule linear(float first, float last, int epochs) {
    return new Schedule(first, last, epochs);
  }

  /**
   * The value of an epoch.
   *
   * @param epoch the epoch, counted from 0
   * @return the value
   */
  public float at(int epoch) {
    Check.atLeast("epoch", epoch, 0);
    if (epoch == 0) {
      return first;
    }
    if (epoch >= epochs - 1) {
      return last;
    }
    double part = epoch / (epochs - 1.0);
    return (float) (first * (1 - part) + last * part);
  }
}
