// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.pruning;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.github.kofn.sparse.KofNLayout;
import org.junit.jupiter.api.Test;

class GranularityTest {
  @Test
  void givesTheMaskShapeOfEachGranularity() {
    assertEquals(new KofNLayout(300, 784, 1, 1, 78), Granularity.WEIGHT.layout(300, 784, 0.1));
    KofNLayout kernel = Granularity.kernel(5, 5).layout(50, 20 * 25, 0.15);
    assertEquals(new KofNLayout(50, 500, 1, 25, 3), kernel);
    assertEquals(50, kernel.blockRows());
    assertEquals(20, kernel.blockColumns());
    KofNLayout filter = Granularity.filter(5, 5).layout(50, 20 * 25, 0.5);
    assertEquals(1, filter.blockRows());
    assertEquals(20, filter.blockColumns());
    assertEquals(10, filter.k());
    KofNLayout block = Granularity.block(16, 8).layout(50, 20, 0.5);
    assertEquals(4, block.blockRows());
    assertEquals(3, block.blockColumns());
  }

  @Test
  void keepsAtLeastOneAndAtMostAll() {
    assertEquals(1, Granularity.WEIGHT.layout(3, 100, 1e-9).k());
    assertEquals(100, Granularity.WEIGHT.layout(3, 100, 1).k());
    assertEquals(2, Granularity.WEIGHT.layout(3, 3, 0.5).k());
  }

  @Test
  void refusesWhatIsOutOfRange() {
    assertThrows(
        IllegalArgumentException.class, () -> Granularity.WEIGHT.layout(3, 100, Double.NaN));
    assertThrows(IllegalArgumentException.class, () -> Granularity.WEIGHT.layout(3, 100, 0));
    assertThrows(IllegalArgumentException.class, () -> Granularity.WEIGHT.layout(3, 100, 1.01));
    assertThrows(IllegalArgumentException.class, () -> Granularity.WEIGHT.layout(0, 100, 0.5));
    assertThrows(IllegalArgumentException.class, () -> Granularity.block(0, 1));
    assertThrows(IllegalArgumentException.class, () -> Granularity.kernel(0, 1));
  }
}
