// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SearchStartTest {

  /** The quantiles of the standard Gumbel distribution, in its deviations above its mean. */
  @ParameterizedTest
  @CsvSource({"0.5, -0.164284", "0.1, 1.304551", "0.02, 2.592276"})
  void aLongRowStartsAtTheQuantile(double share, double z) {
    int n = 10_000_000;
    assertEquals(z, SearchStart.of(n, (int) (share * n)).z(), 3e-6);
  }

  @Test
  void theSlopeIsThatOfTheDistribution() {
    int n = 1000;
    SearchStart here = SearchStart.of(n, 100);
    SearchStart next = SearchStart.of(n, 101);
    assertEquals(1.25 * (here.z() - next.z()), here.slope(), 0.02 * here.slope());
  }

  @Test
  void everyShapeHasAFiniteStart() {
    for (int n : new int[] {1, 2, 3, 31, 1024, 32768, Integer.MAX_VALUE}) {
      for (int k : new int[] {0, 1, n / 2, n - 1, n}) {
        SearchStart start = SearchStart.of(n, k);
        String text = n + ", " + k + ": " + start;
        assertTrue(Float.isFinite(start.z()), text);
        assertTrue(start.slope() >= 0 && Float.isFinite(start.slope()), text);
        assertTrue(start.slack() >= 0 && Float.isFinite(start.slack()), text);
      }
    }
  }
}
