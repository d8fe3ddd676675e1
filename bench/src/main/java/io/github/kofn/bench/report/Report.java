// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.bench.report;

import io.github.kofn.bench.Measurement;
import io.github.kofn.bench.Run;
import io.github.kofn.bench.Suite;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.TreeMap;

/**
 * Everything that runs have to say, as Markdown and as one HTML page that needs nothing else.
 *
 * @param machine where it was measured
 * @param runs a suite's run each
 * @param measurements the results
 */
public record Report(Machine machine, List<Run> runs, List<Measurement> measurements) {

  /** A table as text: a heading, and rows of cells. */
  record Text(String title, List<String> head, List<List<String>> rows) {}

  /** The facts that stand above everything. */
  List<String> facts() {
    return List.of(
        "machine: " + machine.processor() + ", " + machine.cores() + " cores, " + machine.system(),
        "Java: " + machine.java(),
        "a cell: mean time of a call +- half of its 99.9 % confidence interval (two forks or more),"
            + " and in brackets how many times as long as kofn");
  }

  /** The facts of one run. */
  List<String> facts(Run run) {
    List<String> facts = new ArrayList<>();
    facts.add(
        String.format(
            Locale.ROOT,
            "%s, %s, %.1f min, %s",
            run.command(),
            run.when(),
            run.minutes(),
            run.load()));
    facts.add("vectors: " + run.vectors());
    facts.add("measured: " + String.join("; ", run.peers()));
    run.skipped().forEach((peer, reason) -> facts.add("skipped: " + peer + ": " + reason));
    run.failures().forEach(failure -> facts.add("FAILED: " + failure));
    if (run.suite().equals(Suite.MATMUL.label())) {
      peak()
          .ifPresent(
              peak ->
                  facts.add(
                      String.format(
                          Locale.ROOT, "FMA peak of one core, measured: %.1f GFLOP/s", peak)));
      facts.addAll(breakEvens());
    }
    return facts;
  }

  /** GFLOP/s of one core with the widest vectors. */
  private OptionalDouble peak() {
    return measurements.stream()
        .filter(m -> m.operation().equals("Peak"))
        .mapToDouble(m -> Unit.peakFlops(m.who().equals("fma512") ? 16 : 8) / m.nanoseconds())
        .max();
  }

  /** The tables of a run. */
  List<Table> tables(Run run) {
    return tables().stream().filter(table -> table.suite().equals(run.suite())).toList();
  }

  List<Table> tables() {
    return Table.of(measurements.stream().filter(m -> !m.operation().equals("Peak")).toList());
  }

  Text text(Table table) {
    boolean flops =
        table.rows().stream()
            .anyMatch(row -> Unit.usefulFlops(table.operation(), row.parameters()).isPresent());
    List<String> head = new ArrayList<>(List.of("case"));
    for (String who : table.columns()) {
      head.add(who + ", " + table.unit().label());
    }
    if (flops) {
      head.add("kofn, useful GFLOP/s");
      head.add(table.isOnGpu() ? "" : "of FMA peak");
    }
    List<List<String>> rows = new ArrayList<>();
    for (Table.Row row : table.rows()) {
      List<String> cells = new ArrayList<>(List.of(row.label()));
      for (String who : table.columns()) {
        cells.add(cell(table, row, who));
      }
      if (flops) {
        addRate(table, row, cells);
      }
      rows.add(cells);
    }
    return new Text(table.title() + ", " + table.unit().label(), head, rows);
  }

  private static String cell(Table table, Table.Row row, String who) {
    Measurement m = row.cells().get(who);
    if (m == null) {
      return "";
    }
    String text = number(table.value(row, m)) + " +- " + number(table.error(row, m));
    if (m.bytes().isPresent()) {
      text += String.format(Locale.ROOT, ", %.0f B", m.bytes().getAsDouble());
    }
    Optional<Double> ratio = row.ratio(who);
    return ratio.isPresent() ? text + " (" + number(ratio.get()) + "x)" : text;
  }

