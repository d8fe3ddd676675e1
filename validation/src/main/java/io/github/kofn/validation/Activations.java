// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.validation;

import io.github.kofn.sparse.Activation;

/** Activation functions and their derivatives, in double. */
final class Activations {
  private Activations() {}

  static double value(Activation activation, double z) {
    return switch (activation) {
      case IDENTITY -> z;
      case RELU -> Math.max(z, 0);
      case GELU -> z * normalCdf(z);
      case SILU -> z * sigmoid(z);
    };
  }

  static double derivative(Activation activation, double z) {
    return switch (activation) {
      case IDENTITY -> 1;
      case RELU -> z > 0 ? 1 : 0;
      case GELU -> normalCdf(z) + z * normalDensity(z);
      case SILU -> sigmoid(z) * (1 + z * (1 - sigmoid(z)));
    };
  }

  /** The largest slope: by how much an error in z can grow. */
  static double steepest(Activation activation) {
    return switch (activation) {
      case IDENTITY, RELU -> 1;
      case GELU -> 1.13;
      case SILU -> 1.1;
    };
  }

  private static double sigmoid(double z) {
    return 1 / (1 + Math.exp(-z));
  }

  private static double normalDensity(double z) {
    return Math.exp(-z * z / 2) / Math.sqrt(2 * Math.PI);
  }

  /**
   * Within 1e-15: the series of G. Marsaglia, "Evaluating the normal distribution", Journal of
   * Statistical Software 11 (2004).
   */
  static double normalCdf(double z) {
    if (Math.abs(z) > 8) {
      return z > 0 ? 1 : 0;
    }
    double term = z;
    double sum = z;
    for (int i = 3; Math.abs(term) > 1e-17 * Math.abs(sum); i += 2) {
      term *= z * z / i;
      sum += term;
    }
    return 0.5 + sum * normalDensity(z);
  }
}
