// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.validation;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Arrays;
import org.junit.jupiter.api.Test;

class SuccessiveSoftmaxesTest {
  private static final float[] KEYS = {0.5f, -1, 2, 0.25f, Float.NEGATIVE_INFINITY, 1.5f};
  private static final int[] WINNERS = {2, 5, 0};
  private static final float[] UPSTREAM = {1, -2, 0.5f, 3, 7, -1};

  @Test
  void sumsToK() {
    var row = new SuccessiveSoftmaxes(KEYS, WINNERS, 0.7f, UPSTREAM);

    assertEquals(3, Arrays.stream(row.soft).sum(), 1e-14);
    assertEquals(0, row.soft[4]);
  }

  @Test
  void oneSoftmaxIsTheSoftmax() {
    var row = new SuccessiveSoftmaxes(new float[] {1, 0}, new int[] {0}, 1, new float[2]);

    assertEquals(1 / (1 + Math.exp(-1)), row.soft[0], 1e-15);
  }

  @Test
  void theGradientIsTheSlope() {
    float step = 0x1p-10f;
    var row = new SuccessiveSoftmaxes(KEYS, WINNERS, 0.7f, UPSTREAM);
    for (int i = 0; i < KEYS.length; i++) {
      double slope = (loss(i, step) - loss(i, -step)) / (2 * step);
      assertEquals(slope, row.gradient[i], 1e-5);
    }
  }

  private static double loss(int i, float step) {
    float[] keys = KEYS.clone();
    keys[i] += step;
    double[] soft = new SuccessiveSoftmaxes(keys, WINNERS, 0.7f, UPSTREAM).soft;
    double loss = 0;
    for (int j = 0; j < soft.length; j++) {
      loss += soft[j] * UPSTREAM[j];
    }
    return loss;
  }
}
