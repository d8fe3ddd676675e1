// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ResultsTest {
  @TempDir private Path folder;

  /** Runs a suite that measured one case. */
  private void measure(Suite suite, String benchmark, double score) throws IOException {
    Results results = Results.of(folder);
    Path json = Files.createTempFile("results", ".json");
    Files.writeString(
        json,
        """
        [{"benchmark": "io.github.kofn.bench.%s.%s", "params": {"batch": "256", "shape": "8x64:8"},
          "primaryMetric": {"score": %s, "scoreError": "NaN", "scoreUnit": "ns/op"},
          "secondaryMetrics": {}}]
        """
            .formatted(suite.label(), benchmark, score));
    results.put(
        suite,
        new Run(
            suite.label(),
            "./kofn bench " + score,
            "2026-01-02 03:04",
            1.5,
            "512 bits",
            "load average 1",
            List.of("kofn"),
            Map.of("cuBLAS", "no driver"),
            List.of()),
        json);
    results.writeTo(folder);
    Files.delete(json);
  }

  @Test
  void keepsTheResultsOfOtherSuites() throws IOException {
    measure(Suite.MATMUL, "Forward.kofn", 3e6);
    measure(Suite.SAMPLING, "Draw.kofn", 1024);
    measure(Suite.MATMUL, "Forward.kofn", 4e6);
    String report = Files.readString(folder.resolve("report.md"));
    assertTrue(report.contains("| 2.00 +- ? |"), report);
    assertTrue(report.contains("| 4.00 +- ? |"), report);
    assertFalse(report.contains("| 3.00 +- ? |"), report);
    assertTrue(report.contains("skipped: cuBLAS: no driver"), report);
    assertTrue(report.indexOf("## Sampling") < report.indexOf("## Products"), report);
    String html = Files.readString(folder.resolve("report.html"));
    assertTrue(html.contains("./kofn bench 1024.0"), html);
    assertTrue(html.contains("./kofn bench 4000000.0"), html);
    assertEquals(
        2, Files.readString(folder.resolve("results.json")).split("\"benchmark\"", -1).length - 1);
  }

  @Test
  void refusesResultsOfAnotherMachine() throws IOException {
    measure(Suite.SAMPLING, "Draw.kofn", 1024);
    Path facts = folder.resolve("runs.json");
    Files.writeString(
        facts, Files.readString(facts).replaceAll("\"cores\" : \\d+", "\"cores\" : 999"));
    var e = assertThrows(IllegalArgumentException.class, () -> Results.of(folder));
    assertTrue(e.getMessage().contains("another machine"), e.getMessage());
    assertTrue(e.getMessage().contains("999"), e.getMessage());
  }

  @Test
  void refusesWhatItCannotRead() throws IOException {
    measure(Suite.SAMPLING, "Draw.kofn", 1024);
    for (String text : List.of("", "{", "[]", "{\"machine\": 1}", "{\"runs\": []}")) {
      Files.writeString(folder.resolve("runs.json"), text);
      var e = assertThrows(IllegalArgumentException.class, () -> Results.of(folder), text);
      assertTrue(e.getMessage().contains(folder.toString()), e.getMessage());
    }
  }
}
