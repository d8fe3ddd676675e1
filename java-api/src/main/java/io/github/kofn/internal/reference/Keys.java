// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.reference;

import io.github.kofn.internal.kernels.Draw;
import io.github.kofn.internal.kernels.View;
import io.github.kofn.sampling.Gumbel;
import io.github.kofn.sampling.InvalidLogitsException;
import io.github.kofn.sampling.Philox;
import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * A row's keys and their order. The key of column c is {@code fma(beta, G, logit)} in fp32, G being
 * the Gumbel noise of the element's own random word; the k greatest keys are a sample of k columns
 * without replacement from the softmax of logit / beta (Kool, van Hoof and Welling, "Stochastic
 * beams and where to find them", ICML 2019).
 */
final class Keys {
  private Keys() {}

  /**
   * The keys of one row.
   *
   * @param k how many of them must be above -infinity
   * @throws InvalidLogitsException if the row holds a NaN, or too few keys above -infinity
   */
  static float[] ofRow(View logits, long row, int k, Draw draw) {
    float[] keys = logits(logits, row);
    if (draw.noiseScale() != 0) {
      int[] words = new int[4];
      for (int c = 0; c < keys.length; c++) {
        if ((c & 3) == 0) {
          int globalRow = (int) (draw.firstRow() + row);
          Philox.words(draw.seed(), c >>> 2, globalRow, draw.stream(), draw.step(), words);
        }
        keys[c] = Math.fma(draw.noiseScale(), Gumbel.of(words[c & 3]), keys[c]);
      }
    }
    checkDrawable(keys, row, k);
    return keys;
  }

  /**
   * The logits of one row, widened to fp32.
   *
   * @throws InvalidLogitsException if one is NaN
   */
  static float[] logits(View logits, long row) {
    Elements elements = new Elements(logits);
    float[] values = new float[elements.columns()];
    for (int c = 0; c < values.length; c++) {
      values[c] = (float) elements.get(row, c);
      if (Float.isNaN(values[c])) {
        throw InvalidLogitsException.nan(row, c);
      }
    }
    return values;
  }

  static void checkDrawable(float[] keys, long row, int k) {
    int drawable = 0;
    for (float key : keys) {
      if (key > Float.NEGATIVE_INFINITY) {
        drawable++;
      }
    }
    if (drawable < k) {
      throw InvalidLogitsException.tooFew(row, drawable, k);
    }
  }

  /** All columns, greatest key first, equal keys by ascending column. */
  static int[] order(float[] keys) {
    return order(keys, IntStream.range(0, keys.length).toArray());
  }

  /**
   * Some columns, greatest key first, equal keys by ascending column. Adding 0 turns -0 into +0;
   * the bits of the floats, those of negative numbers with all but the sign inverted, then compare
   * as integers just as the floats do; a long holds that and the column.
   */
  static int[] order(float[] keys, int[] columns) {
    long[] sortable = new long[columns.length];
    for (int i = 0; i < columns.length; i++) {
      int bits = Float.floatToRawIntBits(keys[columns[i]] + 0f);
      int ascending = bits ^ ((bits >> 31) & Integer.MAX_VALUE);
      sortable[i] = ((long) ~ascending << 32) | columns[i];
    }
    Arrays.sort(sortable);
    int[] order = new int[columns.length];
    for (int i = 0; i < columns.length; i++) {
      order[i] = (int) sortable[i];
    }
    return order;
  }
}
