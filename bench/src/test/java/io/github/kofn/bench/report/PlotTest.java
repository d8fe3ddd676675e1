// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.bench.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.kofn.bench.Measurement;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PlotTest {
  /** Times below a unit of the axis, errors as large as the value and larger, and none at all. */
  @ParameterizedTest
  @CsvSource({"1.45e6, 1.41e6", "5e5, 1.7e5", "2e5, 9e6", "4e6, 0", "1e6, NaN", "3e9, 1e7"})
  void drawsWhateverWasMeasured(double nanoseconds, double error) {
    Table table =
        Table.of(
                List.of(measurement("kofn", 1.1e6, 2.7e5), measurement("peer", nanoseconds, error)))
            .getFirst();
    String svg = Plot.svg(table);
    assertTrue(svg.startsWith("<svg"));
    assertFalse(svg.matches("(?s).*(NaN|Infinity).*"), "a coordinate is not a number");
  }

  @Test
  void columnsLookDifferent() {
    assertEquals(32, IntStream.range(0, 32).mapToObj(Plot.Look::of).distinct().count());
  }

  @Test
  void kofnComesFirst() {
    List<Measurement> all =
        List.of(
            measurement("openblas", 3e6, 1e5),
            measurement("kofn", 1e6, 1e5),
            measurement("kofn256", 2e6, 1e5));
    assertEquals(List.of("kofn", "kofn256", "openblas"), Table.of(all).getFirst().columns());
  }

  private static Measurement measurement(String who, double nanoseconds, double error) {
    return new Measurement(
        "matmul",
        "Forward",
        who,
        Map.of("batch", "256"),
        nanoseconds,
        error,
        OptionalDouble.empty());
  }
}
