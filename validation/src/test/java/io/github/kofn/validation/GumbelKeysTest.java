// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.validation;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class GumbelKeysTest {
  /** Of the generator's authors: their file of known answers. */
  @Test
  void philoxGivesItsKnownAnswers() {
    assertArrayEquals(
        new int[] {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8},
        GumbelKeys.philox(new int[4], 0));
    assertArrayEquals(
        new int[] {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd},
        GumbelKeys.philox(new int[] {-1, -1, -1, -1}, -1));
    assertArrayEquals(
        new int[] {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1},
        GumbelKeys.philox(
            new int[] {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, 0x299f31d0a4093822L));
  }

  @Test
  void noiseIsTheGumbelQuantile() {
    for (int h : new int[] {0, 1, 1000, 715827882, 715827883, 0x40000000, 0x7ffffffe, 0x7fffffff}) {
      double u = (h + 0.5) * 0x1p-31;
      assertEquals(-Math.log(-Math.log1p(-u)), GumbelKeys.gumbel(h << 1), 1e-6);
    }
  }

  @Test
  void ordersByKeyThenColumn() {
    float[] keys = {0.0f, -1, Float.POSITIVE_INFINITY, -0.0f, Float.NEGATIVE_INFINITY, 2, -2};

    assertArrayEquals(new int[] {2, 5, 0, 3, 1, 6, 4}, GumbelKeys.order(keys));
  }
}
