// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import io.github.kofn.Layout;
import io.github.kofn.internal.kernels.View;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/**
 * A few examples' features in an array, four examples (or the only one) after the other: feature
 * {@code f} of example {@code b} stands at {@code b / 4 * group + b % 4 * example + f * feature}.
 */
final class FewExamples {
  private static final int FOUR = StripKernel.FOUR;

  private final float[] values;
  private final int batch;
  private final int group;
  private final int example;
  private final int feature;

  private FewExamples(float[] values, int batch, int group, int example, int feature) {
    this.values = values;
    this.batch = batch;
    this.group = group;
    this.example = example;
    this.feature = feature;
  }

  float[] values() {
    return values;
  }

  int batch() {
    return batch;
  }

  /** The distance of an example from the next, within four. */
  int example() {
    return example;
  }

  /** The distance of a feature from the next. */
  int feature() {
    return feature;
  }

  /** How many examples there is room for: one, or a multiple of four. */
  static int room(int batch) {
    return batch == 1 ? 1 : Math.ceilDiv(batch, FOUR) * FOUR;
  }

  /** The distance of examples that stand one behind the other; a vector may begin with the last. */
  static int pitch(int features) {
    return features + Layout.PANEL;
  }

  /** The size of an array for examples one behind the other. */
  static int sizeOfRows(int features, int batch) {
    return pitch(features) * room(batch);
  }

  /** Examples one behind the other. */
  static FewExamples rows(float[] values, int features, int batch) {
    int pitch = pitch(features);
    return new FewExamples(values, batch, FOUR * pitch, pitch, 1);
  }

  /** Four examples of a feature, or the only one, side by side. */
  static FewExamples columns(float[] values, int features, int batch) {
    return new FewExamples(values, batch, FOUR * features, 1, batch == 1 ? 1 : FOUR);
  }

  /** Where an example begins. */
  int at(int b) {
    return b / FOUR * group + b % FOUR * example;
  }

  /** Fills this from a view, with zeros for examples that are not there. */
  void read(View view, int size, Scratch scratch) {
    int features = Math.toIntExact(view.columns());
    Arrays.fill(values, 0, size, 0);
    boolean rowMajor = view.layout() == Layout.ROW_MAJOR || batch == 1;
    if (rowMajor && feature == 1) {
      for (int b = 0; b < batch; b++) {
        Elements.read(view, view.index(b, 0), values, at(b), features);
      }
      return;
    }
    float[] all = scratch.tile(Math.multiplyExact(features, batch));
    for (int b = 0; b < batch && rowMajor; b++) {
      Elements.read(view, view.index(b, 0), all, b * features, features);
    }
    if (!rowMajor) {
      Elements.read(view, 0, all, 0, features * batch);
    }
    int nextFeature = rowMajor ? 1 : batch;
    int nextExample = rowMajor ? features : 1;
    for (int b = 0; b < batch; b++) {
      for (int f = 0, to = at(b), from = b * nextExample; f < features; f++) {
        values[to] = all[from];
        to += feature;
        from += nextFeature;
      }
    }
  }

  /**
   * Finishes and stores features [from, to) of a result, of which this holds those from {@code
   * first} on.
   */
  void store(
      int first,
      int from,
      int to,
      View y,
      ProductFinish finish,
      ProductWidths widths,
      Scratch mine) {
    int stride = widths.stride(batch);
    boolean direct = Tiles.isTile(y, 0, stride);
    MemorySegment tile = direct ? y.buffer().host() : mine.floats(0, (long) (to - from) * stride);
    long at = direct ? Tiles.offset(y, 0, from) : 0;
    if (feature == 1 && batch == 1) {
      MemorySegment.copy(
          values, from - first, tile, ValueLayout.JAVA_FLOAT_UNALIGNED, at, to - from);
    } else {
      for (int f = 0; f < to - from; f++) {
        for (int b = 0; b < stride; b++) {
          float value = b < batch ? values[at(b) + (from - first + f) * feature] : 0;
          tile.set(ValueLayout.JAVA_FLOAT_UNALIGNED, at + 4L * (f * stride + b), value);
        }
      }
    }
    finish.apply(widths.of(batch), tile, at, stride, 0, from, to, mine);
    if (!direct) {
      Tiles.store(tile, at, stride, y, 0, from, to, mine.stage);
    }
  }
}