  private void addRate(Table table, Table.Row row, List<String> cells) {
    Measurement kofn = row.kofn();
    OptionalDouble flops = Unit.usefulFlops(table.operation(), row.parameters());
    if (kofn == null || flops.isEmpty()) {
      cells.add("");
      cells.add("");
      return;
    }
    double rate = flops.getAsDouble() / kofn.nanoseconds();
    cells.add(number(rate));
    String threads = row.parameters().getOrDefault("threads", "1");
    int cores = threads.equals("1") ? 1 : machine.cores();
    OptionalDouble peak = peak();
    cells.add(
        peak.isEmpty() || table.isOnGpu()
            ? ""
            : String.format(Locale.ROOT, "%.0f %%", 100 * rate / (peak.getAsDouble() * cores)));
  }

  private static String number(double value) {
    if (Double.isNaN(value)) {
      return "?";
    }
    double size = Math.abs(value);
    String format = size >= 100 ? "%.0f" : size >= 10 ? "%.1f" : size >= 0.1 ? "%.2f" : "%.4f";
    return String.format(Locale.ROOT, format, value);
  }

  /** Where a product begins to pay: the sparsity at which it takes as long as OpenBLAS dense. */
  List<String> breakEvens() {
    List<String> lines = new ArrayList<>();
    for (Table table : tables()) {
      if (!table.operation().equals("Forward")) {
        continue;
      }
      Map<String, TreeMap<Integer, Double>> curves = new TreeMap<>();
      for (Table.Row row : table.rows()) {
        Optional<Double> ratio = row.ratio("openblas");
        if (ratio.isPresent() && row.parameters().containsKey("sparsity")) {
          Map<String, String> rest = new TreeMap<>(row.parameters());
          int sparsity = Integer.parseInt(rest.remove("sparsity"));
          String label = new Table.Row(rest, Map.of()).label();
          curves.computeIfAbsent(label, name -> new TreeMap<>()).put(sparsity, ratio.get());
        }
      }
      curves.forEach(
          (label, curve) -> {
            if (curve.size() > 1) {
              lines.add(label + ": break-even with OpenBLAS dense " + breakEven(curve));
            }
          });
    }
    return lines;
  }

  private static String breakEven(TreeMap<Integer, Double> curve) {
    if (curve.firstEntry().getValue() >= 1) {
      return "below " + curve.firstKey() + " % sparsity";
    }
    Map.Entry<Integer, Double> before = curve.firstEntry();
    for (Map.Entry<Integer, Double> after : curve.entrySet()) {
      if (after.getValue() >= 1 && before.getValue() < 1) {
        double part =
            -Math.log(before.getValue())
                / (Math.log(after.getValue()) - Math.log(before.getValue()));
        return String.format(
            Locale.ROOT,
            "at %.0f %% sparsity",
            before.getKey() + part * (after.getKey() - before.getKey()));
      }
      before = after;
    }
    return "beyond " + curve.lastKey() + " % sparsity";
  }

  /**
   * The report as Markdown.
   *
   * @return text
   */
  public String markdown() {
    StringBuilder out = new StringBuilder();
    list(out, facts());
    for (Run run : runs) {
      out.append("\n## ").append(title(run)).append("\n\n");
      list(out, facts(run));
      tables(run).forEach(table -> table(out, text(table)));
    }
    return out.append('\n').toString();
  }

  /** The name of a run's suite. */
  static String title(Run run) {
    return Suite.of(run.suite()).title();
  }

  private static void list(StringBuilder out, List<String> lines) {
    lines.forEach(text -> out.append("- ").append(text).append('\n'));
  }

  private static void table(StringBuilder out, Text text) {
    out.append("\n### ").append(text.title).append("\n\n");
    line(out, text.head);
    line(out, text.head.stream().map(cell -> "---").toList());
    text.rows.forEach(row -> line(out, row));
  }

  private static void line(StringBuilder out, List<String> cells) {
    out.append("| ").append(String.join(" | ", cells)).append(" |\n");
  }

  /**
   * The report as a page.
   *
   * @return HTML
   */
  public String html() {
    return new HtmlPage(this).text();
  }
}
