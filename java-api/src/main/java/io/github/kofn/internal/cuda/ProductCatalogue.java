// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cuda;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

/**
 * The product kernels that were built, from the table that the CUDA build expands as macros.
 *
 * @param lines the table's lines
 */
record ProductCatalogue(List<Line> lines) {

  /**
   * An instance.
   *
   * @param macro the kernel family
   * @param cells its template arguments
   */
  record Line(String macro, List<String> cells) {
    int number(int cell) {
      return Integer.parseInt(cells.get(cell));
    }
  }

  /** Reads the table. */
  static ProductCatalogue parse(InputStream in) throws IOException {
    List<Line> lines = new ArrayList<>();
    for (String text : new String(in.readAllBytes(), StandardCharsets.UTF_8).split("\n", -1)) {
      if (text.startsWith("KOFN_")) {
        String macro = text.substring(0, text.indexOf('('));
        String cells = text.substring(text.indexOf('(') + 1, text.indexOf(')'));
        lines.add(new Line(macro, Arrays.stream(cells.split(",", -1)).map(String::strip).toList()));
      }
    }
    return new ProductCatalogue(lines);
  }

  /** A family's instances. */
  Stream<Line> family(String macro) {
    return lines.stream().filter(l -> l.macro().equals(macro));
  }

  /** The smallest of a family's values of a cell that covers a size, or its largest. */
  int covering(String macro, int cell, int size) {
    int[] values = values(macro, cell);
    return Arrays.stream(values)
        .filter(v -> v >= size)
        .findFirst()
        .orElse(values[values.length - 1]);
  }

  /** The largest of a family's values of its last cell. */
  int largest(String macro) {
    int[] values = family(macro).mapToInt(l -> l.number(l.cells().size() - 1)).sorted().toArray();
    return values[values.length - 1];
  }

  private int[] values(String macro, int cell) {
    return family(macro).mapToInt(l -> l.number(cell)).distinct().sorted().toArray();
  }

  /** Whether a family has an instance. */
  boolean has(String macro, int... cells) {
    List<String> wanted = Arrays.stream(cells).mapToObj(Integer::toString).toList();
    return lines.contains(new Line(macro, wanted));
  }
}
