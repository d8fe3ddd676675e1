// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.bench.report;

import io.github.kofn.bench.Measurement;
import java.awt.Color;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;
import org.apache.batik.svggen.SVGGraphics2D;
import org.knowm.xchart.CategoryChart;
import org.knowm.xchart.CategoryChartBuilder;
import org.knowm.xchart.CategorySeries.CategorySeriesRenderStyle;
import org.knowm.xchart.style.Styler.LegendPosition;
import org.w3c.dom.Document;

/** A table's cases side by side, their times on a logarithmic axis, with error bars. */
final class Plot {
  private static final int WIDTH = 1000;
  private static final int HEIGHT = 480;
  private static final int LABEL = 48;
  private static final int SLANT = 45;

  /** XChart puts error bars of values below 1 in a wrong place, so that plots have finer units. */
  private static final double FINER = 1e6;

  /** Neither light nor dark, so that they can be told apart on both kinds of page. */
  private static final Color[] COLORS = {
    new Color(0x2F6FDE),
    new Color(0xE8590C),
    new Color(0x2F9E44),
    new Color(0xAE3EC9),
    new Color(0xE03131),
    new Color(0x1098AD),
    new Color(0x8F7A00),
    new Color(0x868E96)
  };

  private Plot() {}

  /** The plot as an SVG element. */
  static String svg(Table table) {
    // Batik and AWT draw without a display.
    System.setProperty("java.awt.headless", "true");
    CategoryChart chart = chart(table);
    Document document = document();
    SVGGraphics2D graphics = new SVGGraphics2D(document);
    chart.paint(graphics, WIDTH, HEIGHT);
    StringWriter writer = new StringWriter();
    try {
      var root = graphics.getRoot();
      root.setAttribute("viewBox", "0 0 " + WIDTH + " " + HEIGHT);
      root.setAttribute("role", "img");
      root.setAttribute("aria-label", table.title());
      graphics.stream(root, writer, true, false);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    String text = writer.toString();
    return text.substring(text.indexOf("<svg"));
  }

  private static Document document() {
    try {
      return DocumentBuilderFactory.newDefaultNSInstance()
          .newDocumentBuilder()
          .getDOMImplementation()
          .createDocument("http://www.w3.org/2000/svg", "svg", null);
    } catch (ParserConfigurationException e) {
      throw new IllegalStateException(e);
    }
  }

  private static CategoryChart chart(Table table) {
    CategoryChart chart =
        new CategoryChartBuilder()
            .width(WIDTH)
            .height(HEIGHT)
            .yAxisTitle(table.unit().label())
            .build();
    chart
        .getStyler()
        .setDefaultSeriesRenderStyle(CategorySeriesRenderStyle.Scatter)
        .setLegendPosition(LegendPosition.OutsideE)
        .setChartBackgroundColor(Color.WHITE)
        .setPlotBackgroundColor(Color.WHITE)
        .setLegendBorderColor(Color.WHITE)
        .setPlotBorderVisible(false)
        .setMarkerSize(9);
    chart
        .getStyler()
        .setYAxisLogarithmic(true)
        .setXAxisLabelRotation(SLANT)
        .setyAxisTickLabelsFormattingFunction(Plot::tick);
    chart.getStyler().setSeriesColors(COLORS);
    List<String> cases = labels(table);
    double lowest = Double.POSITIVE_INFINITY;
    double highest = 0;
    for (String who : table.columns()) {
      List<Double> values = new ArrayList<>();
      List<Double> errors = new ArrayList<>();
      for (Table.Row row : table.rows()) {
        Measurement m = row.cells().get(who);
        if (m == null) {
          values.add(null);
          errors.add(null);
          continue;
        }
        double value = FINER * table.value(row, m);
        double factor = Double.isNaN(m.error()) ? 1.0 : factor(table, row, m);
        values.add(value);
        errors.add(factor);
        lowest = Math.min(lowest, value / factor);
        highest = Math.max(highest, value * factor);
      }
      chart.addSeries(who, cases, values, errors);
    }
    // Powers of ten, which XChart labels; its own range takes errors for differences, not factors.
    chart.getStyler().setYAxisMin(Math.pow(10, Math.floor(Math.log10(lowest))));
    chart.getStyler().setYAxisMax(Math.pow(10, Math.ceil(Math.log10(highest))));
    return chart;
  }

  private static String tick(double finer) {
    return new BigDecimal(finer / FINER)
        .round(new MathContext(3))
        .stripTrailingZeros()
        .toPlainString();
  }

  /** What tells the cases apart; numbers where nothing does, since XChart takes labels for keys. */
  private static List<String> labels(Table table) {
    Set<Map.Entry<String, String>> common = new HashSet<>();
    table.rows().forEach(row -> common.addAll(row.parameters().entrySet()));
    table.rows().forEach(row -> common.retainAll(row.parameters().entrySet()));
    List<String> labels = new ArrayList<>();
    for (Table.Row row : table.rows()) {
      Map<String, String> own = new TreeMap<>(row.parameters());
      own.entrySet().removeAll(common);
      String label = own.isEmpty() ? row.label() : new Table.Row(own, Map.of()).label();
      labels.add(labels.contains(label) ? label + " #" + labels.size() : shortened(label));
    }
    return labels;
  }

  /**
   * An error as XChart wants it for a logarithmic axis: it takes the error's logarithm, so this is
   * the factor from the value to the upper end of the bar. The lower end lies as far below.
   */
  private static double factor(Table table, Table.Row row, Measurement m) {
    return 1 + table.error(row, m) / table.value(row, m);
  }

  private static String shortened(String label) {
    return label.length() <= LABEL ? label : label.substring(0, LABEL - 1) + "\u2026";
  }
}
