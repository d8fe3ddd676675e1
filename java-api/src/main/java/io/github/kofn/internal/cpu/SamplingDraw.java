// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import io.github.kofn.internal.kernels.Draw;
import io.github.kofn.internal.kernels.SamplingKernels.DrawOutputs;
import io.github.kofn.internal.kernels.View;
import io.github.kofn.sampling.InvalidLogitsException;
import java.util.Arrays;

/** One draw: keys, selection and outputs of any range of rows. */
final class SamplingDraw {
  /** How the k greatest keys of a row are found. */
  enum Regime {
    /** Short rows, several at a time: count for every key how many are above it. */
    RANKED,
    /** All keys in an array: search the threshold that k of them reach. */
    COUNTED,
    /** Long rows with a small k: only what may be above a rising threshold is made into a key. */
    STREAMED
  }

  private static final int INFINITY = 0x7f800000;

  private final SamplingNoise noise;
  private final SamplingSelection selection;
  private final SamplingRows logits;
  private final int n;
  private final int k;
  private final Draw draw;
  private final Regime regime;
  private final SamplingOutputs outputs;

  /** How far apart rows lie in scratch. */
  private final int stride;

  /** How many rows are worked on at a time. */
  private final int rowsAtOnce;

  private final int wordsPerRow;

  SamplingDraw(
      SamplingNoise noise,
      SamplingSelection selection,
      View logits,
      int k,
      Draw draw,
      DrawOutputs outputs,
      Regime forced) {
    this.noise = noise;
    this.selection = selection;
    this.logits = new SamplingRows(logits);
    this.n = Math.toIntExact(logits.columns());
    this.k = k;
    this.draw = draw;
    this.regime = regime(n, k, forced);
    this.outputs = new SamplingOutputs(selection, n, k, outputs);
    this.stride = Math.toIntExact(roundUp(n, regime == Regime.RANKED ? 4 : 16));
    this.rowsAtOnce = Math.max(1, SamplingScratch.BLOCK / Math.max(1, stride));
    this.wordsPerRow = Math.ceilDiv(n, 64);
  }

  private static Regime regime(int n, int k, Regime forced) {
    if (forced != null && (forced != Regime.RANKED || n <= SamplingSelection.RANKED)) {
      return forced;
    }
    if (n <= SamplingSelection.RANKED / 2) {
      return Regime.RANKED;
    }
    return n > 2 * SamplingScratch.BLOCK && k <= n / 16 ? Regime.STREAMED : Regime.COUNTED;
  }

  private static long roundUp(long value, int multiple) {
    return Math.ceilDiv(value, (long) multiple) * multiple;
  }

  /** Draws in the rows from first until before last. */
  void rows(long first, long last, SamplingScratch scratch) {
    if (n == 0) {
      return;
    }
    scratch.table(stride);
    scratch.threshold.reset();
    int step = regime == Regime.STREAMED ? 1 : rowsAtOnce;
    for (long row = first; row < last; row += step) {
      int rows = (int) Math.min(step, last - row);
      scratch.bits(rows * wordsPerRow);
      scratch.columns(rows * k);
      scratch.winnerKeys(rows * k);
      if (regime == Regime.STREAMED) {
        stream(row, scratch);
      } else {
        select(row, rows, scratch);
      }
      outputs.write(row, rows, scratch);
    }
  }

  private void select(long row, int rows, SamplingScratch scratch) {
    float[] keys = scratch.keys(rows * stride);
    logits.readRows(row, rows, keys, stride, Float.NEGATIVE_INFINITY, scratch);
    int greatest = makeKeys(row, rows * stride, keys, scratch);
    for (int r = 0; r < rows; r++) {
      int from = r * stride;
      if (greatest > INFINITY) {
        checkNotNan(keys, from, n, row + r, 0);
      }
      int word = r * wordsPerRow;
      mark(keys, from, row + r, word, scratch);
      int[] columns = scratch.columns;
      int end = selection.columns(scratch.bits, word, wordsPerRow, columns, r * k);
      if (outputs.needKeys()) {
        for (int i = r * k; i < end; i++) {
          scratch.winnerKeys[i] = keys[from + columns[i]];
        }
      }
    }
  }

