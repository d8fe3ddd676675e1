// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class AdamTest {
  /** The paper's algorithm, in double and step by step. */
  @Test
  void followsThePaper() {
    Adam adam = new Adam();
    float[] values = {1, -2};
    float[] mean = new float[2];
    float[] square = new float[2];
    double[] expected = {1, -2};
    double[] m = new double[2];
    double[] v = new double[2];
    for (int t = 1; t <= 50; t++) {
      float[] gradient = {(float) Math.cos(t), values[1] * 3};
      adam.next();
      for (int i = 0; i < 2; i++) {
        m[i] = 0.9 * m[i] + 0.1 * gradient[i];
        v[i] = 0.999 * v[i] + 0.001 * gradient[i] * gradient[i];
        double unbiasedM = m[i] / (1 - Math.pow(0.9, t));
        double unbiasedV = v[i] / (1 - Math.pow(0.999, t));
        expected[i] -= 0.01 * unbiasedM / (Math.sqrt(unbiasedV) + 1e-8);
      }
      adam.step(0.01f, values, gradient, mean, square);
    }
    // 50 steps of at most 0.01, each rounded a few times to 24 bits, and 1 - 0.999f off by 1e-5.
    assertEquals(expected[0], values[0], 50 * 0.01 * 3e-5);
    assertEquals(expected[1], values[1], 50 * 0.01 * 3e-5);
  }
}
