// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import io.github.kofn.DType;
import io.github.kofn.internal.kernels.ProductKernels.Companion;
import io.github.kofn.internal.kernels.ProductKernels.Pattern;
import io.github.kofn.internal.kernels.View;
import io.github.kofn.sparse.KofNLayout;
import java.util.Arrays;

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

  /** The elements of a block row that are read at once, where they are no more than that. */
  private static final int AT_ONCE = 1 << 16;

  private final Pattern pattern;
  private final KofNLayout layout;
  private final Companion companion;
  private final int outputs;
  private final int block;
  private final int split;
  private final int termsOfUnit;

  /** The terms of Y = X W^T, or of dX = dY W where a companion is given. */
  private ProductTerms(Pattern pattern, Companion companion) {
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

  static ProductTerms forward(Pattern pattern) {
    return new ProductTerms(asOneBlock(pattern), null);
  }

  /** The terms of Y = X W^T with the blocks as they are stored. */
  static ProductTerms stored(Pattern pattern) {
    return new ProductTerms(pattern, null);
  }

  static ProductTerms backward(Pattern pattern, Companion companion) {
    return new ProductTerms(asOneBlock(pattern), companion);
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
  void list(int first, int end, Lists lists, Scratch scratch) {
    if (companion != null
        && !keepsEverything()
        && layout.blockOut() == 1
        && layout.blockIn() == 1) {
      listSingleWeights(first, end, lists, scratch);
      return;
    }
    for (int unit = first; unit < end; unit++) {
      list(unit, lists, scratch);
    }
  }

  /** Adds a unit's groups to the lists. */
  void list(int unit, Lists lists, Scratch scratch) {
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

  /** For a batch of one, where {@link #isRowsOfSingleWeights}: the sums of outputs [from, to). */
  void sumRows(int from, int to, float[] x, float[] sums, Scratch scratch) {
    int k = layout.k();
    int count = (to - from) * k;
    float[] values = scratch.weights(count);
    Elements.read(pattern.values(), (long) from * k, values, 0, count);
    if (pattern.indices().type() == DType.U16) {
      char[] columns = scratch.chars(count);
      Elements.readChars(pattern.indices(), (long) from * k, columns, count);
      for (int o = 0; o < to - from; o++) {
        sums[o] = ProductScalar.sum(x, columns, values, o * k, k);
      }
      return;
    }
    int[] columns = scratch.features(count);
    Elements.readIndices(pattern.indices(), (long) from * k, columns, 0, count, scratch);
    for (int o = 0; o < to - from; o++) {
      sums[o] = ProductScalar.sum(x, columns, o * k, k, values, o * k);
    }
  }

  private boolean keepsEverything() {
    return pattern.indices() == null;
  }

  private void listRow(int blockRow, int from, int to, Lists lists, Scratch scratch) {
    int inputsAt = lists.inputs;
    int length = listKept(blockRow, lists);
    if (pattern.packed()) {
      listPacked(blockRow, from, to, inputsAt, length, lists, scratch);
      return;
    }
    View values = pattern.values();
    boolean sparseRow = length < layout.in() / 16;
    float[] line = scratch.line(layout.in());
    for (int o = from; o < to; o++) {
      if ((o - from) % ProductLanes.GROUP == 0) {
        lists.group(o, Math.min(ProductLanes.GROUP, to - o), inputsAt, length);
      }
      if (sparseRow) {
        Elements.readAt(values, o * values.pitch(), lists.input, inputsAt, line, 0, length);
        lists.weights(o, line, 0, 1, 1);
      } else {
        Elements.read(values, o * values.pitch(), line, 0, layout.in());
        lists.weightsOfInputs(o, line);
      }
    }
  }

  private void listPacked(
      int blockRow, int from, int to, int inputsAt, int length, Lists lists, Scratch scratch) {
    int bi = layout.blockIn();
    long blockSize = (long) layout.blockOut() * bi;
    long size = layout.k() * blockSize;
    boolean atOnce = layout.blockOut() <= UNIT && size <= AT_ONCE;
    float[] line = scratch.line(atOnce ? (int) size : layout.k() * Math.min(bi, layout.in()));
    if (atOnce) {
      Elements.read(pattern.values(), blockRow * size, line, 0, (int) size);
    }
    for (int o = from; o < to; o++) {
      int inBlock = o - blockRow * layout.blockOut();
      if ((o - from) % ProductLanes.GROUP == 0) {
        lists.group(o, Math.min(ProductLanes.GROUP, to - o), inputsAt, length);
      }
      if (atOnce) {
        lists.weights(o, line, inBlock * bi, bi, (int) blockSize);
      } else {
        readPacked(blockRow * size + (long) inBlock * bi, blockSize, line);
        lists.weights(o, line, 0, 1, 1);
      }
    }
  }

  private void readPacked(long at, long blockSize, float[] line) {
    int bi = Math.min(layout.blockIn(), layout.in());
    if (layout.blockOut() == 1) {
      Elements.read(pattern.values(), at, line, 0, layout.k() * bi);
    } else if (bi == 1) {
      for (int j = 0; j < layout.k(); j++) {
        line[j] = Elements.get(pattern.values(), at + j * blockSize);
      }
    } else {
      for (int j = 0; j < layout.k(); j++) {
        Elements.read(pattern.values(), at + j * blockSize, line, j * bi, bi);
      }
    }
  }

  /** Lists the inputs that a block row keeps; only the last block can be cut off. */
  int listKept(int blockRow, Lists lists) {
    int bi = layout.blockIn();
    int k = layout.k();
    int at = lists.inputs;
    if (keepsEverything()) {
      for (int i = 0, end = k == 0 ? 0 : layout.in(); i < end; i++) {
        lists.input(i);
      }
      return lists.inputs - at;
    }
    if (bi == 1) {
      int[] target = lists.inputs(k);
      Elements.readIndices(pattern.indices(), (long) blockRow * k, target, at, k, lists.scratch);
      lists.inputs += k;
      return k;
    }
    int[] slots = lists.slots(k);
    Elements.readIndices(pattern.indices(), (long) blockRow * k, slots, 0, k, lists.scratch);
    for (int j = 0; j < k; j++) {
      int first = slots[j] * bi;
      int last = (int) Math.min(layout.in(), (long) first + bi);
      for (int i = first; i < last; i++) {
        lists.input(i);
      }
    }
    return lists.inputs - at;
  }

  private void listColumn(int blockColumn, int from, int to, Lists lists, Scratch scratch) {
    int entries = 1;
    int[] rows = {0};
    int[] slots = rows;
    if (!keepsEverything()) {
      int[] bounds = new int[2];
      Elements.readIndices(companion.starts(), blockColumn, bounds, 0, 2, lists.scratch);
      entries = bounds[1] - bounds[0];
      rows = lists.slots(2 * entries);
      slots = rows;
      Elements.readIndices(companion.rows(), bounds[0], rows, 0, entries, lists.scratch);
      Elements.readIndices(companion.slots(), bounds[0], slots, entries, entries, lists.scratch);
    }
    int bo = layout.blockOut();
    int inputsAt = lists.inputs;
    if (to - from == 1) {
      listSingleColumn(blockColumn, from, entries, rows, slots, lists);
      return;
    }
    for (int e = 0; e < entries; e++) {
      int last = (int) Math.min(layout.out(), (long) (rows[e] + 1) * bo);
      for (int o = rows[e] * bo; o < last; o++) {
        lists.input(o);
      }
    }
    int length = lists.inputs - inputsAt;
    int firstGroup = lists.groups;
    for (int i = from; i < to; i += ProductLanes.GROUP) {
      lists.group(i, Math.min(ProductLanes.GROUP, to - i), inputsAt, length);
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

  /**
   * Columns of single weights, a row of W after the other: elements of a row lie near each other,
   * those of a column lie a row apart. Each column's list grows at an end of its own.
   */
  private void listSingleWeights(int first, int end, Lists lists, Scratch scratch) {
    int columns = end - first;
    int k = layout.k();
    int[] next = lists.slots(columns + 1 + k);
    Elements.readIndices(companion.starts(), first, next, 0, columns + 1, scratch);
    int base = next[0];
    int inputsAt = lists.inputs - base;
    int weightsAt = lists.weights - base;
    int[] input = lists.inputs(next[columns] - base);
    lists.inputs += next[columns] - base;
    for (int c = 0; c < columns; c++) {
      lists.group(first + c, 1, inputsAt + next[c], next[c + 1] - next[c]);
    }
    float[] weight = lists.weight;
    float[] line = scratch.line(k);
    View values = pattern.values();
    for (int o = 0; o < layout.out(); o++) {
      long row = (long) o * k;
      int from = Elements.lowerBound(pattern.indices(), row, k, first);
      int to = Elements.lowerBound(pattern.indices(), row, k, end);
      int count = to - from;
      Elements.readIndices(pattern.indices(), row + from, next, columns + 1, count, scratch);
      if (pattern.packed()) {
        Elements.read(values, row + from, line, 0, count);
      } else {
        Elements.readAt(values, o * values.pitch(), next, columns + 1, line, 0, count);
      }
      for (int j = 0; j < count; j++) {
        int at = next[next[columns + 1 + j] - first]++;
        input[inputsAt + at] = o;
        weight[weightsAt + at] = line[j];
      }
    }
  }

  /** One column of W: its elements lie apart, and are fetched one by one. */
  private void listSingleColumn(
      int blockColumn, int column, int entries, int[] rows, int[] slots, Lists lists) {
    int bo = layout.blockOut();
    int inputsAt = lists.inputs;
    int[] input = lists.inputs(Math.multiplyExact(entries, bo));
    int length = 0;
    for (int e = 0; e < entries; e++) {
      int first = rows[e] * bo;
      int end = Math.min(bo, layout.out() - first) + first;
      for (int o = first; o < end; o++) {
        input[inputsAt + length++] = o;
      }
    }
    lists.inputs += length;
    lists.group(column, 1, inputsAt, length);
    int weightsAt = lists.weightsAt(lists.groups - 1);
    View values = pattern.values();
    if (!pattern.packed()) {
      Elements.readColumn(values, column, input, inputsAt, lists.weight, weightsAt, length);
      return;
    }
    // Packed values as a matrix of rows of blocks: entry e's block begins in row (row k + slot) bo.
    View blocks =
        new View(
            values.buffer(),
            values.offset(),
            values.type(),
            0,
            0,
            layout.blockIn(),
            values.layout());
    int[] packedRows = lists.positions(length);
    int next = 0;
    for (int e = 0; e < entries; e++) {
      int first = (rows[e] * layout.k() + slots[entries + e]) * bo;
      int count = Math.min(bo, layout.out() - rows[e] * bo);
      for (int i = 0; i < count; i++) {
        packedRows[next++] = first + i;
      }
    }
    long inBlock = column - (long) blockColumn * layout.blockIn();
    Elements.readColumn(blocks, inBlock, packedRows, 0, lists.weight, weightsAt, length);
  }

  /** The lists of a few units, in arrays that are used again. */
  static final class Lists {
    private static final int FIELDS = 5;

    private final Scratch scratch;
    private int[] slots = new int[0];
    private int[] positions = new int[0];
    private int[] table = new int[64];
    int[] input;
    float[] weight;
    int groups;
    private int inputs;
    private int weights;

    Lists(Scratch scratch) {
      this.scratch = scratch;
    }

    /** Empties the lists. */
    void clear() {
      input = scratch.features(64);
      weight = scratch.weights(64);
      groups = 0;
      inputs = 0;
      weights = 0;
    }

    int firstOutput(int group) {
      return table[FIELDS * group];
    }

    int outputs(int group) {
      return table[FIELDS * group + 1];
    }

    int inputsAt(int group) {
      return table[FIELDS * group + 2];
    }

    int length(int group) {
      return table[FIELDS * group + 3];
    }

    int weightsAt(int group) {
      return table[FIELDS * group + 4];
    }

    int inputs() {
      return inputs;
    }

    int weights() {
      return weights;
    }

    /** How many weights stand side by side for each input. */
    static int pitch(int outputs) {
      return outputs == 1 ? 1 : ProductLanes.GROUP;
    }

    /** Begins a group of outputs whose inputs are listed already. */
    void group(int first, int count, int inputsAt, int length) {
      int at = FIELDS * groups++;
      if (table.length < at + FIELDS) {
        table = Arrays.copyOf(table, 2 * table.length);
      }
      table[at] = first;
      table[at + 1] = count;
      table[at + 2] = inputsAt;
      table[at + 3] = length;
      table[at + 4] = weights;
      int size = Math.multiplyExact(length, pitch(count));
      weight = scratch.weights(Math.addExact(weights, size));
      if (count > 1) {
        Arrays.fill(weight, weights, weights + size, 0);
      }
      weights += size;
    }

    private int[] inputs(int more) {
      input = scratch.features(Math.addExact(inputs, more));
      return input;
    }

    private void input(int value) {
      if (inputs == input.length) {
        input = scratch.features(inputs + 1);
      }
      input[inputs++] = value;
    }

    private int[] positions(int size) {
      positions = positions.length >= size ? positions : new int[size + size / 4];
      return positions;
    }

    private int[] slots(int size) {
      slots = slots.length >= size ? slots : new int[size + size / 4];
      return slots;
    }

    /**
     * The weights of an output of the last group, in the order of its inputs: runs of neighbours,
     * {@code distance} apart.
     */
    private void weights(int output, float[] from, int first, int run, int distance) {
      int group = groups - 1;
      int pitch = pitch(outputs(group));
      int at = weightsAt(group) + output - firstOutput(group);
      int length = length(group);
      if (pitch == 1 && run == distance) {
        System.arraycopy(from, first, weight, at, length);
        return;
      }
      if (run == 1) {
        for (int j = 0; j < length; j++) {
          weight[at + j * pitch] = from[first + j * distance];
        }
        return;
      }
      for (int begin = 0, source = first; begin < length; begin += run, source += distance) {
        int count = Math.min(run, length - begin);
        for (int i = 0; i < count; i++) {
          weight[at + (begin + i) * pitch] = from[source + i];
        }
      }
    }

    /** The same, out of a whole row. */
    private void weightsOfInputs(int output, float[] row) {
      int group = groups - 1;
      int pitch = pitch(outputs(group));
      int at = weightsAt(group) + output - firstOutput(group);
      int from = inputsAt(group);
      for (int j = 0, length = length(group); j < length; j++) {
        weight[at + j * pitch] = row[input[from + j]];
      }
    }

    /** The weights of one term of all groups from the given one. */
    private void weightsOfTerm(int firstGroup, int term, float[] line, int count) {
      for (int g = firstGroup, i = 0; i < count; g++) {
        int outs = outputs(g);
        int at = weightsAt(g) + term * pitch(outs);
        for (int o = 0; o < outs; o++) {
          weight[at + o] = line[i++];
        }
      }
    }
  }
}
