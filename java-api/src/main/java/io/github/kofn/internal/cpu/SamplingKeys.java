// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import io.github.kofn.internal.kernels.Draw;
import io.github.kofn.internal.kernels.View;
import io.github.kofn.sampling.InvalidLogitsException;

/** Makes keys of rows of logits. */
final class SamplingKeys {
  /** The bits of infinity; those of a NaN's magnitude are greater. */
  static final int INFINITY = 0x7f800000;

  /** Elements whose zeros are on their way to memory while words of as many are made. */
  private static final int PIECE = 256;

  /** Words are made from a multiple of this counter on: a whole vector, and two of them at once. */
  private static final int COUNTERS = 2 * SamplingSoftmax.LANES;

  /** Vectors of counters side by side that are ciphered at a time: an even number. */
  private static final int VECTORS = 4;

  private final SamplingNoise noise;
  private final SamplingRows logits;
  private final Draw draw;
  private final int n;
  private final int stride;

  /**
   * Keys that lie in scratch with rows {@code stride} elements apart, a multiple of 4. Behind a
   * row, keys are -infinity.
   */
  SamplingKeys(SamplingNoise noise, View logits, Draw draw, int stride) {
    this.noise = noise;
    this.logits = new SamplingRows(logits);
    this.draw = draw;
    this.n = Math.toIntExact(logits.columns());
    this.stride = stride;
  }

  /** Prepares scratch for rows one behind the other, or side by side. */
  void begin(SamplingColumnwise columnwise, SamplingScratch scratch) {
    if (columnwise == null) {
      scratch.counters.inRows(stride, noise.lanes());
    } else {
      scratch.counters.sideBySide(n, columnwise.lanes());
    }
  }

  /** How many rows are worked on at a time: as many as a block holds, at least one. */
  int rowsAtOnce() {
    return Math.max(1, SamplingScratch.BLOCK / Math.max(1, stride));
  }

  /**
   * Makes the keys of some rows, at most {@link #rowsAtOnce}; {@link #begin} has been called.
   *
   * @return the greatest bits of the keys' magnitudes
   */
  int make(long row, int rows, SamplingScratch scratch) {
    float[] keys = scratch.keys(rows * stride);
    logits.readRows(row, rows, keys, stride, Float.NEGATIVE_INFINITY, scratch);
    int length = rows * stride;
    if (draw.noiseScale() == 0) {
      return noise.greatestMagnitude(keys, 0, length);
    }
    int greatest = 0;
    for (int at = 0; at < length; at += SamplingScratch.BLOCK) {
      int block = Math.min(SamplingScratch.BLOCK, length - at);
      makeWords(row, at, 0, Math.ceilDiv(block, 4), scratch);
      int magnitude = noise.addNoise(scratch.words, 0, draw.noiseScale(), keys, at, block);
      greatest = Math.max(greatest, magnitude);
    }
    return greatest;
  }

  private void makeWords(long row, int column, int from, int to, SamplingScratch scratch) {
    int globalRow = (int) (draw.firstRow() + row);
    noise.words(scratch.counters, from, to, column >>> 2, globalRow, draw, scratch.words);
  }

  /**
   * Reads some rows of logits, at most {@link #rowsAtOnce}, makes their words, for {@link #filter},
   * and fills their masks with zeros. No row is longer than a block. It goes a piece at a time, so
   * that memory gives and takes what a piece needs while words of another are made.
   */
  void prepare(long row, int rows, SamplingOutputs outputs, SamplingScratch scratch) {
    float[] block = scratch.keys(rows * stride);
    int step = Math.max(1, PIECE / stride);
    int made = 0;
    for (int r = 0; r < rows; r += step) {
      int some = Math.min(step, rows - r);
      outputs.clear(row + r, some);
      int at = r * stride;
      logits.readRows(row + r, some, block, at, stride, Float.NEGATIVE_INFINITY, scratch);
      if (draw.noiseScale() != 0) {
        int read = (at + some * stride) / 4;
        int next = Math.min(rows * stride / 4, Math.ceilDiv(read, COUNTERS) * COUNTERS);
        makeWords(row, 0, made, next, scratch);
        made = next;
      }
    }
  }

  /**
   * The same for a part of a row, a block at most, of which masks are filled with zeros: a piece
   * each time when words have been made, so that memory takes the zeros meanwhile.
   */
  void preparePart(
      long row, int column, int length, SamplingOutputs outputs, SamplingScratch scratch) {
    float[] block = scratch.keys(SamplingScratch.BLOCK);
    logits.readPart(row, column, length, block, Float.NEGATIVE_INFINITY, scratch);
    for (int from = 0; from < length; from += PIECE) {
      int to = Math.min(length, from + PIECE);
      outputs.clear(row, column + from, to - from);
      if (draw.noiseScale() != 0) {
        makeWords(row, column, from / 4, Math.ceilDiv(to, 4), scratch);
      }
    }
  }

  /** Adds what may win of a part of a row, which has been prepared, to the candidates. */
  void filter(int from, int length, int column, SamplingScratch scratch) {
    scratch.candidates.add(scratch.words, scratch.keys, from, length, column);
  }

  /**
   * Makes the keys of some short rows, side by side, and fills their masks with zeros: some each
   * time before some words are made, so that memory takes the zeros meanwhile.
   *
   * @return the greatest bits of the keys' magnitudes, or of what lies behind the last row
   */
  int makeColumnwise(
      SamplingColumnwise columnwise,
      long row,
      int rows,
      SamplingOutputs outputs,
      SamplingScratch scratch) {
    int lanes = columnwise.lanes();
    int groups = Math.ceilDiv(rows, lanes);
    int length = groups * lanes * n;
    float[] inRows = scratch.weights(length + SamplingScratch.SQUARE);
    logits.readRows(row, rows, inRows, n, Float.NEGATIVE_INFINITY, scratch);
    float[] keys = scratch.keys(length + SamplingScratch.SQUARE);
    columnwise.transpose(inRows, n, groups, keys, scratch.square);
    if (draw.noiseScale() == 0) {
      outputs.clear(row, rows);
      return noise.greatestMagnitude(keys, 0, length);
    }
    int globalRow = (int) (draw.firstRow() + row);
    int vectors = groups * Math.ceilDiv(n, SamplingCipher.WORDS);
    int cleared = 0;
    int to;
    for (int from = 0; from < vectors; from = to) {
      to = Math.min(vectors, from + VECTORS);
      int next = rows * to / vectors;
      outputs.clear(row + cleared, next - cleared);
      cleared = next;
      columnwise.words(scratch.counters, from, to, globalRow, draw, scratch.words);
    }
    return noise.addNoise(scratch.words, 0, draw.noiseScale(), keys, 0, length);
  }

  /** Checks a row of keys that lies in scratch, {@code stride} apart. */
  void checkNotNan(float[] keys, int from, int stride, long row) {
    for (int i = 0; i < n; i++) {
      if (Float.isNaN(keys[from + i * stride])) {
        throw InvalidLogitsException.nan(row, i);
      }
    }
  }

  /** The error of a row of keys with too few drawable ones. */
  InvalidLogitsException tooFew(float[] keys, int from, int stride, long row, int k) {
    long drawable = 0;
    for (int i = 0; i < n; i++) {
      drawable += keys[from + i * stride] > Float.NEGATIVE_INFINITY ? 1 : 0;
    }
    return InvalidLogitsException.tooFew(row, drawable, k);
  }
}
