// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import io.github.kofn.Layout;
import io.github.kofn.internal.kernels.View;
import java.lang.foreign.MemorySegment;

/**
 * Activations as tiles to read from: where a panel of the view is a tile as it stands, the view's
 * own memory; else a copy.
 */
final class Panels {
  private final View view;
  private final int features;
  private final int full;
  private final int tailStride;
  private final boolean fullDirect;
  private final boolean tailDirect;
  private final MemorySegment copy;

  private Panels(View view, int tailStride, Scratch scratch, int slot) {
    this.view = view;
    this.features = Math.toIntExact(view.columns());
    this.full = Math.toIntExact(view.rows() / Layout.PANEL);
    this.tailStride = tailStride;
    this.fullDirect = full > 0 && Tiles.isTile(view, 0, Layout.PANEL);
    this.tailDirect = tailStride > 0 && Tiles.isTile(view, full, tailStride);
    long floats = (fullDirect ? 0 : tailAt()) + (tailDirect ? 0 : (long) features * tailStride);
    boolean inPlace = (full == 0 || fullDirect) && (tailStride == 0 || tailDirect);
    this.copy = inPlace ? null : scratch.floats(slot, floats);
  }

  /** The tiles of a view; what has to be copied goes to a slot of the scratch, which must last. */
  static Panels of(View view, ProductWidths widths, Workers workers, Scratch scratch, int slot) {
    int tail = (int) (view.rows() % Layout.PANEL);
    Panels panels = new Panels(view, tail == 0 ? 0 : widths.stride(tail), scratch, slot);
    if (panels.copy != null) {
      panels.fill(workers, widths.pool());
    }
    return panels;
  }

  private void fill(Workers workers, Scratch.Pool pool) {
    int chunk = 256;
    int chunks = Math.ceilDiv(features, chunk);
    int first = fullDirect ? full : 0;
    int last = tailStride == 0 || tailDirect ? full : full + 1;
    workers.run(
        chunks * (last - first),
        part -> {
          int panel = first + part / chunks;
          int from = part % chunks * chunk;
          int to = Math.min(features, from + chunk);
          Scratch mine = pool.take();
          long at = offset(panel) + 4L * from * stride(panel);
          Tiles.load(view, panel, from, to, copy, at, stride(panel), mine.stage);
          pool.give(mine);
        });
  }

  /** Whether no element is infinite or NaN. */
  boolean areFinite(ProductWidths widths) {
    for (int p = 0; p < panels(); p++) {
      int size = Math.multiplyExact(features, stride(p));
      if (!widths.of(width(p)).isFinite(segment(p), offset(p), size)) {
        return false;
      }
    }
    return true;
  }

  private long tailAt() {
    return (long) full * Layout.PANEL * features;
  }

  private boolean direct(int panel) {
    return panel < full ? fullDirect : tailDirect;
  }

  /** The number of panels of 64 examples, which lie behind each other. */
  int full() {
    return full;
  }

  int panels() {
    return tailStride == 0 ? full : full + 1;
  }

  int width(int panel) {
    return Tiles.width(view.rows(), panel);
  }

  int features() {
    return features;
  }

  int stride(int panel) {
    return panel < full ? Layout.PANEL : tailStride;
  }

  MemorySegment segment(int panel) {
    return direct(panel) ? view.buffer().host() : copy;
  }

  /** Where a panel's tile begins in its segment, in bytes. */
  long offset(int panel) {
    if (direct(panel)) {
      return Tiles.offset(view, panel, 0);
    }
    return panel < full ? 4L * panel * Layout.PANEL * features : fullDirect ? 0 : 4 * tailAt();
  }
}
