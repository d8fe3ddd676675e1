// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import io.github.kofn.DType;
import io.github.kofn.Layout;
import io.github.kofn.internal.kernels.View;
import io.github.kofn.sparse.KofNLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * dMask = W * (dY^T X), added up in blocks: a dense product whose terms are examples, and which is
 * used up a tile at a time.
 *
 * <pre>
 *                        64 inputs           a part: the inputs of whole blocks, 64 where blocks are
 *                     [ x turned    ]        narrower. They are turned once, so that they lie side
 *   examples          [             ]        by side, and stay in the second-level cache while all
 *                     [             ]        outputs pass. dY is read as it lies: an output's
 *   6 outputs of dY   [ tile        ]        examples side by side, the next output's a row apart.
 * </pre>
 *
 * <p>FMAs are the floor, half a cycle for 16 of an output's and an example's inputs. Turning X
 * takes about a cycle an element, one in {@code out / 32} cycles of FMAs; a tile's products with W
 * about half a cycle an element, one in {@code batch / 32}.
 */
final class MaskGradient {
  private static final int STEP = Layout.PANEL;
  private static final long ROW = 4L * STEP;

  /** Examples that are summed before W is multiplied in. */
  private static final int CHUNK = 512;

  /**
   * Tiles beside each other that meet a group of outputs: rows of dY are read once for all of them,
   * and rows of W and of the target a kilobyte at a time, so that the machine sees what comes next.
   * Turned inputs of a chunk's examples are half a megabyte then.
   */
  private static final int TOGETHER = 4;

  private static final int TURNED_SLOT = 0;
  private static final int TILE_SLOT = 1;

  /** Where weights, and sums of blocks' columns, lie behind the tile. */
  private static final long WEIGHTS_AT = TileKernels.SIX * ROW;

  private static final long SUMS_AT = 2 * WEIGHTS_AT;

  /** The bytes of a tile and what lies behind it. */
  private static final long TILE = SUMS_AT + ROW;

  private final ProductWidths widths;
  private final KofNLayout layout;
  private final View weights;
  private final View target;
  private final WholePanels x;
  private final WholePanels dy;
  private final int outputs;
  private final boolean single;

  private MaskGradient(
      ProductWidths widths,
      KofNLayout layout,
      View weights,
      View target,
      WholePanels x,
      WholePanels dy) {
    this.widths = widths;
    this.layout = layout;
    this.weights = weights;
    this.target = target;
    this.x = x;
    this.dy = dy;
    this.outputs = layout.out();
    this.single = layout.blockOut() == 1 && layout.blockIn() == 1;
  }

  /** Computes the whole target. */
  static void compute(
      ProductWidths widths,
      Workers workers,
      KofNLayout layout,
      View weights,
      View x,
      View dy,
      View target) {
    for (int r = 0; r < layout.blockRows(); r++) {
      long at = target.offset() + 4L * r * target.pitch();
      target.buffer().host().asSlice(at, 4 * target.columns()).fill((byte) 0);
    }
    int batch = Math.toIntExact(x.rows());
    if (batch == 0 || layout.out() == 0) {
      return;
    }
    Scratch shared = widths.pool().take();
    WholePanels xs = WholePanels.of(x, workers, widths.pool(), shared, 0);
    WholePanels ds = WholePanels.of(dy, workers, widths.pool(), shared, 1);
    MaskGradient product = new MaskGradient(widths, layout, weights, target, xs, ds);
    int width = Math.max(1, STEP / layout.blockIn()) * layout.blockIn();
    int tiles = Math.ceilDiv(Math.max(layout.in(), 1), Math.min(width, STEP));
    int together = Math.clamp(tiles / (2 * workers.threads()), 1, TOGETHER);
    long perPart = layout.blockIn() > STEP ? width : (long) together * width;
    workers.run(
        Math.toIntExact(Math.ceilDiv(layout.in(), perPart)),
        part -> {
          Scratch mine = widths.pool().take();
          long first = part * perPart;
          int end = (int) Math.min(layout.in(), first + perPart);
          for (int f = (int) first; f < end; f += TOGETHER * STEP) {
            product.inputs(
                f, Math.min(end, f + TOGETHER * STEP), Math.min(width, STEP), batch, mine);
          }
          widths.pool().give(mine);
        });
    widths.pool().give(shared);
  }

  /** All outputs for the inputs [from, to), a tile's width at a time. */
  private void inputs(int from, int to, int width, int batch, Scratch scratch) {
    TileLists lists = scratch.tiles;
    TileKernels kernel = widths.tiles(STEP, TileKernels.A_ROW_APART);
    int tiles = Math.ceilDiv(to - from, width);
    long turnedSize = (long) STEP * Math.min(Math.ceilDiv(batch, STEP) * STEP, CHUNK);
    MemorySegment turned = scratch.floats(TURNED_SLOT, tiles * turnedSize);
    MemorySegment memory = scratch.floats(TILE_SLOT, tiles * TILE / Float.BYTES);
    for (int b = 0; b < batch; b += CHUNK) {
      int examples = Math.min(CHUNK, batch - b);
      list(b / STEP, examples, lists);
      for (int t = 0; t < tiles; t++) {
        int f = from + t * width;
        MemorySegment mine = turned.asSlice(4L * t * turnedSize);
        x.turn(widths, f, Math.min(width, to - f), b, examples, mine, STEP);
        memory.asSlice(t * TILE + SUMS_AT, ROW).fill((byte) 0);
      }
      int next = 0;
      for (int g = 0; g < lists.groups(); g++) {
        int first = TileLists.firstOf(g, outputs);
        int end = Math.min(outputs, first + TileLists.sizeOf(g, outputs));
        for (int t = 0; t < tiles; t++) {
          int f = from + t * width;
          int count = Math.min(width, to - f);
          MemorySegment tile = memory.asSlice(t * TILE, TILE);
          lists.sum(g, kernel, turned.asSlice(4L * t * turnedSize), STEP, tile, 0);
          if (single) {
            put(tile, first, next, end, f, count, b > 0, scratch);
          } else {
            add(tile, first, next, end, f, count, scratch);
          }
        }
        next = end;
      }
    }
  }

