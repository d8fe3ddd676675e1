// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import java.util.Arrays;

/**
 * The terms of one channel of the result, spread over its pixels: for each kind of pixel the
 * features of the source that it reads, counted from the pixel's base, and their weights, side by
 * side. Pixels of one kind share a list; only the base moves with them.
 */
final class ConvolutionWindows {
  private static final int ABSENT = Integer.MIN_VALUE;

  private final ConvolutionAxis rows;
  private final ConvolutionAxis columns;
  private final int sourceWidth;
  private final int[] begin;

  /** The features of all kinds' lists. */
  final int[] input;

  /** The weights of all kinds' lists. */
  final float[] weight;

  /** Which term each entry of the lists is. */
  final int[] term;

  ConvolutionWindows(
      ConvolutionAxis rows,
      ConvolutionAxis columns,
      int kernelWidth,
      int sourcePlane,
      int sourceWidth,
      ConvolutionTerms terms) {
    this.rows = rows;
    this.columns = columns;
    this.sourceWidth = sourceWidth;
    int kinds = rows.kinds() * columns.kinds();
    begin = new int[kinds + 1];
    int[][] offset = new int[kinds][];
    int kernel = 0;
    for (int i = 0; i < terms.count; i++) {
      kernel = Math.max(kernel, terms.tap[i] + 1);
    }
    int room = 0;
    for (int kind = 0; kind < kinds; kind++) {
      offset[kind] = offsets(kind, kernel, kernelWidth);
      for (int i = 0; i < terms.count; i++) {
        room += offset[kind][terms.tap[i]] == ABSENT ? 0 : 1;
      }
      begin[kind + 1] = room;
    }
    input = new int[room];
    weight = new float[room];
    term = new int[room];
    int at = 0;
    for (int kind = 0; kind < kinds; kind++) {
      for (int i = 0; i < terms.count; i++) {
        int from = offset[kind][terms.tap[i]];
        if (from != ABSENT) {
          input[at] = terms.channel[i] * sourcePlane + from;
          weight[at] = terms.weight[i];
          term[at++] = i;
        }
      }
    }
  }

  /** Each tap's feature within a plane of the source, counted from the base. */
  private int[] offsets(int kind, int kernel, int kernelWidth) {
    int[] offset = new int[kernel];
    Arrays.fill(offset, ABSENT);
    int r = kind / columns.kinds();
    int c = kind % columns.kinds();
    for (int i = 0; i < rows.taps.get(r).length; i++) {
      for (int j = 0; j < columns.taps.get(c).length; j++) {
        int tap = rows.taps.get(r)[i] * kernelWidth + columns.taps.get(c)[j];
        if (tap < kernel) {
          offset[tap] = rows.offsets.get(r)[i] * sourceWidth + columns.offsets.get(c)[j];
        }
      }
    }
    return offset;
  }

  int pixels() {
    return rows.positions() * columns.positions();
  }

  private int kind(int pixel) {
    int width = columns.positions();
    return rows.kind[pixel / width] * columns.kinds() + columns.kind[pixel % width];
  }

  /** Where a pixel's list begins. */
  int begin(int pixel) {
    return begin[kind(pixel)];
  }

  /** How long a pixel's list is. */
  int length(int pixel) {
    int kind = kind(pixel);
    return begin[kind + 1] - begin[kind];
  }

  /** Where the run of neighbouring terms from one entry of a list ends. */
  int runEnd(int from, int end) {
    if (end - from == term[end - 1] - term[from] + 1) {
      return end;
    }
    int at = from + 1;
    while (at < end && term[at] == term[at - 1] + 1) {
      at++;
    }
    return at;
  }

  /** The feature from which a pixel's features are counted; may lie outside the source. */
  int base(int pixel) {
    int width = columns.positions();
    return rows.base[pixel / width] * sourceWidth + columns.base[pixel % width];
  }
}
