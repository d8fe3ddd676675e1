// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import io.github.kofn.Layout;
import io.github.kofn.internal.kernels.View;
import java.lang.foreign.MemorySegment;

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
    long row = 4L * Layout.PANEL;
    MemorySegment copy = scratch.floats(slot, (long) panels * features * Layout.PANEL);
    int chunks = Math.ceilDiv(loaded, CHUNK);
    workers.run(
        Math.multiplyExact(chunks, panels),
        part -> {
          int panel = part / chunks;
          int from = part % chunks * CHUNK;
          int to = Math.min(loaded, from + CHUNK);
          Scratch mine = pool.take();
          long at = ((long) panel * features + from) * row;
          Tiles.load(view, panel, from, to, copy, at, Layout.PANEL, mine.stage);
          pool.give(mine);
        });
    return new WholePanels(copy, 0, features);
  }

  /** Where a feature's row in a panel begins, in bytes. */
  long at(int panel, int feature) {
    return offset + 4L * Layout.PANEL * ((long) panel * features + feature);
  }
}
