// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import org.junit.jupiter.api.Test;

class DigitsTest {
  @Test
  void splitsAsItsDescriptionSays() {
    Splits splits = Dataset.DIGITS.load(null, false);
    assertEquals(1200, splits.train().size());
    assertEquals(199, splits.validation().size());
    assertEquals(398, splits.test().size());
    assertEquals(10, splits.classes());
    for (Examples part : new Examples[] {splits.train(), splits.validation(), splits.test()}) {
      assertEquals(64, part.features());
      assertEquals(part.size() * 64, part.pixels().length);
      for (float pixel : part.pixels()) {
        assertTrue(pixel >= 0 && pixel <= 1);
      }
      // The original set has each digit between 174 and 183 times in 1797.
      long[] counts = new long[10];
      Arrays.stream(part.labels()).forEach(label -> counts[label]++);
      for (long count : counts) {
        assertEquals(part.size() / 10.0, (double) count, part.size() / 20.0);
      }
    }
  }

  @Test
  void theFirstImageIsTheFirstLine() {
    Examples train = Dataset.DIGITS.load(null, false).train();
    assertEquals(0, train.labels()[0]);
    assertEquals(5 / 16f, train.pixels()[2]);
    assertEquals(13 / 16f, train.pixels()[3]);
  }
}
