// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import io.github.kofn.Layout;
import io.github.kofn.internal.kernels.View;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Activations as tiles to read from: where a panel of the view is a tile as it stands, the view's
 * own memory; else a copy.
 */
final class Panels {
  /** Features that are copied, or looked at, at once. */
  private static final int CHUNK = 256;

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
    int chunks = Math.ceilDiv(features, CHUNK);
    int first = fullDirect ? full : 0;
    int last = tailStride == 0 || tailDirect ? full : full + 1;
    workers.run(
        chunks * (last - first),
        part -> {
          int panel = first + part / chunks;
          int from = part % chunks * CHUNK;
          int to = Math.min(features, from + CHUNK);
          Scratch mine = pool.take();
          long at = offset(panel) + 4L * from * stride(panel);
          Tiles.load(view, panel, from, to, copy, at, stride(panel), mine.stage);
          pool.give(mine);
        });
  }

  /** Whether no element is infinite or NaN. */
  boolean areFinite(ProductWidths widths, Workers workers) {
    AtomicBoolean finite = new AtomicBoolean(true);
    int chunks = Math.ceilDiv(features, CHUNK);
    workers.run(
        Math.multiplyExact(chunks, panels()),
        part -> {
          int p = part / chunks;
          int from = part % chunks * CHUNK;
          int size = Math.min(CHUNK, features - from) * stride(p);
          long at = offset(p) + 4L * from * stride(p);
          if (finite.get() && !widths.of(width(p)).isFinite(segment(p), at, size)) {
            finite.set(false);
          }
        });
    return finite.get();
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
