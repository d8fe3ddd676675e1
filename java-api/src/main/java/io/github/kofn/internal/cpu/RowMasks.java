// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import io.github.kofn.Layout;
import io.github.kofn.internal.kernels.Derived;
import io.github.kofn.internal.kernels.ProductKernels.Pattern;
import io.github.kofn.internal.kernels.View;
import io.github.kofn.sparse.KofNLayout;
import java.util.Arrays;

/**
 * Which inputs the rows of a pattern keep, a bit each, and the indices that say so. Making them
 * takes about a nanosecond a kept weight; while indices stay as they were, they are used again.
 */
final class RowMasks {
  private final KofNLayout layout;
  private final KnownIndices indices;
  private final int words;
  private final long[] bits;
  private boolean made;

  private RowMasks(Pattern pattern) {
    layout = pattern.layout();
    indices = new KnownIndices(pattern.indices());
    words = Math.ceilDiv(layout.in(), Layout.PANEL);
    bits = new long[Math.multiplyExact(words, layout.out())];
  }

  /** The masks of a pattern of blocks with one output, made now or before. */
  static RowMasks of(Pattern pattern, Workers workers, Scratch.Pool pool) {
    Derived derived = pattern.derived();
    RowMasks masks = derived == null ? null : derived.get(RowMasks.class);
    if (masks == null
        || !masks.layout.equals(pattern.layout())
        || !masks.indices.fits(pattern.indices())) {
      masks = new RowMasks(pattern);
      if (derived != null) {
        derived.keep(masks);
      }
    }
    if (masks.indices.change(pattern.indices()) || !masks.made) {
      masks.made = false;
      masks.make(pattern.indices(), workers, pool);
      masks.made = true;
    }
    return masks;
  }

  /** The bits of 64 inputs each, row after row. */
  long[] bits() {
    return bits;
  }

  /** How many elements of {@link #bits} a row has. */
  int words() {
    return words;
  }

  private void make(View view, Workers workers, Scratch.Pool pool) {
    int share = Math.ceilDiv(layout.out(), 4 * workers.threads());
    workers.run(
        Math.ceilDiv(layout.out(), share),
        part -> {
          Scratch mine = pool.take();
          int k = layout.k();
          int from = part * share;
          int rows = Math.min(share, layout.out() - from);
          int[] columns = mine.features(rows * k);
          Elements.readIndices(view, (long) from * k, columns, 0, rows * k, mine);
          Arrays.fill(bits, from * words, (from + rows) * words, 0);
          for (int r = 0; r < rows; r++) {
            if (layout.blockIn() == 1) {
              mark(columns, r * k, k, (from + r) * words);
            } else {
              markBlocks(columns, r * k, k, (from + r) * words);
            }
          }
          pool.give(mine);
        });
  }

  /** Sets the bits of ascending inputs; a word is written when the next begins. */
  private void mark(int[] inputs, int from, int count, int at) {
    int word = 0;
    long mask = 0;
    for (int j = from; j < from + count; j++) {
      int next = inputs[j] >>> 6;
      if (next != word) {
        bits[at + word] = mask;
        word = next;
        mask = 0;
      }
      mask |= 1L << inputs[j];
    }
    bits[at + word] = mask;
  }

  private void markBlocks(int[] columns, int from, int count, int at) {
    int bi = layout.blockIn();
    for (int j = from; j < from + count; j++) {
      int first = columns[j] * bi;
      int end = (int) Math.min(layout.in(), (long) first + bi);
      for (int i = first; i < end; i++) {
        bits[at + (i >>> 6)] |= 1L << i;
      }
    }
  }
}