  /** Terms are examples, groups are outputs, whose examples lie side by side. */
  private void list(int firstPanel, int examples, TileLists lists) {
    lists.clear(dy.segment());
    for (int b = 0; b < examples; b += STEP) {
      long at = dy.at(firstPanel + b / STEP, 0);
      lists.terms(b, Math.min(STEP, examples - b), at, Float.BYTES);
    }
    for (int g = 0; g < TileLists.groupsOf(outputs); g++) {
      int first = TileLists.firstOf(g, outputs);
      int size = TileLists.sizeOf(g, outputs);
      lists.group(first, size, Math.min(size, outputs), 0, first * ROW);
    }
  }

  /** Multiplies a tile's outputs [next, end) by their weights and gives them to the target. */
  private void put(
      MemorySegment tile,
      int first,
      int next,
      int end,
      int feature,
      int count,
      boolean further,
      Scratch scratch) {
    long from = (next - first) * ROW;
    int rows = end - next;
    Rows w = weightsOf(next, rows, feature, count, tile, scratch);
    ProductLanes kernel = widths.widest();
    MemorySegment memory = target.buffer().host();
    if (count == STEP && memory.isNative()) {
      long at = target.offset() + 4 * (next * target.pitch() + feature);
      long pitch = 4 * target.pitch();
      if (further) {
        kernel.addProducts(memory, at, pitch, tile, from, w.segment, w.at, w.pitch, rows, STEP);
      } else {
        kernel.products(memory, at, pitch, tile, from, w.segment, w.at, w.pitch, rows, STEP);
      }
      return;
    }
    kernel.products(tile, from, ROW, tile, from, w.segment, w.at, w.pitch, rows, STEP);
    for (int o = next; o < end; o++) {
      addTo(o, feature, count, 1, tile, (o - first) * ROW, scratch);
    }
  }

  /** Adds a tile's outputs [next, end), times their weights, to the sums of their block row. */
  private void add(
      MemorySegment tile, int first, int next, int end, int feature, int count, Scratch scratch) {
    int bo = layout.blockOut();
    for (int o = next; o < end; ) {
      int blockRow = o / bo;
      int last = (int) Math.min(outputs, (blockRow + 1L) * bo);
      int rows = Math.min(end, last) - o;
      Rows w = weightsOf(o, rows, feature, count, tile, scratch);
      long from = (o - first) * ROW;
      widths
          .widest()
          .addProducts(tile, SUMS_AT, 0, tile, from, w.segment, w.at, w.pitch, rows, STEP);
      o += rows;
      if (o == last) {
        addTo(blockRow, feature, count, layout.blockIn(), tile, SUMS_AT, scratch);
        tile.asSlice(SUMS_AT, ROW).fill((byte) 0);
      }
    }
  }

  /** Adds sums of so many neighbours each to a row of the target. */
  private void addTo(
      int row,
      int feature,
      int count,
      int neighbours,
      MemorySegment from,
      long at,
      Scratch scratch) {
    float[] line = scratch.line(2 * STEP);
    MemorySegment.copy(from, ValueLayout.JAVA_FLOAT, at, line, 0, count);
    int first = feature / neighbours;
    int columns = (feature + count - 1) / neighbours - first + 1;
    long index = row * target.pitch() + first;
    Elements.read(target, index, line, STEP, columns);
    for (int i = 0, c = 0; i < count; c++) {
      int end = (int) Math.min(count, (first + c + 1L) * neighbours - feature);
      float sum = line[STEP + c];
      while (i < end) {
        sum += line[i++];
      }
      line[STEP + c] = sum;
    }
    Elements.write(target, index, line, STEP, columns);
  }

  /** Rows of floats, {@code pitch} bytes apart. */
  private record Rows(MemorySegment segment, long at, long pitch) {}

  /** Weights of some outputs, 64 each, where they lie or copied; the count's own are defined. */
  private Rows weightsOf(
      int o, int rows, int feature, int count, MemorySegment copy, Scratch scratch) {
    MemorySegment memory = weights.buffer().host();
    long index = o * weights.pitch() + feature;
    long at = weights.offset() + 4 * index;
    long pitch = 4 * weights.pitch();
    boolean there = memory.byteSize() - at >= (rows - 1) * pitch + ROW;
    if (weights.type() == DType.F32 && memory.isNative() && there) {
      return new Rows(memory, at, pitch);
    }
    float[] line = scratch.line(2 * STEP);
    for (int i = 0; i < rows; i++) {
      Elements.read(weights, index + i * weights.pitch(), line, 0, count);
      MemorySegment.copy(line, 0, copy, ValueLayout.JAVA_FLOAT, WEIGHTS_AT + i * ROW, STEP);
    }
    return new Rows(copy, WEIGHTS_AT, ROW);
  }
}
