// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.bench.report;

import io.github.kofn.bench.Measurement;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * A table as an SVG element: a line a case, a mark for everyone who was measured at its time on a
 * logarithmic axis, with an error bar. Lines and text have the page's colour, light or dark.
 */
final class Plot {
  private static final int WIDTH = 1200;
  private static final int LINE = 22;
  private static final int MARGIN = 16;
  private static final int AXIS = 44;
  private static final double LETTER = 6.6;
  private static final double RADIUS = 4.5;

  /** They can be told apart on light and on dark pages, and so can the marks' shapes. */
  private static final List<String> COLORS =
      List.of(
          "#2f6fde", "#e8590c", "#2f9e44", "#ae3ec9", "#e03131", "#1098ad", "#8f7a00", "#868e96");

  private static final int SHAPES = 4;

  /** What a mark looks like. */
  record Look(int shape, String color) {
    /** The look of a column; 32 columns look different. */
    static Look of(int who) {
      int round = who / COLORS.size();
      return new Look((who + round) % SHAPES, COLORS.get(who % COLORS.size()));
    }
  }

  private final Table table;
  private final StringBuilder out = new StringBuilder();
  private final List<String> labels;
  private final double left;
  private final int top;
  private final int bottom;

  /** The axis' ends, as powers of ten. */
  private double low = Double.POSITIVE_INFINITY;

  private double high = Double.NEGATIVE_INFINITY;

  private Plot(Table table) {
    this.table = table;
    this.labels = labels(table);
    int longest = labels.stream().mapToInt(String::length).max().orElse(0);
    this.left = 2 * MARGIN + longest * LETTER;
    this.top = MARGIN + LINE;
    this.bottom = top + LINE * labels.size() + LINE / 2;
    for (Table.Row row : table.rows()) {
      for (Measurement m : row.cells().values()) {
        double value = table.value(row, m);
        low = Math.min(low, Math.log10(value));
        high = Math.max(high, Math.log10(value + error(row, m)));
      }
    }
    // The next 1, 2 or 5 of a decade, so that the axis has two numbers at least.
    low = ticks(Math.floor(low), low).getLast();
    double end = high;
    high =
        ticks(Math.floor(high), Math.floor(high) + 1).stream()
            .filter(t -> t >= end)
            .findFirst()
            .orElse(Math.ceil(high));
    if (high == low) {
      high += 1;
    }
  }

  /** The plot. */
  static String svg(Table table) {
    return new Plot(table).draw();
  }

  private String draw() {
    add(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" role=\"img\""
            + " aria-label=\"%s\" font-size=\"12\" fill=\"currentColor\">%n",
        WIDTH, bottom + AXIS, HtmlPage.escape(table.title()));
    legend();
    for (double tick : ticks(low, high)) {
      line(x(tick), top, x(tick), bottom, 0.2);
      text(x(tick), bottom + LINE * 0.8, "middle", number(tick));
    }
    text((left + WIDTH - MARGIN) / 2, bottom + LINE * 1.6, "middle", table.unit().label());
    for (int i = 0; i < labels.size(); i++) {
      Table.Row row = table.rows().get(i);
      double y = top + LINE * (i + 0.75);
      text(left - MARGIN / 2.0, y + 4, "end", labels.get(i));
      line(left, y, WIDTH - MARGIN, y, 0.1);
      for (int who = 0; who < table.columns().size(); who++) {
        Measurement m = row.cells().get(table.columns().get(who));
        if (m != null) {
          measurement(row, m, who, y);
        }
      }
    }
    return out.append("</svg>\n").toString();
  }

  private void legend() {
    double at = MARGIN;
    for (int who = 0; who < table.columns().size(); who++) {
      mark(who, at, MARGIN);
      text(at + 10, MARGIN + 4, "start", table.columns().get(who));
      at += 34 + table.columns().get(who).length() * LETTER;
    }
  }

  private void measurement(Table.Row row, Measurement m, int who, double y) {
    double value = table.value(row, m);
    double error = error(row, m);
    double from = x(Math.max(low, Math.log10(Math.max(value - error, Double.MIN_NORMAL))));
    add(
        "<g><title>%s, %s: %s %s</title>%n",
        HtmlPage.escape(table.columns().get(who)),
        HtmlPage.escape(row.label()),
        number(Math.log10(value)),
        table.unit().label());
    line(from, y, x(Math.log10(value + error)), y, 0.7, Look.of(who).color());
    mark(who, x(Math.log10(value)), y);
    add("</g>%n");
  }

  private double error(Table.Row row, Measurement m) {
    return Double.isNaN(m.error()) ? 0 : table.error(row, m);
  }

  private void mark(int who, double x, double y) {
    Look look = Look.of(who);
    String color = look.color();
    double r = RADIUS;
    switch (look.shape()) {
      case 0 -> add("<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\" fill=\"%s\"/>%n", x, y, r, color);
      case 1 ->
          add(
              "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"%s\"/>%n",
              x - r, y - r, 2 * r, 2 * r, color);
      case 2 ->
          add(
              "<path d=\"M%.1f %.1fl%3$.1f %3$.1fl-%3$.1f %3$.1fl-%3$.1f -%3$.1fz\""
                  + " fill=\"%4$s\"/>%n",
              x, y - 1.2 * r, 1.2 * r, color);
      default ->
          add(
              "<path d=\"M%.1f %.1fl%3$.1f %4$.1fh-%4$.1fz\" fill=\"%5$s\"/>%n",
              x, y - r, r, 2 * r, color);
    }
  }

  private void line(double x1, double y1, double x2, double y2, double opacity) {
    line(x1, y1, x2, y2, opacity, "currentColor");
  }

  private void line(double x1, double y1, double x2, double y2, double opacity, String color) {
    add(
        "<path d=\"M%.1f %.1fL%.1f %.1f\" stroke=\"%s\" stroke-width=\"1.5\""
            + " stroke-opacity=\"%.1f\"/>%n",
        x1, y1, x2, y2, color, opacity);
  }

  private void text(double x, double y, String anchor, String text) {
    add(
        "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>%n",
        x, y, anchor, HtmlPage.escape(text));
  }

  private void add(String format, Object... values) {
    out.append(String.format(Locale.ROOT, format, values));
  }

  private double x(double power) {
    return left + (WIDTH - MARGIN - left) * (power - low) / (high - low);
  }

  /** The logarithms of 1, 2 and 5 times powers of ten from one to another, both included. */
  private static List<Double> ticks(double from, double to) {
    return IntStream.rangeClosed((int) Math.floor(from), (int) Math.ceil(to))
        .boxed()
        .flatMap(decade -> Stream.of(1, 2, 5).map(f -> decade + Math.log10(f)))
        .filter(tick -> tick >= from && tick <= to)
        .toList();
  }

  /** Three digits of a number by its logarithm. */
  private static String number(double power) {
    return new BigDecimal(Math.pow(10, power))
        .round(new MathContext(3))
        .stripTrailingZeros()
        .toPlainString();
  }

  /** What tells the cases apart. */
  private static List<String> labels(Table table) {
    Set<Map.Entry<String, String>> common = new HashSet<>();
    table.rows().forEach(row -> common.addAll(row.parameters().entrySet()));
    table.rows().forEach(row -> common.retainAll(row.parameters().entrySet()));
    return table.rows().stream()
        .map(
            row -> {
              Map<String, String> own = new TreeMap<>(row.parameters());
              own.entrySet().removeAll(common);
              return own.isEmpty() ? row.label() : new Table.Row(own, Map.of()).label();
            })
        .toList();
  }
}
