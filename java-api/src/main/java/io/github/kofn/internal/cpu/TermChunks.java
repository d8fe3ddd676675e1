// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import java.util.Arrays;

/**
 * The terms of some neighbouring outputs, in the order in which {@link ChunkKernel} reads them.
 *
 * <pre>
 *              chunk 0        chunk 1      a chunk: inputs whose rows of a panel stay in a cache near
 *  output 0  [ x  x   x   |   x      x ]   the processor while all outputs meet them.
 *  output 1  [   x        | x   x x    ]   Within a chunk outputs with as many terms stand behind
 *  output 2  [  x   x   x |  x     x   ]   each other, a run, for which inner loops all turn
 *                                          equally often: the processor guesses their ends.
 * </pre>
 *
 * <p>Within a run outputs stand in lines: of one output, or of two whose terms take turns, so that
 * two sums grow side by side. A line begins with its outputs:
 *
 * <pre>
 *  o t t t    or    o p  t u  t u  t u
 * </pre>
 *
 * <p>An output's terms keep their order, so that its sum depends neither on chunks nor on lines.
 * Arrays are used again for the next pattern.
 */
final class TermChunks {
  /** The fields of a run: chunk, terms of an output, outputs of a line, where its lines begin. */
  private static final int FIELDS = 4;

  private final int firstOutput;
  private final int endOutput;
  private final int chunks;
  private int size;
  private int runs;
  private int[] table = new int[64 * FIELDS];
  private int[] counts = new int[0];
  private final int shift;
  private final int together;
  private final int[] ofLength;
  private final int[] linesAt;
  private final int[] met;
  private char[] lines = new char[0];
  private int[] positions = new int[0];

  /**
   * For outputs [first, end), 65536 at most, of so many inputs.
   *
   * @param chunk the inputs of a chunk, a power of two
   * @param together the outputs that a line has if there are so many, 1 or 2
   */
  TermChunks(int first, int end, int inputs, int chunk, int together) {
    firstOutput = first;
    endOutput = end;
    chunks = Math.ceilDiv(inputs, chunk);
    shift = Integer.numberOfTrailingZeros(chunk);
    ofLength = new int[chunk + 1];
    this.together = together;
    linesAt = new int[chunk + 1];
    met = new int[chunk + 1];
  }

  /**
   * How many inputs a chunk best has where outputs have so many terms: 128, 32 KiB a panel, which
   * the first-level cache holds, where an output then has 8 terms a chunk and more; else its sums'
   * way in and out counts for more than that of X, and chunks grow to what the second-level cache
   * holds.
   */
  static int best(long terms, long inputs) {
    if (16 * terms >= inputs) {
      return 128;
    }
    return 32 * terms >= inputs ? 256 : 1024;
  }

  /** The inputs of a chunk. */
  int inputs() {
    return 1 << shift;
  }

  int firstOutput() {
    return firstOutput;
  }

  int endOutput() {
    return endOutput;
  }

  /** The size of all lines: the number of terms, and of outputs in chunks. */
  int size() {
    return size;
  }

  /** Where each term's weight is to be found; of outputs, 0. */
  int[] positions() {
    return positions;
  }

  /** The lines: outputs, counted from the first of all, and terms' inputs, from their chunk's. */
  char[] lines() {
    return lines;
  }

  int runs() {
    return runs;
  }

  int chunk(int run) {
    return table[run * FIELDS];
  }

  /** How many terms each output of a run has. */
  int length(int run) {
    return table[run * FIELDS + 1];
  }

  /** How many outputs a line of a run has. */
  int outputs(int run) {
    return table[run * FIELDS + 2];
  }

  /** Where a run's lines begin; they end where the next run's begin. */
  int begin(int run) {
    return table[run * FIELDS + 3];
  }

  /**
   * Lays out terms: the inputs of output {@code o}, ascending, from {@code starts[o - firstOutput]}
   * to the next start, and where their weights are to be found.
   */
  void fill(int[] starts, int[] inputs, int[] at) {
    int count = endOutput - firstOutput;
    int most = Math.addExact(starts[count] - starts[0], Math.multiplyExact(count, chunks));
    if (lines.length < most) {
      lines = new char[most];
      positions = new int[most];
    }
    counts = cleared(counts, count * chunks);
    for (int o = 0; o < count; o++) {
      for (int t = starts[o]; t < starts[o + 1]; t++) {
        counts[o * chunks + (inputs[t] >>> shift)]++;
      }
    }
    order(count);
    for (int o = 0; o < count; o++) {
      for (int t = starts[o]; t < starts[o + 1]; t++) {
        int cell = o * chunks + (inputs[t] >>> shift);
        int to = counts[cell] >>> 2;
        counts[cell] += (counts[cell] & 3) << 2;
        lines[to] = (char) (inputs[t] & ((1 << shift) - 1));
        positions[to] = at[t];
      }
    }
  }

  private static int[] cleared(int[] array, int length) {
    if (array.length < length) {
      return new int[length];
    }
    Arrays.fill(array, 0, length, 0);
    return array;
  }

  /** Makes the runs, begins their lines, and makes of each count where its first term goes. */
  private void order(int count) {
    runs = 0;
    size = 0;
    for (int c = 0; c < chunks; c++) {
      Arrays.fill(ofLength, 0);
      Arrays.fill(met, 0);
      for (int o = 0; o < count; o++) {
        ofLength[counts[o * chunks + c]]++;
      }
      // The first chunk lists outputs without terms, too: their sums must become 0.
      int least = c == 0 ? 0 : 1;
      for (int length = least; length < ofLength.length; length++) {
        linesAt[length] = size;
        addRuns(c, length, ofLength[length]);
      }
      for (int o = 0; o < count; o++) {
        int length = counts[o * chunks + c];
        if (length >= least) {
          counts[o * chunks + c] = begin(o, length);
        }
      }
    }
    addRun(chunks, 0, 0);
    runs--;
  }

  private void addRuns(int chunk, int length, int outs) {
    int rest = outs % together;
    if (outs > rest) {
      addRun(chunk, length, together);
      size += (outs - rest) * (length + 1);
    }
    if (rest > 0) {
      addRun(chunk, length, 1);
      size += rest * (length + 1);
    }
  }

  /** Lists an output in its line; four times where its terms begin, and how far apart they are. */
  private int begin(int output, int length) {
    int index = met[length]++;
    int turn = index % together;
    boolean alone = index - turn + together > ofLength[length];
    int step = alone ? 1 : together;
    int line = linesAt[length] + (alone ? index : index - turn) * (length + 1);
    int at = line + (alone ? 0 : turn);
    lines[at] = (char) output;
    positions[at] = 0;
    return (at + step) << 2 | step;
  }

  private void addRun(int chunk, int length, int outputs) {
    int at = FIELDS * runs++;
    if (table.length < at + FIELDS) {
      table = Arrays.copyOf(table, 2 * table.length);
    }
    table[at] = chunk;
    table[at + 1] = length;
    table[at + 2] = outputs;
    table[at + 3] = size;
  }
}
