// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import io.github.kofn.DType;
import io.github.kofn.Layout;
import io.github.kofn.internal.kernels.Buffer;
import io.github.kofn.internal.kernels.ProductKernels.Companion;
import io.github.kofn.internal.kernels.ProductKernels.Pattern;
import io.github.kofn.internal.kernels.View;
import io.github.kofn.sparse.KofNLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Random;

/** Random operands of a product, and the same numbers as plain arrays for sums in double. */
final class ProductCase {
  /** How an operand lies in memory. */
  record Storage(DType type, Layout layout, boolean heap, int gap) {
    static final Storage PANELS = new Storage(DType.F32, Layout.PANELS, false, 0);
    static final Storage HEAP_ROWS = new Storage(DType.F32, Layout.ROW_MAJOR, true, 3);

    View view(long rows, long columns) {
      long pitch = layout == Layout.PANELS ? columns : columns + gap;
      long bytes = rows * pitch * type.bytes();
      // A heap view begins somewhere inside its array.
      long offset = heap ? 8 : 0;
      MemorySegment memory =
          heap
              ? MemorySegment.ofArray(new float[(int) ((bytes + offset + 3) / 4)])
              : Arena.ofAuto().allocate(Math.max(1, bytes), 64);
      return new View(Buffer.ofHost(memory), offset, type, rows, columns, pitch, layout);
    }

    View of(float[][] values, int columns) {
      View view = view(values.length, columns);
      for (int r = 0; r < values.length; r++) {
        for (int c = 0; c < columns; c++) {
          set(view, view.index(r, c), values[r][c]);
        }
      }
      return view;
    }
  }

  final KofNLayout layout;
  final int batch;
  final boolean packed;
  final int[][] kept;
  final float[][] weights;
  final float[][] x;
  final float[][] dy;
  final Random random;

  ProductCase(KofNLayout layout, int batch, boolean packed, long seed) {
    this.layout = layout;
    this.batch = batch;
    this.packed = packed;
    this.random = new Random(seed);
    this.kept = new int[layout.blockRows()][];
    for (int r = 0; r < kept.length; r++) {
      kept[r] = draw();
    }
    this.weights = matrix(layout.out(), layout.in());
    this.x = matrix(batch, layout.in());
    this.dy = matrix(batch, layout.out());
  }

  /** A draw that leaves the last column empty and fills the first, where k allows both. */
  private int[] draw() {
    int n = layout.blockColumns();
    int k = layout.k();
    if (k == 0 || k >= n - 1) {
      int missing = k == n ? n : random.nextInt(n);
      return java.util.stream.IntStream.range(0, n).filter(c -> c != missing).limit(k).toArray();
    }
    java.util.TreeSet<Integer> columns = new java.util.TreeSet<>();
    columns.add(0);
    while (columns.size() < k) {
      columns.add(random.nextInt(n - 1));
    }
    return columns.stream().mapToInt(c -> c).toArray();
  }

  float[][] matrix(int rows, int columns) {
    float[][] values = new float[rows][columns];
    for (float[] row : values) {
      for (int c = 0; c < columns; c++) {
        row[c] = random.nextFloat(-1, 1);
      }
    }
    return values;
  }

  boolean keeps(int out, int in) {
    int c = in / layout.blockIn();
    return Arrays.binarySearch(kept[out / layout.blockOut()], c) >= 0;
  }

  Pattern pattern(Storage storage) {
    View indices = indices();
    return new Pattern(layout, indices, packed, packed ? packedValues(storage) : dense(storage));
  }

  View dense(Storage storage) {
    return storage.of(weights, layout.in());
  }

  View indices() {
    Storage storage = new Storage(layout.indexType(), Layout.ROW_MAJOR, false, 0);
    View view = storage.view(layout.blockRows(), layout.k());
    for (int r = 0; r < kept.length; r++) {
      for (int j = 0; j < layout.k(); j++) {
        set(view, (long) r * layout.k() + j, kept[r][j]);
      }
    }
    return view;
  }

  long packedIndex(int out, int slot, int column) {
    return (((long) (out / layout.blockOut()) * layout.k() + slot) * layout.blockOut()
                + out % layout.blockOut())
            * layout.blockIn()
        + column;
  }

  View emptyPacked(Storage storage) {
    return storage.view(1, layout.packedElements());
  }

  private View packedValues(Storage storage) {
    View view = emptyPacked(storage);
    for (int o = 0; o < layout.out(); o++) {
      for (int j = 0; j < layout.k(); j++) {
        int first = kept[o / layout.blockOut()][j] * layout.blockIn();
        for (int i = 0; i < layout.blockIn() && first + i < layout.in(); i++) {
          set(view, packedIndex(o, j, i), weights[o][first + i]);
        }
      }
    }
    return view;
  }

  Companion emptyCompanion() {
    Storage storage = new Storage(DType.I32, Layout.ROW_MAJOR, false, 0);
    int entries = layout.blockRows() * layout.k();
    return new Companion(
        storage.view(1, layout.blockColumns() + 1L),
        storage.view(1, entries),
        storage.view(1, entries));
  }

  static void set(View view, long index, double value) {
    MemorySegment memory = view.buffer().host();
    long at = view.offset() + index * view.type().bytes();
    switch (view.type()) {
      case F32 -> memory.set(ValueLayout.JAVA_FLOAT_UNALIGNED, at, (float) value);
      case I32 -> memory.set(ValueLayout.JAVA_INT_UNALIGNED, at, (int) value);
      case U16 -> memory.set(ValueLayout.JAVA_SHORT_UNALIGNED, at, (short) (int) value);
      case F16 ->
          memory.set(ValueLayout.JAVA_SHORT_UNALIGNED, at, Float.floatToFloat16((float) value));
      case BF16 ->
          memory.set(
              ValueLayout.JAVA_SHORT_UNALIGNED,
              at,
              (short) (Float.floatToRawIntBits((float) value) >>> 16));
      default -> memory.set(ValueLayout.JAVA_BYTE, at, (byte) (int) value);
    }
  }

  static double get(View view, long index) {
    MemorySegment memory = view.buffer().host();
    long at = view.offset() + index * view.type().bytes();
    return switch (view.type()) {
      case F32 -> memory.get(ValueLayout.JAVA_FLOAT_UNALIGNED, at);
      case I32 -> memory.get(ValueLayout.JAVA_INT_UNALIGNED, at);
      case U16 -> memory.get(ValueLayout.JAVA_SHORT_UNALIGNED, at) & 0xffff;
      case F16 -> Float.float16ToFloat(memory.get(ValueLayout.JAVA_SHORT_UNALIGNED, at));
      case BF16 -> Float.intBitsToFloat(memory.get(ValueLayout.JAVA_SHORT_UNALIGNED, at) << 16);
      default -> memory.get(ValueLayout.JAVA_BYTE, at);
    };
  }

  static double at(View view, long row, long column) {
    return get(view, view.index(row, column));
  }
}
