// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.bench.report;

import io.github.kofn.bench.Run;
import java.util.List;

/** A report as one page: a plot and a table an operation, light or dark as the reader has it. */
final class HtmlPage {
  private static final String STYLE =
      """
      :root { color-scheme: light dark; }
      body { font: 15px/1.5 system-ui, sans-serif; max-width: 1300px; margin: 2rem auto; padding: 0 1rem; }
      h1, h2, h3 { line-height: 1.2; }
      figure { margin: 1rem 0; overflow-x: auto; }
      figure svg { max-width: 100%; height: auto; }
      .table { overflow-x: auto; }
      table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 13px; }
      th, td { border-bottom: 1px solid #8886; padding: .25rem .6rem; text-align: right; white-space: nowrap; }
      th:first-child, td:first-child { text-align: left; position: sticky; left: 0; background: Canvas; }
      """;

  private final Report report;
  private final StringBuilder out = new StringBuilder();

  HtmlPage(Report report) {
    this.report = report;
  }

  String text() {
    out.append("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n")
        .append("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n")
        .append("<title>kofn benchmarks</title>\n<style>\n")
        .append(STYLE)
        .append("</style>\n</head>\n<body>\n<h1>kofn benchmarks</h1>\n");
    list(report.facts());
    for (Run run : report.runs()) {
      out.append("<h2>").append(escape(Report.title(run))).append("</h2>\n");
      list(report.facts(run));
      report.tables(run).forEach(this::section);
    }
    return out.append("</body>\n</html>\n").toString();
  }

  private void section(Table table) {
    Report.Text text = report.text(table);
    out.append("<h3>").append(escape(text.title())).append("</h3>\n");
    if (table.rows().size() * table.columns().size() > 1) {
      out.append("<figure>\n").append(Plot.svg(table)).append("</figure>\n");
    }
    out.append("<div class=\"table\">\n<table>\n<thead>\n");
    row("th", text.head());
    out.append("</thead>\n<tbody>\n");
    text.rows().forEach(cells -> row("td", cells));
    out.append("</tbody>\n</table>\n</div>\n");
  }

  private void row(String tag, List<String> cells) {
    out.append("<tr>");
    for (String cell : cells) {
      out.append('<').append(tag).append('>').append(escape(cell));
      out.append("</").append(tag).append('>');
    }
    out.append("</tr>\n");
  }

  private void list(List<String> lines) {
    if (lines.isEmpty()) {
      return;
    }
    out.append("<ul>\n");
    lines.forEach(line -> out.append("<li>").append(escape(line)).append("</li>\n"));
    out.append("</ul>\n");
  }

  /** Text as HTML and SVG have it. */
  static String escape(String text) {
    return text.replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        .replace("\"", "&quot;")
        .replace("+-", "&plusmn;");
  }
}
