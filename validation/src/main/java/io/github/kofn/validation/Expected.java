// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.validation;

import io.github.kofn.Backend;
import io.github.kofn.Device;

/** The elements of a product, and how far a path may be from them. */
final class Expected {
  private final double[] values;
  private final double[] sumError;
  private final double[] otherError;
  private final boolean tensorCores;

  /**
   * Zeros without errors.
   *
   * @param size how many elements
   * @param tensorCores whether a GPU may have summed on tensor cores
   */
  Expected(int size, boolean tensorCores) {
    values = new double[size];
    sumError = new double[size];
    otherError = new double[size];
    this.tensorCores = tensorCores;
  }

  /** Whether a GPU may have summed on tensor cores. */
  boolean onTensorCores() {
    return tensorCores;
  }

  /** Sums in double. */
  double[] values() {
    return values;
  }

  /** The error of accumulating in F32, rounding to nearest. */
  double[] sumError() {
    return sumError;
  }

  /** The errors of everything else. */
  double[] otherError() {
    return otherError;
  }

  void set(int i, double value, double sum, double other) {
    values[i] = value;
    sumError[i] = sum;
    otherError[i] = other;
  }

  /** Compares what a device computed. */
  void compare(String what, Device device, float[] actual, Agreement agreement) {
    // Tensor cores truncate where they add, which costs up to a whole last digit instead of half.
    boolean truncates =
        tensorCores && (device.backend() == Backend.CUDA || device.backend() == Backend.SIMULATED);
    double[] bounds = new double[values.length];
    for (int i = 0; i < bounds.length; i++) {
      bounds[i] = sumError[i] * (truncates ? 2 : 1) + otherError[i];
    }
    agreement.within(what, values, bounds, actual);
  }
}
