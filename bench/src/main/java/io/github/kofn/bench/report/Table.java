// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.bench.report;

import io.github.kofn.bench.Measurement;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** One operation: a row a case, a column for everyone who was measured. */
final class Table {
  private static final String KOFN = "kofn";
  private static final String KOFN_CUDA = "kofnCuda";

  private final String suite;
  private final String operation;
  private final Unit unit;
  private final List<String> columns;
  private final List<Row> rows = new ArrayList<>();

  /**
   * One case.
   *
   * @param parameters what makes it
   * @param cells who measured it
   */
  record Row(Map<String, String> parameters, Map<String, Measurement> cells) {
    String label() {
      if (parameters.isEmpty()) {
        return "the only case";
      }
      return String.join(
          ", ",
          parameters.entrySet().stream()
              .map(
                  e ->
                      e.getKey().equals("shape")
                              || e.getKey().equals("block")
                              || e.getKey().equals("masks")
                          ? e.getValue()
                          : e.getKey() + " " + e.getValue())
              .toList());
    }

    /** What others are compared with: kofn on this table's kind of device; null if not measured. */
    Measurement kofn() {
      return cells.getOrDefault(KOFN, cells.get(KOFN_CUDA));
    }

    /** How many times as long as kofn somebody takes. */
    Optional<Double> ratio(String who) {
      Measurement kofn = kofn();
      Measurement other = cells.get(who);
      return kofn == null || other == null || kofn.equals(other)
          ? Optional.empty()
          : Optional.of(other.nanoseconds() / kofn.nanoseconds());
    }
  }

  private Table(String suite, String operation, List<Measurement> measurements) {
    this.suite = suite;
    this.operation = operation;
    this.unit = Unit.of(suite);
    this.columns =
        measurements.stream()
            .map(Measurement::who)
            .distinct()
            .sorted(Comparator.comparing(who -> !who.startsWith(KOFN)))
            .toList();
    // Who has fewer parameters, such as a dense peer, joins the rows of those who have more.
    List<Measurement> bases =
        measurements.stream()
            .sorted(Comparator.comparingInt((Measurement m) -> m.parameters().size()).reversed())
            .toList();
    for (Measurement base : bases) {
      if (rows.stream().anyMatch(row -> row.cells.containsValue(base))) {
        continue;
      }
      Map<String, Measurement> cells = new LinkedHashMap<>();
      for (Measurement m : measurements) {
        if (m.matches(base) && !cells.containsKey(m.who())) {
          cells.put(m.who(), m);
        }
      }
      rows.add(new Row(base.parameters(), cells));
    }
  }

  /** The tables of all measurements, in the order in which they were taken. */
  static List<Table> of(List<Measurement> measurements) {
    Map<String, List<Measurement>> groups = new LinkedHashMap<>();
    for (Measurement m : measurements) {
      groups.computeIfAbsent(m.suite() + " " + m.operation(), name -> new ArrayList<>()).add(m);
    }
    return groups.values().stream()
        .map(group -> new Table(group.getFirst().suite(), group.getFirst().operation(), group))
        .toList();
  }

  String suite() {
    return suite;
  }

  String operation() {
    return operation;
  }

  /** The operation as words. */
  String title() {
    String words = operation.replaceAll("(?<=[a-z])(?=[A-Z])", " ").toLowerCase(Locale.ROOT);
    return words.substring(0, 1).toUpperCase(Locale.ROOT) + words.substring(1);
  }

  /** Whether a GPU did it. */
  boolean isOnGpu() {
    return columns.contains(KOFN_CUDA);
  }

  Unit unit() {
    return unit;
  }

  List<String> columns() {
    return columns;
  }

  List<Row> rows() {
    return rows;
  }

  /** A measurement in the table's unit. */
  double value(Row row, Measurement m) {
    return m.nanoseconds() * unit.perNanosecond(row.parameters());
  }

  /** Its error in the table's unit. */
  double error(Row row, Measurement m) {
    return m.error() * unit.perNanosecond(row.parameters());
  }
}
