// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import io.github.kofn.Layout;
import io.github.kofn.internal.kernels.View;
import io.github.kofn.sparse.MaxPooling;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/** The largest of each window, for 64 examples side by side; a part is a channel of a panel. */
final class ConvolutionPooling {
  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;

  private final MaxPooling shape;
  private final ProductWidths widths;
  private final Workers workers;

  ConvolutionPooling(MaxPooling shape, ProductWidths widths, Workers workers) {
    this.shape = shape;
    this.widths = widths;
    this.workers = workers;
  }

  void pool(View x, View y) {
    run(
        x,
        y,
        null,
        shape.outHeight() * shape.outWidth(),
        (window, to, at, stride) ->
            MemorySegment.copy(window.best, 0, to, FLOAT, at + 4L * window.pixel * stride, stride));
  }

  void gradient(View x, View dy, View dx) {
    run(x, dx, dy, shape.height() * shape.width(), this::spread);
  }

  private void spread(Window window, MemorySegment to, long at, int stride) {
    for (int tap = 0; tap < shape.size() * shape.size(); tap++) {
      for (int b = 0; b < stride; b++) {
        window.line[b] = window.which[b] == tap ? window.upstream[b] : 0;
      }
      MemorySegment.copy(
          window.line, 0, to, FLOAT, at + 4L * feature(window.pixel, tap) * stride, stride);
    }
  }

  /** Where a window's tap lies in its channel of x. */
  private int feature(int pixel, int tap) {
    int row = pixel / shape.outWidth() * shape.size() + tap / shape.size();
    return row * shape.width() + pixel % shape.outWidth() * shape.size() + tap % shape.size();
  }

  /** What is known of a window: for each example the largest value, and which tap it was. */
  private static final class Window {
    final float[] best = new float[Layout.PANEL];
    final int[] which = new int[Layout.PANEL];
    final float[] line = new float[Layout.PANEL];
    final float[] upstream = new float[Layout.PANEL];
    int pixel;
  }

  /** Puts a window's result into a tile of a channel. */
  private interface Result {
    void put(Window window, MemorySegment to, long at, int stride);
  }

  private void run(View x, View target, View dy, int plane, Result result) {
    Scratch.Pool pool = widths.pool();
    Scratch shared = pool.take();
    Panels xs = Panels.of(x, widths, workers, shared, 0);
    Panels ds = dy == null ? null : Panels.of(dy, widths, workers, shared, 1);
    workers.run(
        Math.multiplyExact(shape.channels(), xs.panels()),
        part -> {
          Scratch mine = pool.take();
          int panel = part / shape.channels();
          int channel = part % shape.channels();
          int stride = xs.stride(panel);
          MemorySegment tile = mine.floats(0, (long) plane * Layout.PANEL);
          tile.asSlice(0, 4L * plane * stride).fill((byte) 0);
          Window window = new Window();
          for (int pixel = 0; pixel < shape.outHeight() * shape.outWidth(); pixel++) {
            window.pixel = pixel;
            largest(window, xs, panel, channel);
            if (ds != null) {
              long first = (long) channel * shape.outHeight() * shape.outWidth() + pixel;
              long at = ds.offset(panel) + 4 * first * stride;
              MemorySegment.copy(ds.segment(panel), FLOAT, at, window.upstream, 0, stride);
            }
            result.put(window, tile, 0, stride);
          }
          int from = channel * plane;
          Tiles.store(tile, 0, stride, target, panel, from, from + plane, mine.stage);
          pool.give(mine);
        });
    pool.give(shared);
  }

  private void largest(Window window, Panels xs, int panel, int channel) {
    int stride = xs.stride(panel);
    long first = (long) channel * shape.height() * shape.width();
    Arrays.fill(window.which, 0);
    for (int tap = 0; tap < shape.size() * shape.size(); tap++) {
      float[] line = tap == 0 ? window.best : window.line;
      long at = xs.offset(panel) + 4 * (first + feature(window.pixel, tap)) * stride;
      MemorySegment.copy(xs.segment(panel), FLOAT, at, line, 0, stride);
      for (int b = 0; b < stride && tap > 0; b++) {
        float best = window.best[b];
        if (line[b] > best || (Float.isNaN(line[b]) && !Float.isNaN(best))) {
          window.best[b] = line[b];
          window.which[b] = tap;
        }
      }
    }
  }
}
