// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import io.github.kofn.DType;
import io.github.kofn.internal.kernels.ProductKernels.Companion;
import io.github.kofn.internal.kernels.ProductKernels.Pattern;
import io.github.kofn.internal.kernels.View;
import io.github.kofn.sparse.KofNLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * What a product's outputs are sums of: for each group of outputs a list of inputs, and for each
 * input the weights. Both directions have this form (forward, outputs are rows of W; backward,
 * columns), so that one inner loop serves both, and a dense matrix is one block that everything
 * shares.
 *
 * <p>A unit is what shares a list: a block row (backward: a block column), cut to at most {@link
 * #UNIT} outputs.
 */
final class ProductTerms {
  private static final int UNIT = 64;

  /**
   * Terms whose indices are widened at once for a single example: they stay where they are read.
   */
  private static final int TILE = 1 << 11;

  /** The elements of a block row that are read at once, where they are no more than that. */
  private static final int AT_ONCE = 1 << 16;

  private final Pattern pattern;
  private final KofNLayout layout;
  private final Companion companion;
  private final int outputs;
  private final int block;
  private final int split;
  private final int termsOfUnit;
  private final BlockWeights blocks;

  /** The terms of Y = X W^T, or of dX = dY W where a companion is given. */
  private ProductTerms(Pattern pattern, Companion companion, BlockWeights blocks) {
    this.blocks = blocks;
    this.pattern = pattern;
    this.layout = pattern.layout();
    this.companion = companion;
    boolean forward = companion == null;
    this.outputs = forward ? layout.out() : layout.in();
    this.block = Math.min(Math.max(1, outputs), forward ? layout.blockOut() : layout.blockIn());
    this.split = Math.ceilDiv(block, UNIT);
    long kept = forward ? (long) layout.k() * layout.blockIn() : expectedColumn();
    this.termsOfUnit = (int) Math.min(Integer.MAX_VALUE, kept * Math.min(block, UNIT));
  }

  /** The terms of Y = X W^T, whose weights are of any type. */
  static ProductTerms forward(Pattern pattern) {
    return new ProductTerms(asOneBlock(pattern), null, null);
  }

  /** The terms of Y = X W^T; weights that vectors can read are listed by vectors. */
  static ProductTerms forward(Pattern pattern, ProductWidths widths) {
    BlockWeights blocks = BlockWeights.of(widths, pattern.values());
    return new ProductTerms(asOneBlock(pattern), null, blocks);
  }

  /** The terms of Y = X W^T with the blocks as they are stored. */
  static ProductTerms stored(Pattern pattern) {
    return new ProductTerms(pattern, null, null);
  }

  /** The terms of dX = dY W. */
  static ProductTerms backward(Pattern pattern, Companion companion, ProductWidths widths) {
    BlockWeights blocks = BlockWeights.of(widths, pattern.values());
    return new ProductTerms(asOneBlock(pattern), companion, blocks);
  }

  /** A matrix that keeps everything, as a single block of in-place values where it is stored so. */
  private static Pattern asOneBlock(Pattern pattern) {
    KofNLayout l = pattern.layout();
    boolean rowsLieTogether = !pattern.packed() || l.blockOut() == 1;
    if (!l.isDense() || !rowsLieTogether || l.out() == 0 || l.in() == 0) {
      return pattern;
    }
    View v = pattern.values();
    long pitch = pattern.packed() ? (long) l.blockColumns() * l.blockIn() : v.pitch();
    View dense = new View(v.buffer(), v.offset(), v.type(), l.out(), l.in(), pitch, v.layout());
    return new Pattern(new KofNLayout(l.out(), l.in(), l.out(), l.in(), 1), null, false, dense);
  }

  private long expectedColumn() {
    long kept = (long) layout.blockRows() * layout.k();
    return Math.ceilDiv(kept, Math.max(1, layout.blockColumns())) * layout.blockOut();
  }

  int units() {
    return Math.ceilDiv(outputs, block) * (outputs == 0 ? 0 : split);
  }

  /** How many units have about so many weights and outputs at most. */
  int unitsWithin(int terms, int outs) {
    return Math.min(terms / Math.max(1, termsOfUnit), outs / Math.min(block, UNIT));
  }

  /** The block row (backward: block column) of a unit. */
  int blockOf(int unit) {
    return unit / split;
  }

  /** The first output of a unit; of the unit behind the last, the number of outputs. */
  int firstOutput(int unit) {
    long first = (long) (unit / split) * block + (long) (unit % split) * UNIT;
    return (int) Math.min(outputs, first);
  }

  /** The end of a unit's outputs. */
  int endOutput(int unit) {
    long inBlock = Math.min(block, (long) (unit % split + 1) * UNIT);
    return (int) Math.min(outputs, (long) (unit / split) * block + inBlock);
  }

  /** Adds the groups of units [first, end) to the lists. */
  void list(int first, int end, TermLists lists, Scratch scratch) {
    if (isRowsOfSingleWeights()) {
      listRows(first, end, lists);
      return;
    }
    for (int unit = first; unit < end; unit++) {
      list(unit, lists, scratch);
    }
  }

  /** Adds a unit's groups to the lists. */
  void list(int unit, TermLists lists, Scratch scratch) {
    int from = firstOutput(unit);
    int to = endOutput(unit);
    if (from >= to) {
      return;
    }
    if (companion == null) {
      listRow(unit / split, from, to, lists, scratch);
    } else {
      listColumn(unit / split, from, to, lists, scratch);
    }
  }

  /** Whether every output has k packed weights of its own, each with an index of its own. */
  boolean isRowsOfSingleWeights() {
    return companion == null
        && pattern.packed()
        && !keepsEverything()
        && layout.blockOut() == 1
        && layout.blockIn() == 1;
  }

  /**
   * For a batch of one, where {@link #isRowsOfSingleWeights}: partial sums of outputs [from, to).
   */
  void sumRows(int from, int to, float[] x, GatherKernel kernel, float[] sums, Scratch scratch) {
    int k = layout.k();
    int perTile = Math.max(1, TILE / Math.max(1, k));
    int[] columns = scratch.features(Math.multiplyExact(Math.min(perTile, to - from), k));
    View values = pattern.values();
    boolean direct = values.type() == DType.F32 && values.buffer().host().isNative();
    View indices = pattern.indices();
    boolean narrow = indices.type() == DType.U16 && indices.buffer().host().isNative();
    MemorySegment weights = values.buffer().host();
    for (int row = from; row < to; row += perTile) {
      int rows = Math.min(perTile, to - row);
      int count = rows * k;
      long at = values.offset() + 4L * row * k;
      if (!direct) {
        float[] line = scratch.weights(count);
        Elements.read(values, (long) row * k, line, 0, count);
        weights = scratch.floats(2, count);
        at = 0;
        MemorySegment.copy(line, 0, weights, ValueLayout.JAVA_FLOAT, 0, count);
      }
      int sumsAt = (row - from) * kernel.lanes();
      if (narrow) {
        MemorySegment inputs = indices.buffer().host();
        long inputsAt = indices.offset() + 2L * row * k;
        float[] products = scratch.tile(count);
        kernel.rows(x, inputs, inputsAt, weights, at, rows, k, columns, products, sums, sumsAt);
      } else {
        Elements.readIndices(indices, (long) row * k, columns, 0, count, scratch);
        kernel.rows(x, columns, weights, at, rows, k, sums, sumsAt);
      }
    }
  }

  private boolean keepsEverything() {
    return pattern.indices() == null;
  }

  /** Rows of packed single weights lie behind each other as their lists do. */
  private void listRows(int first, int end, TermLists lists) {
    int k = layout.k();
    int count = (end - first) * k;
    int inputsAt = lists.inputs;
    int[] input = lists.inputs(count);
    Elements.readIndices(
        pattern.indices(), (long) first * k, input, inputsAt, count, lists.scratch());
    lists.inputs += count;
    int weightsAt = lists.weights();
    for (int o = first; o < end; o++) {
      lists.group(o, o + 1, inputsAt + (o - first) * k, k);
    }
    Elements.read(pattern.values(), (long) first * k, lists.weight, weightsAt, count);
  }

  private void listRow(int blockRow, int from, int to, TermLists lists, Scratch scratch) {
    int inputsAt = lists.inputs;
    int length = listKept(blockRow, lists);
    int first = lists.group(from, to, inputsAt, length);
    if (blocks != null && BlockWeights.isTurned(to - from, layout.blockIn())) {
      listTurned(blockRow, from, to, first, lists, scratch);
    } else if (pattern.packed()) {
      listPacked(blockRow, first, lists, scratch);
    } else {
      listInPlace(first, lists, scratch);
    }
  }

  /** The weights of groups of outputs [from, to), block after block. */
  private void listTurned(
      int blockRow, int from, int to, int first, TermLists lists, Scratch scratch) {
    int bi = layout.blockIn();
    int length = lists.length(first);
    int inputsAt = lists.inputsAt(first);
    long pitch = pattern.values().pitch();
    MemorySegment stage = blocks.stage(length, to - from, scratch);
    for (int term = 0; term < length; term += bi) {
      int input = lists.input[inputsAt + term];
      int count = Math.min(bi, length - term);
      if (pattern.packed()) {
        long block = (long) blockRow * layout.k() + term / bi;
        long row = block * layout.blockOut() + (from - (long) blockRow * layout.blockOut());
        blocks.turn(row * bi, bi, to - from, count, stage, term);
      } else {
        blocks.turn(from * pitch + input, pitch, to - from, count, stage, term);
      }
    }
    blocks.list(stage, to - from, first, lists);
  }

  private void listInPlace(int first, TermLists lists, Scratch scratch) {
    View values = pattern.values();
    int in = layout.in();
    for (int g = first; g < lists.groups; g++) {
      int length = lists.length(g);
      int outs = lists.outputs(g);
      boolean sparseRow = length < in / 16;
      int width = sparseRow ? length : in;
      float[] lines = scratch.line(Math.multiplyExact(outs, width));
      for (int o = 0; o < outs; o++) {
        long row = (lists.firstOutput(g) + o) * values.pitch();
        if (sparseRow) {
          Elements.readAt(values, row, lists.input, lists.inputsAt(g), lines, o * width, length);
        } else {
          Elements.read(values, row, lines, o * width, width);
        }
      }
      if (sparseRow || length == in) {
        lists.weights(g, lines, 0, width, length, length);
      } else {
        lists.weightsOfInputs(g, lines, width);
      }
    }
  }

  private void listPacked(int blockRow, int first, TermLists lists, Scratch scratch) {
    int bi = layout.blockIn();
    int bo = layout.blockOut();
    long blockSize = (long) bo * bi;
    long at = layout.k() * blockSize * blockRow;
    if (bo <= UNIT && layout.k() * blockSize <= AT_ONCE) {
      int size = (int) (layout.k() * blockSize);
      if (bi == 1 && bo == lists.pitch(first)) {
        // What is stored side by side is wanted so.
        Elements.read(pattern.values(), at, lists.weight, lists.weightsAt(first), size);
        return;
      }
      float[] line = scratch.line(size);
      Elements.read(pattern.values(), at, line, 0, size);
      for (int g = first; g < lists.groups; g++) {
        int inBlock = lists.firstOutput(g) - blockRow * bo;
        lists.weights(g, line, inBlock * bi, bi, bi, (int) blockSize);
      }
      return;
    }
    int width = layout.k() * Math.min(bi, layout.in());
    for (int g = first; g < lists.groups; g++) {
      float[] lines = scratch.line(Math.multiplyExact(lists.outputs(g), width));
      for (int o = 0; o < lists.outputs(g); o++) {
        int inBlock = lists.firstOutput(g) + o - blockRow * bo;
        readPacked(at + (long) inBlock * bi, blockSize, lines, o * width);
      }
      lists.weights(g, lines, 0, width, width, width);
    }
  }

  /** A row of a block row's values, block after block. */
  private void readPacked(long at, long blockSize, float[] line, int to) {
    int bi = Math.min(layout.blockIn(), layout.in());
    if (layout.blockOut() == 1) {
      Elements.read(pattern.values(), at, line, to, layout.k() * bi);
    } else if (bi == 1) {
      for (int j = 0; j < layout.k(); j++) {
        line[to + j] = Elements.get(pattern.values(), at + j * blockSize);
      }
    } else {
      for (int j = 0; j < layout.k(); j++) {
        Elements.read(pattern.values(), at + j * blockSize, line, to + j * bi, bi);
      }
    }
  }

  /** Lists the inputs that a block row keeps; only the last block can be cut off. */
  int listKept(int blockRow, TermLists lists) {
    int bi = layout.blockIn();
    int k = layout.k();
    int at = lists.inputs;
    if (keepsEverything()) {
      lists.listInputs(0, k == 0 ? 0 : layout.in());
      return lists.inputs - at;
    }
    if (bi == 1) {
      int[] target = lists.inputs(k);
      Elements.readIndices(pattern.indices(), (long) blockRow * k, target, at, k, lists.scratch());
      lists.inputs += k;
      return k;
    }
    int[] slots = lists.slots(k);
    Elements.readIndices(pattern.indices(), (long) blockRow * k, slots, 0, k, lists.scratch());
    for (int j = 0; j < k; j++) {
      int first = slots[j] * bi;
      int last = (int) Math.min(layout.in(), (long) first + bi);
      lists.listInputs(first, last);
    }
    return lists.inputs - at;
  }

  private void listColumn(int blockColumn, int from, int to, TermLists lists, Scratch scratch) {
    int entries = 1;
    int[] rows = {0};
    int[] slots = rows;
    if (!keepsEverything()) {
      int[] bounds = new int[2];
      Elements.readIndices(companion.starts(), blockColumn, bounds, 0, 2, lists.scratch());
      entries = bounds[1] - bounds[0];
      rows = lists.slots(2 * entries);
      slots = rows;
      Elements.readIndices(companion.rows(), bounds[0], rows, 0, entries, lists.scratch());
      Elements.readIndices(companion.slots(), bounds[0], slots, entries, entries, lists.scratch());
    }
    int bo = layout.blockOut();
    int inputsAt = lists.inputs;
    for (int e = 0; e < entries; e++) {
      int last = (int) Math.min(layout.out(), (long) (rows[e] + 1) * bo);
      lists.listInputs(rows[e] * bo, last);
    }
    int length = lists.inputs - inputsAt;
    int firstGroup = lists.group(from, to, inputsAt, length);
    if (blocks != null && BlockWeights.isTurned(to - from, bo)) {
      for (int g = firstGroup; g < lists.groups; g++) {
        listLaid(blockColumn, entries, rows, slots, g, lists);
      }
      return;
    }
    float[] line = scratch.line(UNIT);
    int j = 0;
    for (int e = 0; e < entries; e++) {
      int first = rows[e] * bo;
      int last = (int) Math.min(layout.out(), (long) first + bo);
      for (int o = first; o < last; o++) {
        long at = o * pattern.values().pitch() + from;
        if (pattern.packed()) {
          int slot = slots[entries + e];
          at =
              (((long) rows[e] * layout.k() + slot) * bo + (o - first)) * layout.blockIn()
                  + (from - (long) blockColumn * layout.blockIn());
        }
        Elements.read(pattern.values(), at, line, 0, to - from);
        lists.weightsOfTerm(firstGroup, j++, line, to - from);
      }
    }
  }

  /** The weights of a group of columns, a block's rows after the other's. */
  private void listLaid(
      int blockColumn, int entries, int[] rows, int[] slots, int group, TermLists lists) {
    int bo = layout.blockOut();
    int bi = layout.blockIn();
    long pitch = pattern.values().pitch();
    int column = lists.firstOutput(group);
    int term = 0;
    for (int e = 0; e < entries; e++) {
      int first = rows[e] * bo;
      int count = Math.min(bo, layout.out() - first);
      if (pattern.packed()) {
        long block = (long) rows[e] * layout.k() + slots[entries + e];
        long index = block * bo * bi + (column - (long) blockColumn * bi);
        blocks.list(index, bi, count, lists, group, term);
      } else {
        blocks.list(first * pitch + column, pitch, count, lists, group, term);
      }
      term += count;
    }
  }
}
