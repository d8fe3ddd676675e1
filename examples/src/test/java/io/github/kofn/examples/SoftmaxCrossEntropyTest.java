// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class SoftmaxCrossEntropyTest {
  private static final int[] LABELS = {2, 0};

  @Test
  void theGradientIsTheDifferenceQuotient() {
    float[] scores = {0.5f, -1, 2, 0.1f, 3, -2};
    float[] gradient = scores.clone();
    double loss = SoftmaxCrossEntropy.gradient(gradient, LABELS);
    for (int i = 0; i < scores.length; i++) {
      float h = 0x1p-7f;
      float[] up = scores.clone();
      up[i] += h;
      float[] down = scores.clone();
      down[i] -= h;
      double quotient =
          (SoftmaxCrossEntropy.gradient(up, LABELS) - SoftmaxCrossEntropy.gradient(down, LABELS))
              / (2 * h);
      // The quotient's own error is below h^2 / 6, the third derivative being below 1 / 2.
      assertEquals(quotient, gradient[i], h * h / 6);
    }
    assertTrue(loss > 0);
  }

  @Test
  void survivesLargeScores() {
    float[] scores = {1e30f, -1e30f, 0, 1e4f, 0, 0};
    double loss = SoftmaxCrossEntropy.gradient(scores, new int[] {0, 0});
    assertEquals(0, loss);
  }

  @Test
  void countsRightAnswers() {
    float[] scores = {0, 1, 2, 5, 4, 3, 0, 0, 0, -1, -2, -3};
    assertEquals(2, SoftmaxCrossEntropy.correct(scores, new int[] {2, 1, 0, 2}));
  }
}
