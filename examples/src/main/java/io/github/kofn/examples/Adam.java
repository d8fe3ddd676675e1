// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.examples;

/** Adam (Kingma and Ba, arXiv 1412.6980) with its usual constants: one instance a training run. */
final class Adam {
  private static final float BETA_1 = 0.9f;
  private static final float BETA_2 = 0.999f;
  private static final float EPSILON = 1e-8f;

  private int steps;

  /**
   * Begins a step; then {@link #step(float, float[], float[], float[], float[])} each parameter.
   */
  void next() {
    steps++;
  }

  int steps() {
    return steps;
  }

  void setSteps(int value) {
    steps = value;
  }

  /** Moves values against their gradient, and the running moments with it. */
  void step(float learningRate, float[] values, float[] gradient, float[] mean, float[] square) {
    double correction1 = 1 - Math.pow(BETA_1, steps);
    double correction2 = 1 - Math.pow(BETA_2, steps);
    float rate = (float) (learningRate * Math.sqrt(correction2) / correction1);
    float epsilon = (float) (EPSILON * Math.sqrt(correction2));
    for (int i = 0; i < values.length; i++) {
      float g = gradient[i];
      float m = mean[i] * BETA_1 + g * (1 - BETA_1);
      float v = square[i] * BETA_2 + g * g * (1 - BETA_2);
      mean[i] = m;
      square[i] = v;
      values[i] -= rate * m / ((float) Math.sqrt(v) + epsilon);
    }
  }
}
