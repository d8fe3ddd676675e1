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

  private final SamplingNoise noise;
  private final SamplingSelection selection;
  private final SamplingKeys keyMaker;
  private final int n;
  private final int k;
  private final Draw draw;
  private final Regime regime;
  private final SamplingOutputs outputs;

  /** How far apart rows lie in scratch. */
  private final int stride;

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
    this.n = Math.toIntExact(logits.columns());
    this.k = k;
    this.draw = draw;
    this.regime = regime(n, k, forced);
    this.outputs = new SamplingOutputs(selection, n, k, outputs);
    this.stride = Math.toIntExact(roundUp(n, regime == Regime.RANKED ? 4 : 16));
    this.keyMaker = new SamplingKeys(noise, logits, draw, stride);
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
    int step = regime == Regime.STREAMED ? 1 : keyMaker.rowsAtOnce();
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
    int greatest = keyMaker.make(row, rows, scratch);
    float[] keys = scratch.keys;
    for (int r = 0; r < rows; r++) {
      int from = r * stride;
      if (greatest > SamplingKeys.INFINITY) {
        keyMaker.checkNotNan(keys, from, row + r);
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
      throw keyMaker.tooFew(keys, from, row, k);
    }
    if (marked > k) {
      SamplingThreshold.dropTies(keys, from, n, bits, word, marked - k);
    }
  }

  /** Selects the k greatest keys of a long row. */
  private void stream(long row, SamplingScratch scratch) {
    SamplingCandidates candidates = scratch.candidates;
    candidates.start(k);
    for (int column = 0; column < n; column += SamplingScratch.BLOCK) {
      int length = Math.min(SamplingScratch.BLOCK, n - column);
      if (!candidates.hasRoom(length)) {
        candidates.narrow(noise, draw.noiseScale(), selection, scratch.threshold, k);
      }
      keyMaker.filter(row, column, length, scratch);
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
}
