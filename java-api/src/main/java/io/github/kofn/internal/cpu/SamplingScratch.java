// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import java.util.ArrayDeque;
import java.util.Deque;

/** What one thread needs beside the rows: arrays that grow to the need and are used again. */
final class SamplingScratch {
  /** Elements that are worked on at a time: words, logits and keys then fit the first cache. */
  static final int BLOCK = 2048;

  /** Elements of a square of lanes. */
  static final int SQUARE = SamplingSoftmax.LANES * SamplingSoftmax.LANES;

  private static final int SLACK = SamplingNoise.SLACK;

  /** Scratch beyond this many bytes is not kept for the next operation. */
  private static final long KEPT = 16 << 20;

  final SamplingThreshold threshold;
  final SamplingGuess guess = new SamplingGuess();
  final SamplingCandidates candidates;
  private SamplingLists batch = new SamplingLists(0);
  final SamplingSearch search = new SamplingSearch();
  final float[] square = new float[SQUARE];
  final int[] marks = new int[BLOCK + 2 * SamplingSoftmax.LANES];
  final SamplingWinners winners = new SamplingWinners();
  final float[] lanes = new float[SamplingSoftmax.LANES];
  final int[] words = new int[BLOCK + 3 * SLACK];

  /** A block's counters: those of one row, or of several short rows. */
  final SamplingCounters counters = new SamplingCounters();

  float[] keys = new float[0];
  int[] columns = new int[0];
  int[] bits = new int[0];
  float[] winnerKeys = new float[0];
  long[] sortable = new long[0];
  float[] floats = new float[0];
  float[] weights = new float[0];
  short[] shorts = new short[0];
  byte[] bytes = new byte[0];

  SamplingScratch(SamplingNoise noise, SamplingSelection selection) {
    threshold = new SamplingThreshold(selection);
    candidates = new SamplingCandidates(noise, selection, threshold);
  }

  /** Lists with room for the elements of a batch. */
  SamplingLists batch(int capacity) {
    if (batch.capacity() < capacity) {
      batch = new SamplingLists(capacity);
    }
    return batch;
  }

  float[] keys(int length) {
    if (keys.length < length + SLACK) {
      keys = new float[length + SLACK];
    }
    return keys;
  }

  int[] bits(int length) {
    if (bits.length < length) {
      bits = new int[length];
    }
    return bits;
  }

  int[] columns(int length) {
    if (columns.length < length + SLACK) {
      columns = new int[length + SLACK];
    }
    return columns;
  }

  float[] winnerKeys(int length) {
    if (winnerKeys.length < length + SLACK) {
      winnerKeys = new float[length + SLACK];
    }
    return winnerKeys;
  }

  long[] sortable(int length) {
    if (sortable.length < length) {
      sortable = new long[length];
    }
    return sortable;
  }

  float[] floats(int length) {
    if (floats.length < length + SLACK) {
      floats = new float[length + SLACK];
    }
    return floats;
  }

  float[] weights(int length) {
    if (weights.length < length + SLACK) {
      weights = new float[length + SLACK];
    }
    return weights;
  }

  short[] shorts(int length) {
    if (shorts.length < length) {
      shorts = new short[length];
    }
    return shorts;
  }

  byte[] bytes(int length) {
    if (bytes.length < length + SLACK) {
      bytes = new byte[length + SLACK];
    }
    return bytes;
  }

  private long size() {
    return 4L
            * (keys.length
                + bits.length
                + columns.length
                + winnerKeys.length
                + floats.length
                + weights.length)
        + 8L * sortable.length
        + candidates.size()
        + 12L * batch.capacity()
        + winners.size()
        + 2L * shorts.length
        + bytes.length;
  }

  /** Scratch that waits for the next operation, at most as much as threads ever worked at once. */
  static final class Pool {
    private final Deque<SamplingScratch> free = new ArrayDeque<>();
    private final SamplingNoise noise;
    private final SamplingSelection selection;

    Pool(SamplingNoise noise, SamplingSelection selection) {
      this.noise = noise;
      this.selection = selection;
    }

    synchronized SamplingScratch take() {
      SamplingScratch scratch = free.poll();
      return scratch == null ? new SamplingScratch(noise, selection) : scratch;
    }

    synchronized void giveBack(SamplingScratch scratch) {
      if (scratch.size() <= KEPT) {
        free.push(scratch);
      }
    }
  }
}
