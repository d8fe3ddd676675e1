// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import io.github.kofn.DType;
import io.github.kofn.internal.kernels.ProductKernels.Pattern;
import io.github.kofn.internal.kernels.View;
import io.github.kofn.sparse.KofNLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * The kept blocks of a pattern, a block row after the other, where they lie; blocks of other types
 * than F32 and of heap memory pass through scratch memory. A matrix that keeps everything is seen
 * as blocks of 64 x 64.
 */
final class BlockRows {
  private static final int DENSE = 64;

  /** The native scratch memory that blocks pass through. */
  private static final int SLOT = 2;

  private final View indices;
  private final boolean packed;
  private final View values;
  private final boolean direct;
  private final KofNLayout layout;
  private final StripKernel.Place place;

  private BlockRows(KofNLayout layout, View indices, boolean packed, View values) {
    this.indices = indices;
    this.packed = packed;
    this.values = values;
    this.layout = layout;
    this.direct = values.type() == DType.F32 && values.buffer().host().isNative();
    this.place =
        packed || !direct
            ? packedPlace()
            : new StripKernel.Place(4 * values.pitch(), 0, 4L * layout.blockIn());
  }

  private StripKernel.Place packedPlace() {
    long row = 4L * layout.blockIn();
    return new StripKernel.Place(row, row * layout.blockOut(), 0);
  }

  static BlockRows of(Pattern pattern) {
    KofNLayout l = pattern.layout();
    View v = pattern.values();
    if (!isRowsOfAll(pattern)) {
      return new BlockRows(l, pattern.indices(), pattern.packed(), v);
    }
    int side = Math.min(DENSE, l.in());
    long pitch = pattern.packed() ? l.in() : v.pitch();
    View dense = new View(v.buffer(), v.offset(), v.type(), l.out(), l.in(), pitch, v.layout());
    KofNLayout blocks = new KofNLayout(l.out(), l.in(), DENSE, side, Math.ceilDiv(l.in(), side));
    return new BlockRows(blocks, null, false, dense);
  }

  /** Whether rows are kept whole and lie as those of a dense matrix. */
  static boolean isRowsOfAll(Pattern pattern) {
    KofNLayout l = pattern.layout();
    boolean rowsLieTogether = !pattern.packed() || (l.blockOut() == 1 && l.in() % l.blockIn() == 0);
    return l.isDense() && rowsLieTogether;
  }

  KofNLayout layout() {
    return layout;
  }

  /** Inputs of the last block column. */
  int inputsOfLast() {
    int last = layout.blockColumns() - 1;
    return layout.in() - last * layout.blockIn();
  }

  /**
   * Kept blocks of a block row: slots [0, slots), of which all before {@code whole} have all of
   * their inputs.
   */
  static final class Row {
    final MemorySegment memory;
    final long at;
    final StripKernel.Place place;
    final int[] columns;
    final int whole;
    final int slots;

    private Row(
        MemorySegment memory,
        long at,
        StripKernel.Place place,
        int[] columns,
        int whole,
        int slots) {
      this.memory = memory;
      this.at = at;
      this.place = place;
      this.columns = columns;
      this.whole = whole;
      this.slots = slots;
    }
  }

  /** What a block row keeps in block columns [first, end); valid until the next. */
  Row row(int blockRow, int first, int end, Scratch scratch) {
    int k = layout.k();
    long index = (long) blockRow * k;
    int from = 0;
    int slots = k;
    int[] columns;
    if (indices == null) {
      from = first;
      slots = end - first;
      columns = scratch.features(slots);
      for (int j = 0; j < slots; j++) {
        columns[j] = first + j;
      }
    } else {
      if (first > 0 || end < layout.blockColumns()) {
        from = Elements.lowerBound(indices, index, k, first);
        slots = Elements.lowerBound(indices, index, k, end) - from;
      }
      columns = scratch.features(slots);
      Elements.readIndices(indices, index + from, columns, 0, slots, scratch);
    }
    boolean cut =
        slots > 0
            && columns[slots - 1] == layout.blockColumns() - 1
            && inputsOfLast() < layout.blockIn();
    int whole = cut ? slots - 1 : slots;
    if (!direct) {
      return new Row(
          stage(blockRow, from, columns, slots, scratch), 0, place, columns, whole, slots);
    }
    long size = (long) layout.blockOut() * layout.blockIn();
    long element =
        packed ? (index + from) * size : (long) blockRow * layout.blockOut() * values.pitch();
    long at = values.offset() + 4 * element;
    return new Row(values.buffer().host(), at, place, columns, whole, slots);
  }

  /** Blocks as packed F32. */
  private MemorySegment stage(int blockRow, int from, int[] columns, int slots, Scratch scratch) {
    int bi = layout.blockIn();
    int bo = layout.blockOut();
    long size = (long) bo * bi;
    MemorySegment stage = scratch.floats(SLOT, slots * size);
    float[] line = scratch.line(bi);
    int output = blockRow * bo;
    int outputs = Math.min(bo, layout.out() - output);
    for (int j = 0; j < slots; j++) {
      int count = Math.min(bi, layout.in() - columns[j] * bi);
      for (int o = 0; o < outputs; o++) {
        long element =
            packed
                ? (((long) blockRow * layout.k() + from + j) * bo + o) * bi
                : (output + o) * values.pitch() + (long) columns[j] * bi;
        Elements.read(values, element, line, 0, count);
        long to = 4 * (j * size + (long) o * bi);
        MemorySegment.copy(line, 0, stage, ValueLayout.JAVA_FLOAT, to, count);
      }
    }
    return stage;
  }
}
