// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.cli;

import io.github.kofn.validation.CaseResult;
import io.github.kofn.validation.Op;
import io.github.kofn.validation.Report;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** A report of the contract suite, for people and for programs. */
final class ValidationText {
  /** Failures of one path and operation that are told in full; the JSON has them all. */
  private static final int FAILURES_TOLD = 5;

  private final Report report;
  private final long seed;

  ValidationText(Report report, long seed) {
    this.report = report;
    this.seed = seed;
  }

  /** One line of the table. */
  private record Key(String path, Op op) {}

  void print(PrintWriter out) {
    Map<Key, List<CaseResult>> groups = new LinkedHashMap<>();
    for (CaseResult result : report.results()) {
      groups
          .computeIfAbsent(new Key(result.path(), result.op()), key -> new ArrayList<>())
          .add(result);
    }
    printTable(out, groups);
    report.skips().stream()
        .map(
            s ->
                "skipped %d cases of %s on %s: %s"
                    .formatted(s.cases(), s.op().label(), s.path(), s.reason()))
        .forEach(out::println);
    groups.values().forEach(results -> printFailures(out, results));
    out.printf(
        "%d cases, %d failures, %d skipped%n",
        report.results().size(), report.failures().size(), report.skipped());
  }

  private static void printTable(PrintWriter out, Map<Key, List<CaseResult>> groups) {
    if (groups.isEmpty()) {
      return;
    }
    out.printf(
        "%-14s%-12s%7s%10s%20s  %s%n",
        "path", "op", "cases", "failures", "worst error/bound", "in");
    groups.forEach(
        (key, results) -> {
          CaseResult worst =
              results.stream().max(Comparator.comparingDouble(CaseResult::ratio)).orElseThrow();
          long failures = results.stream().filter(result -> !result.ok()).count();
          out.printf(
              "%-14s%-12s%7d%10d%20s  %s%n",
              key.path(),
              key.op().label(),
              results.size(),
              failures,
              ratio(worst),
              worst.ratio() == 0 ? "" : worst.type() + " " + worst.shape());
        });
  }

  private static String ratio(CaseResult worst) {
    if (worst.ratio() == 0) {
      return "exact";
    }
    return Double.isInfinite(worst.ratio())
        ? "differs"
        : String.format(Locale.ROOT, "%.3f", worst.ratio());
  }

  private void printFailures(PrintWriter out, List<CaseResult> results) {
    List<CaseResult> failures = results.stream().filter(result -> !result.ok()).toList();
    if (failures.isEmpty()) {
      return;
    }
    for (CaseResult failure : failures.subList(0, Math.min(FAILURES_TOLD, failures.size()))) {
      out.printf(
          "FAILED %s %s %s %s%n  %s%n",
          failure.path(), failure.op().label(), failure.type(), failure.shape(), failure.detail());
    }
    if (failures.size() > FAILURES_TOLD) {
      out.printf("  and %d more%n", failures.size() - FAILURES_TOLD);
    }
    out.printf("  seed %d; repeat with: %s%n", seed, failures.getFirst().repeat());
  }

  static Map<String, Object> toJson(Report report) {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("cases", report.results().size());
    map.put("failures", report.failures().size());
    map.put("skipped", report.skipped());
    map.put("results", report.results().stream().map(ValidationText::row).toList());
    map.put("skips", report.skips().stream().map(ValidationText::skip).toList());
    return map;
  }

  private static Map<String, Object> row(CaseResult result) {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("op", result.op().label());
    map.put("path", result.path());
    map.put("type", result.type());
    map.put("shape", result.shape());
    map.put("error", result.error());
    map.put("bound", result.bound());
    map.put("ok", result.ok());
    if (!result.ok()) {
      map.put("detail", result.detail());
      map.put("repeat", result.repeat());
    }
    return map;
  }

  private static Map<String, Object> skip(Report.Skip skip) {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("op", skip.op().label());
    map.put("path", skip.path());
    map.put("cases", skip.cases());
    map.put("reason", skip.reason());
    return map;
  }
}
