// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.Arrays;

/**
 * Working memory of one part of a product: arrays and aligned native memory that grow to what the
 * largest part needed and are used again, so that a call leaves no garbage of note. Contents are
 * undefined between uses.
 */
final class Scratch {
  private static final int NATIVE_SLOTS = 4;

  /** Tiles pass through here, a few features at a time, on their way to and from other types. */
  final float[] stage = new float[Tiles.STAGE];

  /** Results on their way. */
  private float[] tile = new float[0];

  /** The lists of the part that holds this. */
  final TermLists lists = new TermLists(this);

  /** The tiles of the part that holds this. */
  final TileLists tiles = new TileLists(this);

  private char[] chars = new char[0];
  private float[] line = new float[0];
  private float[] weights = new float[0];
  private int[] features = new int[0];
  private float[] sums = new float[0];
  private final MemorySegment[] natives = new MemorySegment[NATIVE_SLOTS];

  char[] chars(int size) {
    chars = chars.length >= size ? chars : new char[grown(size)];
    return chars;
  }

  float[] line(int size) {
    line = line.length >= size ? line : new float[grown(size)];
    return line;
  }

  /** Room for weights; what is there already stays. */
  float[] weights(int size) {
    weights = weights.length >= size ? weights : Arrays.copyOf(weights, grown(size));
    return weights;
  }

  /** Room for features; what is there already stays. */
  int[] features(int size) {
    features = features.length >= size ? features : Arrays.copyOf(features, grown(size));
    return features;
  }

  /** Working memory for results. */
  float[] tile(int size) {
    tile = tile.length >= size ? tile : new float[grown(size)];
    return tile;
  }

  float[] sums(int size) {
    sums = sums.length >= size ? sums : new float[grown(size)];
    return sums;
  }

  /** Native memory for floats, aligned to a cache line; each slot is a memory of its own. */
  MemorySegment floats(int slot, long count) {
    long bytes = Math.max(64, count * Float.BYTES);
    MemorySegment segment = natives[slot];
    if (segment == null || segment.byteSize() < bytes) {
      // An automatic arena: freed with the engine that owns this, closing it stops no thread.
      segment = Arena.ofAuto().allocate(bytes + bytes / 4, 64);
      natives[slot] = segment;
    }
    return segment;
  }

  private static int grown(int size) {
    return (int) Math.min(Integer.MAX_VALUE - 8, size + (long) size / 4);
  }

  /** Scratches that wait for their next use, at most as many as parts ever ran at once. */
  static final class Pool {
    private final ArrayDeque<Scratch> idle = new ArrayDeque<>();

    synchronized Scratch take() {
      Scratch scratch = idle.poll();
      return scratch == null ? new Scratch() : scratch;
    }

    synchronized void give(Scratch scratch) {
      idle.push(scratch);
    }
  }
}
