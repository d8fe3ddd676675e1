// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cuda;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The kernel instances that were built, from the table that the CUDA build expands as macros: tile
 * sizes, thread counts and types stand there and nowhere else.
 *
 * @param groups kernels that hold a row in a group of lanes, shortest rows first within a type
 * @param blocks kernels that hold a row in a block, shortest rows first within a type
 * @param rows kernels for rows of any length
 */
record Catalogue(List<Group> groups, List<Block> blocks, List<Rows> rows) {

  /** A row in {@code lanes} lanes of {@code quads} quads each. */
  record Group(String type, int lanes, int quads, int threads) {
    int capacity() {
      return 4 * lanes * quads;
    }

    int rowsPerBlock() {
      return threads / lanes;
    }

    String entry() {
      return "kofn_draw_group_" + type + "_" + lanes + "_" + quads;
    }
  }

  /** A row in a block of up to {@code threads} threads of {@code quads} quads each. */
  record Block(String type, int quads, int threads) {
    int capacity() {
      return 4 * quads * threads;
    }

    /** As many warps as a row of length {@code n} needs, in threads. */
    int threadsFor(long n) {
      return Math.toIntExact(32 * Math.max(1, Math.ceilDiv(n, 32L * 4 * quads)));
    }

    String entry() {
      return "kofn_draw_block_" + type + "_" + threads;
    }
  }

  /** Kernels that walk over rows with {@code threads} threads. */
  record Rows(String type, int threads) {
    String entry(String name) {
      return "kofn_" + name + "_" + type;
    }
  }

  /** Reads the table. */
  static Catalogue parse(InputStream in) throws IOException {
    List<Group> groups = new ArrayList<>();
    List<Block> blocks = new ArrayList<>();
    List<Rows> rows = new ArrayList<>();
    for (String line : new String(in.readAllBytes(), StandardCharsets.UTF_8).split("\n", -1)) {
      if (!line.startsWith("KOFN_")) {
        continue;
      }
      String macro = line.substring(0, line.indexOf('('));
      String[] cells = line.substring(line.indexOf('(') + 1, line.indexOf(')')).split(",", -1);
      int[] numbers =
          Arrays.stream(cells, 1, cells.length)
              .map(String::strip)
              .mapToInt(Integer::parseInt)
              .toArray();
      switch (macro) {
        case "KOFN_GROUP" -> groups.add(new Group(cells[0], numbers[0], numbers[1], numbers[2]));
        case "KOFN_BLOCK" -> blocks.add(new Block(cells[0], numbers[0], numbers[1]));
        case "KOFN_ROWS" -> rows.add(new Rows(cells[0], numbers[0]));
        default -> throw new IOException("the kernel catalogue has a line " + line);
      }
    }
    return new Catalogue(groups, blocks, rows);
  }
}
