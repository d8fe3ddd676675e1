// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import io.github.kofn.Layout;
import io.github.kofn.internal.kernels.View;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Activations as full panels one behind the other, {@code [panels][features][64]} floats in native
 * memory, for products whose terms are examples: the view's own memory where it is so, else a copy
 * with zeros for what the last panel lacks.
 *
 * @param segment the memory
 * @param offset where it begins, in bytes
 * @param features rows of a panel
 */
record WholePanels(MemorySegment segment, long offset, int features) {
  private static final long ROW = 4L * Layout.PANEL;
  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;

  /** The side of the greatest square that is turned by vectors. */
  private static final int SIDE = 16;

  /** Features that are copied at once. */
  private static final int CHUNK = 256;

  /** Features that there is room for at least: tiles read so many rows. */
  private static final int LEAST = TileKernels.FOUR;

  /** The panels of a view; a copy goes to a slot of the scratch, which must last. */
  static WholePanels of(View view, Workers workers, Scratch.Pool pool, Scratch scratch, int slot) {
    int loaded = Math.toIntExact(view.columns());
    int features = Math.max(LEAST, loaded);
    if (features == loaded
        && view.rows() % Layout.PANEL == 0
        && Tiles.isTile(view, 0, Layout.PANEL)) {
      return new WholePanels(view.buffer().host(), Tiles.offset(view, 0, 0), features);
    }
    int panels = Tiles.panels(view.rows());
    MemorySegment copy = scratch.floats(slot, (long) panels * features * Layout.PANEL);
    int chunks = Math.ceilDiv(loaded, CHUNK);
    workers.run(
        Math.multiplyExact(chunks, panels),
        part -> {
          int panel = part / chunks;
          int from = part % chunks * CHUNK;
          int to = Math.min(loaded, from + CHUNK);
          Scratch mine = pool.take();
          long at = ((long) panel * features + from) * ROW;
          Tiles.load(view, panel, from, to, copy, at, Layout.PANEL, mine.stage);
          pool.give(mine);
        });
    return new WholePanels(copy, 0, features);
  }

  /**
   * Turns features, so that they lie side by side: {@code [examples][stride]} from an example on,
   * the first of a panel. What is beyond their count is undefined; whole squares are written, of
   * examples, too.
   */
  void turn(
      ProductWidths widths,
      int feature,
      int count,
      int firstExample,
      int examples,
      MemorySegment to,
      int stride) {
    long pitch = 4L * stride;
    TurnKernel kernel = widths.lanes() == 1 ? null : widths.turns(SIDE);
    int side = kernel == null ? stride + 1 : kernel.lanes();
    for (int b = 0; b < examples; b += Layout.PANEL) {
      int wanted = Math.min(Layout.PANEL, examples - b);
      long source = at((firstExample + b) / Layout.PANEL, feature);
      long target = b * pitch;
      int f = 0;
      // Squares read features behind the last, where there is memory and room for them.
      for (; f < count && f + side <= stride; f += side) {
        if (source + (f + side) * ROW > segment.byteSize()) {
          break;
        }
        for (int e = 0; e < wanted; e += side) {
          long corner = source + f * ROW + 4L * e;
          kernel.square(segment, corner, ROW, to, target + e * pitch + 4L * f, pitch);
        }
      }
      for (; f < count; f++) {
        for (int e = 0; e < wanted; e++) {
          to.set(FLOAT, target + e * pitch + 4L * f, segment.get(FLOAT, source + f * ROW + 4L * e));
        }
      }
    }
  }

  /** The distance of panels, in bytes. */
  long panel() {
    return ROW * features;
  }

  /** Where a feature's row in a panel begins, in bytes. */
  long at(int panel, int feature) {
    return offset + ROW * ((long) panel * features + feature);
  }
}