  /** Keys of a block of short rows, or of one row, in place of their logits. */
  private int makeKeys(long row, int length, float[] keys, SamplingScratch scratch) {
    if (draw.noiseScale() == 0) {
      return noise.greatestMagnitude(keys, 0, length);
    }
    int greatest = 0;
    for (int at = 0; at < length; at += SamplingScratch.BLOCK) {
      int block = Math.min(SamplingScratch.BLOCK, length - at);
      makeWords(row, at, block, scratch);
      int magnitude = noise.addNoise(scratch.words, 0, draw.noiseScale(), keys, at, block);
      greatest = Math.max(greatest, magnitude);
    }
    return greatest;
  }

  private void makeWords(long row, int column, int length, SamplingScratch scratch) {
    int counters = Math.ceilDiv(length, 4);
    long globalRow = draw.firstRow() + row;
    noise.words(
        scratch.groups, scratch.rows, counters, column >>> 2, globalRow, draw, scratch.words);
  }

  private static void checkNotNan(float[] values, int from, int length, long row, int column) {
    for (int i = 0; i < length; i++) {
      if (Float.isNaN(values[from + i])) {
        throw InvalidLogitsException.nan(row, column + i);
      }
    }
  }

  /** Selects the k greatest of a row's keys. */
  private void mark(float[] keys, int from, long row, int word, SamplingScratch scratch) {
    long[] bits = scratch.bits;
    int marked;
    if (k == 0) {
      Arrays.fill(bits, word, word + wordsPerRow, 0);
      return;
    }
    if (regime == Regime.RANKED) {
      bits[word] = selection.markByRank(keys, from, n, k);
      marked = Long.bitCount(bits[word]);
    } else {
      float threshold = scratch.threshold.find(keys, from, n, k);
      threshold = Math.max(threshold, -Float.MAX_VALUE);
      marked = selection.mark(keys, from, n, threshold, bits, word);
    }
    if (marked < k) {
      throw InvalidLogitsException.tooFew(row, drawable(keys, from, n), k);
    }
    if (marked > k) {
      SamplingThreshold.dropTies(keys, from, n, bits, word, marked - k);
    }
  }

  private static long drawable(float[] keys, int from, int length) {
    long drawable = 0;
    for (int i = from; i < from + length; i++) {
      drawable += keys[i] > Float.NEGATIVE_INFINITY ? 1 : 0;
    }
    return drawable;
  }

  /** Selects the k greatest keys of a long row. */
  private void stream(long row, SamplingScratch scratch) {
    SamplingCandidates candidates = scratch.candidates;
    float[] block = scratch.keys(SamplingScratch.BLOCK);
    candidates.start(k);
    for (int column = 0; column < n; column += SamplingScratch.BLOCK) {
      int length = Math.min(SamplingScratch.BLOCK, n - column);
      logits.read(row, column, length, block, 0, scratch);
      Arrays.fill(block, length, length + SamplingNoise.SLACK / 2, Float.NEGATIVE_INFINITY);
      if (noise.greatestMagnitude(block, 0, length) > INFINITY) {
        checkNotNan(block, 0, length, row, column);
      }
      if (!candidates.hasRoom(length)) {
        candidates.narrow(noise, draw.noiseScale(), selection, scratch.threshold, k);
      }
      filter(row, column, length, block, scratch);
    }
    candidates.narrow(noise, draw.noiseScale(), selection, scratch.threshold, k);
    if (candidates.count < k) {
      throw InvalidLogitsException.tooFew(row, candidates.count, k);
    }
    System.arraycopy(candidates.columns, 0, scratch.columns, 0, k);
    System.arraycopy(candidates.keys, 0, scratch.winnerKeys, 0, k);
    if (outputs.needBits()) {
      Arrays.fill(scratch.bits, 0, wordsPerRow, 0);
      for (int i = 0; i < k; i++) {
        int column = candidates.columns[i];
        scratch.bits[column / 64] |= 1L << column;
      }
    }
  }

  private void filter(long row, int column, int length, float[] block, SamplingScratch scratch) {
    if (draw.noiseScale() == 0) {
      noise.filterLogits(block, length, column, scratch.candidates);
      return;
    }
    makeWords(row, column, length, scratch);
    noise.filter(scratch.words, block, length, draw.noiseScale(), column, scratch.candidates);
  }
}
