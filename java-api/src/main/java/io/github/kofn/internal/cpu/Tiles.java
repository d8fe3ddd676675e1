// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import io.github.kofn.DType;
import io.github.kofn.Layout;
import io.github.kofn.internal.kernels.View;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/**
 * Moves tiles between activations of any type and layout and the form that kernels compute on: F32
 * in native memory, {@code [features][stride]}, one panel of examples side by side, the examples
 * beyond the panel's width 0.
 */
final class Tiles {
  /** How many features pass through the stage at once. */
  private static final int STEP = 64;

  /** The size of a stage, in floats. */
  static final int STAGE = 2 * STEP * Layout.PANEL;

  /** The second half of the stage, for rows on their way through a transposition. */
  private static final int ROWS = STEP * Layout.PANEL;

  private Tiles() {}

  /** The number of panels of a batch. */
  static int panels(long batch) {
    return Math.toIntExact(Math.ceilDiv(batch, Layout.PANEL));
  }

  /** The number of examples in a panel. */
  static int width(long batch, int panel) {
    return (int) Math.min(Layout.PANEL, batch - (long) panel * Layout.PANEL);
  }

  /** The first element of a feature's row in a panel of a view in panels. */
  private static long first(View view, int panel, int feature) {
    return (long) panel * Layout.PANEL * view.columns()
        + (long) feature * width(view.rows(), panel);
  }

  /** Whether a panel of the view is a tile as it stands. */
  static boolean isTile(View view, int panel, int stride) {
    return (view.layout() == Layout.PANELS || view.rows() == 1)
        && view.type() == DType.F32
        && view.buffer().host().isNative()
        && width(view.rows(), panel) == stride;
  }

  /** Where the tile of a panel begins in its buffer, for a view that {@link #isTile}. */
  static long offset(View view, int panel, int feature) {
    return view.offset() + first(view, panel, feature) * Float.BYTES;
  }

  /** Copies features [from, to) of a panel into a tile. */
  static void load(
      View view, int panel, int from, int to, MemorySegment tile, long at, int stride, float[] st) {
    for (int f = from; f < to; f += STEP) {
      int count = Math.min(STEP, to - f);
      loadStage(view, panel, f, count, stride, st);
      long offset = at + (long) (f - from) * stride * Float.BYTES;
      MemorySegment.copy(st, 0, tile, ValueLayout.JAVA_FLOAT, offset, count * stride);
    }
  }

  /** Copies a tile to features [from, to) of a panel. */
  static void store(
      MemorySegment tile, long at, int stride, View view, int panel, int from, int to, float[] st) {
    for (int f = from; f < to; f += STEP) {
      int count = Math.min(STEP, to - f);
      long offset = at + (long) (f - from) * stride * Float.BYTES;
      MemorySegment.copy(tile, ValueLayout.JAVA_FLOAT, offset, st, 0, count * stride);
      storeStage(view, panel, f, count, stride, st);
    }
  }

  /** Copies features [from, to) of a panel from one view to another. */
  static void copy(View source, View target, int panel, int from, int to, float[] stage) {
    int width = width(source.rows(), panel);
    loadStage(source, panel, from, to - from, width, stage);
    storeStage(target, panel, from, to - from, width, stage);
  }

  private static void loadStage(
      View view, int panel, int feature, int count, int stride, float[] st) {
    int width = width(view.rows(), panel);
    if (view.layout() == Layout.PANELS) {
      if (width == stride) {
        Elements.read(view, first(view, panel, feature), st, 0, count * width);
        return;
      }
      Elements.read(view, first(view, panel, feature), st, ROWS, count * width);
      Arrays.fill(st, 0, count * stride, 0);
      for (int f = 0; f < count; f++) {
        System.arraycopy(st, ROWS + f * width, st, f * stride, width);
      }
      return;
    }
    for (int b = 0; b < width; b++) {
      long row = (long) panel * Layout.PANEL + b;
      Elements.read(view, row * view.pitch() + feature, st, ROWS + b * STEP, count);
    }
    for (int f = 0; f < count; f++) {
      for (int b = 0; b < width; b++) {
        st[f * stride + b] = st[ROWS + b * STEP + f];
      }
      Arrays.fill(st, f * stride + width, (f + 1) * stride, 0);
    }
  }

  private static void storeStage(
      View view, int panel, int feature, int count, int stride, float[] st) {
    int width = width(view.rows(), panel);
    if (view.layout() == Layout.PANELS) {
      for (int f = 0; f < count && width < stride; f++) {
        System.arraycopy(st, f * stride, st, f * width, width);
      }
      Elements.write(view, first(view, panel, feature), st, 0, count * width);
      return;
    }
    for (int b = 0; b < width; b++) {
      for (int f = 0; f < count; f++) {
        st[ROWS + f] = st[f * stride + b];
      }
      long row = (long) panel * Layout.PANEL + b;
      Elements.write(view, row * view.pitch() + feature, st, ROWS, count);
    }
  }
}
