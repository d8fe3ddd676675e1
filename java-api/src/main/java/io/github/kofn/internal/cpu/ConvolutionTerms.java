// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import io.github.kofn.internal.kernels.ProductKernels.Companion;
import io.github.kofn.internal.kernels.ProductKernels.Pattern;
import io.github.kofn.sparse.Convolution;
import io.github.kofn.sparse.KofNLayout;
import java.util.Arrays;

/**
 * The weights that a channel of the result depends on: for each the channel of the source, the tap
 * (row * kernelWidth + column) and the value, in an order that depends on the pattern alone.
 */
final class ConvolutionTerms {
  private final Convolution shape;
  private final Pattern pattern;
  private final KofNLayout layout;
  int[] channel = new int[64];
  int[] tap = new int[64];
  float[] weight = new float[64];
  int count;

  private ConvolutionTerms(Convolution shape, Pattern pattern) {
    this.shape = shape;
    this.pattern = pattern;
    this.layout = pattern.layout();
  }

  /** What a feature map of y keeps, by ascending column of the weights. */
  static ConvolutionTerms kept(Convolution shape, Pattern pattern, int output, Scratch scratch) {
    ConvolutionTerms terms = new ConvolutionTerms(shape, pattern);
    int row = output / terms.layout.blockOut();
    int[] columns = new int[terms.layout.k()];
    Elements.readIndices(
        pattern.indices(), (long) row * columns.length, columns, 0, columns.length, scratch);
    for (int slot = 0; slot < columns.length; slot++) {
      int first = columns[slot] * terms.layout.blockIn();
      int end = (int) Math.min(terms.layout.in(), (long) first + terms.layout.blockIn());
      terms.append(output, slot, first, end, -1);
    }
    return terms;
  }

  /** The feature maps of y that keep taps of a channel of x, block column by block column. */
  static ConvolutionTerms keeping(
      Convolution shape, Pattern pattern, Companion companion, int input, Scratch scratch) {
    ConvolutionTerms terms = new ConvolutionTerms(shape, pattern);
    KofNLayout layout = terms.layout;
    int from = input * shape.kernelSize();
    int to = from + shape.kernelSize();
    int bi = layout.blockIn();
    int[] ends = new int[2];
    for (int column = from / bi; column <= (to - 1) / bi; column++) {
      Elements.readIndices(companion.starts(), column, ends, 0, 2, scratch);
      int entries = ends[1] - ends[0];
      int[] rows = new int[entries];
      int[] slots = new int[entries];
      Elements.readIndices(companion.rows(), ends[0], rows, 0, entries, scratch);
      Elements.readIndices(companion.slots(), ends[0], slots, 0, entries, scratch);
      int first = Math.max(from, column * bi);
      int end = (int) Math.min(to, (long) column * bi + bi);
      for (int e = 0; e < entries; e++) {
        int o = rows[e] * layout.blockOut();
        int last = (int) Math.min(layout.out(), (long) o + layout.blockOut());
        for (; o < last; o++) {
          terms.append(o, slots[e], first, end, o);
        }
      }
    }
    return terms;
  }

  /** Every tap of every kernel, with values left out. */
  static ConvolutionTerms all(Convolution shape, Pattern pattern) {
    ConvolutionTerms terms = new ConvolutionTerms(shape, pattern);
    terms.grow(shape.weightColumns());
    for (int column = 0; column < shape.weightColumns(); column++) {
      terms.place(column, -1);
    }
    return terms;
  }

  /** Columns [first, end) of a row of the weights; source is -1 where each names its own. */
  private void append(int output, int slot, int first, int end, int source) {
    grow(count + end - first);
    Elements.read(pattern.values(), position(output, slot, first), weight, count, end - first);
    for (int column = first; column < end; column++) {
      place(column, source);
    }
  }

  private void place(int column, int source) {
    channel[count] = source < 0 ? column / shape.kernelSize() : source;
    tap[count++] = column % shape.kernelSize();
  }

  private void grow(int size) {
    if (size > weight.length) {
      int room = Math.max(size, 2 * weight.length);
      channel = Arrays.copyOf(channel, room);
      tap = Arrays.copyOf(tap, room);
      weight = Arrays.copyOf(weight, room);
    }
  }

  /** Where element (output, column) lies, which is in the block of a slot. */
  private long position(int output, int slot, int column) {
    if (!pattern.packed()) {
      return output * pattern.values().pitch() + column;
    }
    int row = output / layout.blockOut();
    long line = ((long) row * layout.k() + slot) * layout.blockOut() + output % layout.blockOut();
    return line * layout.blockIn() + column % layout.blockIn();
  }

  /** Writes one value a term of {@link #kept} into memory shaped like the pattern's values. */
  void write(int output, float[] values) {
    int bi = layout.blockIn();
    for (int at = 0, slot = 0; at < count; slot++) {
      int column = channel[at] * shape.kernelSize() + tap[at];
      int run = Math.min(bi, layout.in() - column);
      Elements.write(pattern.values(), position(output, slot, column), values, at, run);
      at += run;
    }
  }
}
