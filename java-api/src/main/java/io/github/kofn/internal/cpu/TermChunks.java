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
 * <p>An output's terms keep their order, so that its sum does not depend on the chunks. Arrays are
 * used again for the next pattern.
 */
final class TermChunks {
  /** The fields of a run: chunk, terms of each output, where its outputs and its terms begin. */
  private static final int FIELDS = 4;

  private final int firstOutput;
  private final int endOutput;
  private final int chunks;
  private int size;
  private int runs;
  private int[] table = new int[64 * FIELDS];
  private int[] counts = new int[0];
  private final int shift;
  private final int[] ofLength;
  private final int[] nextOutput;
  private final int[] nextTerm;
  private char[] outputs = new char[0];
  private char[] terms = new char[0];
  private int[] positions = new int[0];

  /** For outputs [first, end), 65536 at most, of so many inputs and so many inputs in a chunk. */
  TermChunks(int first, int end, int inputs, int chunk) {
    firstOutput = first;
    endOutput = end;
    chunks = Math.ceilDiv(inputs, chunk);
    shift = Integer.numberOfTrailingZeros(chunk);
    ofLength = new int[chunk + 1];
    nextOutput = new int[chunk + 1];
    nextTerm = new int[chunk + 1];
  }

  /**
   * How many inputs a chunk best has where outputs have so many terms: 128, 32 KiB a panel, which
   * the first-level cache holds, where an output then has 16 terms a chunk and more; else its sums'
   * way in and out counts for more than that of X, and chunks grow to what the second-level cache
   * holds.
   */
  static int best(long terms, long inputs) {
    if (8 * terms >= inputs) {
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

  /** The number of terms. */
  int size() {
    return size;
  }

  /** Where each term's weight is to be found. */
  int[] positions() {
    return positions;
  }

  /** Each term's input, counted from the first of its chunk. */
  char[] terms() {
    return terms;
  }

  /** Outputs in the order of runs, counted from the first of all. */
  char[] outputs() {
    return outputs;
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

  int firstOutput(int run) {
    return table[run * FIELDS + 2];
  }

  int endOutput(int run) {
    return table[(run + 1) * FIELDS + 2];
  }

  int termsAt(int run) {
    return table[run * FIELDS + 3];
  }

  /**
   * Lays out terms: the inputs of output {@code o}, ascending, from {@code starts[o - firstOutput]}
   * to the next start, and where their weights are to be found.
   */
  void fill(int[] starts, int[] inputs, int[] at) {
    int count = endOutput - firstOutput;
    size = starts[count] - starts[0];
    counts = cleared(counts, count * chunks);
    outputs = outputs.length >= count * chunks ? outputs : new char[count * chunks];
    if (terms.length < size) {
      terms = new char[size];
      positions = new int[size];
    }
    for (int o = 0; o < count; o++) {
      for (int t = starts[o]; t < starts[o + 1]; t++) {
        counts[o * chunks + (inputs[t] >>> shift)]++;
      }
    }
    order(count);
    for (int o = 0; o < count; o++) {
      for (int t = starts[o]; t < starts[o + 1]; t++) {
        int to = counts[o * chunks + (inputs[t] >>> shift)]++;
        terms[to] = (char) (inputs[t] & ((1 << shift) - 1));
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

  /** Makes the runs, and of each count the place of its first term. */
  private void order(int count) {
    runs = 0;
    int outputsAt = 0;
    int termsAt = 0;
    for (int c = 0; c < chunks; c++) {
      Arrays.fill(ofLength, 0);
      for (int o = 0; o < count; o++) {
        ofLength[counts[o * chunks + c]]++;
      }
      // The first chunk lists outputs without terms, too: their sums must become 0.
      for (int length = c == 0 ? 0 : 1; length < ofLength.length; length++) {
        int outs = ofLength[length];
        if (outs > 0) {
          addRun(c, length, outputsAt, termsAt);
          nextOutput[length] = outputsAt;
          nextTerm[length] = termsAt;
          outputsAt += outs;
          termsAt += outs * length;
        }
      }
      for (int o = 0; o < count; o++) {
        int length = counts[o * chunks + c];
        if (length > 0 || c == 0) {
          outputs[nextOutput[length]++] = (char) o;
          counts[o * chunks + c] = nextTerm[length];
          nextTerm[length] += length;
        }
      }
    }
    addRun(chunks, 0, outputsAt, termsAt);
    runs--;
  }

  private void addRun(int chunk, int length, int outputsAt, int termsAt) {
    int at = FIELDS * runs++;
    if (table.length < at + FIELDS) {
      table = Arrays.copyOf(table, 2 * table.length);
    }
    table[at] = chunk;
    table[at + 1] = length;
    table[at + 2] = outputsAt;
    table[at + 3] = termsAt;
  }
}
