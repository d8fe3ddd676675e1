// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandles;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Tiles of sums as {@link TileVectors} has them, where rows of sums are as long as a panel that is
 * not full, and for a single vector.
 */
final class PartTileVectors implements TileKernels {
  private static final VectorSpecies<Float> F = Species.floats(MethodHandles.lookup());
  private static final ByteOrder ORDER = ByteOrder.nativeOrder();
  private static final int L = F.length();

  /** The bytes of a vector. */
  private static final long V = 4L * L;

  /** The distance of an output's weight from the next one's, in bytes. */
  private static final long D = 4L * Species.distance(MethodHandles.lookup());

  private static final long SIX_SPAN = 5 * D + 4;
  private static final long FOUR_SPAN = 3 * D + 4;

  private static FloatVector load(MemorySegment from, long at) {
    return FloatVector.fromMemorySegment(F, from, at, ORDER);
  }

  private static FloatVector weight(MemorySegment from, long at) {
    return FloatVector.broadcast(F, from.get(ValueLayout.JAVA_FLOAT_UNALIGNED, at));
  }

  @Override
  public void six(
      MemorySegment x,
      int stride,
      int[] inputs,
      long[] offsets,
      int from,
      int to,
      MemorySegment weights,
      long weightsAt,
      MemorySegment y,
      long yAt,
      int pitch) {
    MemorySegment w = weights.asSlice(weightsAt);
    long row = 4L * stride;
    int b = 0;
    for (; b + 2 * L <= stride; b += 2 * L) {
      long at = 4L * b;
      sixBy2(x.asSlice(at), inputs, offsets, from, to, w, y, yAt + at, row, 4L * pitch);
    }
    if (b < stride) {
      long at = 4L * b;
      sixBy1(x.asSlice(at), inputs, offsets, from, to, w, y, yAt + at, row, 4L * pitch);
    }
  }

  @Override
  public void four(
      MemorySegment x,
      int stride,
      int[] inputs,
      long[] offsets,
      int from,
      int to,
      MemorySegment weights,
      long weightsAt,
      MemorySegment y,
      long yAt,
      int pitch) {
    MemorySegment w = weights.asSlice(weightsAt);
    long row = 4L * stride;
    int b = 0;
    for (; b + 2 * L <= stride; b += 2 * L) {
      long at = 4L * b;
      fourBy2(x.asSlice(at), inputs, offsets, from, to, w, y, yAt + at, row, 4L * pitch);
    }
    if (b < stride) {
      long at = 4L * b;
      fourBy1(x.asSlice(at), inputs, offsets, from, to, w, y, yAt + at, row, 4L * pitch);
    }
  }

  /** 12 sums and 3 operands of AVX2's 16 registers. */
  private static void sixBy2(
      MemorySegment x,
      int[] inputs,
      long[] offsets,
      int from,
      int to,
      MemorySegment weights,
      MemorySegment y,
      long yAt,
      long row,
      long pitch) {
    FloatVector a0 = FloatVector.zero(F);
    FloatVector a1 = a0;
    FloatVector b0 = a0;
    FloatVector b1 = a0;
    FloatVector c0 = a0;
    FloatVector c1 = a0;
    FloatVector d0 = a0;
    FloatVector d1 = a0;
    FloatVector e0 = a0;
    FloatVector e1 = a0;
    FloatVector f0 = a0;
    FloatVector f1 = a0;
    for (int i = from; i < to; i++) {
      MemorySegment p = x.asSlice(inputs[i] * row, 2 * V);
      MemorySegment w = weights.asSlice(offsets[i], SIX_SPAN);
      FloatVector x0 = load(p, 0);
      FloatVector x1 = load(p, V);
      FloatVector v = weight(w, 0);
      a0 = x0.fma(v, a0);
      a1 = x1.fma(v, a1);
      v = weight(w, D);
      b0 = x0.fma(v, b0);
      b1 = x1.fma(v, b1);
      v = weight(w, 2 * D);
      c0 = x0.fma(v, c0);
      c1 = x1.fma(v, c1);
      v = weight(w, 3 * D);
      d0 = x0.fma(v, d0);
      d1 = x1.fma(v, d1);
      v = weight(w, 4 * D);
      e0 = x0.fma(v, e0);
      e1 = x1.fma(v, e1);
      v = weight(w, 5 * D);
      f0 = x0.fma(v, f0);
      f1 = x1.fma(v, f1);
    }
    MemorySegment tile = y.asSlice(yAt, 5 * pitch + 2 * V);
    a0.intoMemorySegment(tile, 0, ORDER);
    a1.intoMemorySegment(tile, V, ORDER);
    b0.intoMemorySegment(tile, pitch, ORDER);
    b1.intoMemorySegment(tile, pitch + V, ORDER);
    c0.intoMemorySegment(tile, 2 * pitch, ORDER);
    c1.intoMemorySegment(tile, 2 * pitch + V, ORDER);
    d0.intoMemorySegment(tile, 3 * pitch, ORDER);
    d1.intoMemorySegment(tile, 3 * pitch + V, ORDER);
    e0.intoMemorySegment(tile, 4 * pitch, ORDER);
    e1.intoMemorySegment(tile, 4 * pitch + V, ORDER);
    f0.intoMemorySegment(tile, 5 * pitch, ORDER);
    f1.intoMemorySegment(tile, 5 * pitch + V, ORDER);
  }

  /** 8 sums. */
  private static void fourBy2(
      MemorySegment x,
      int[] inputs,
      long[] offsets,
      int from,
      int to,
      MemorySegment weights,
      MemorySegment y,
      long yAt,
      long row,
      long pitch) {
    FloatVector a0 = FloatVector.zero(F);
    FloatVector a1 = a0;
    FloatVector b0 = a0;
    FloatVector b1 = a0;
    FloatVector c0 = a0;
    FloatVector c1 = a0;
    FloatVector d0 = a0;
    FloatVector d1 = a0;
    for (int i = from; i < to; i++) {
      MemorySegment p = x.asSlice(inputs[i] * row, 2 * V);
      MemorySegment w = weights.asSlice(offsets[i], FOUR_SPAN);
      FloatVector x0 = load(p, 0);
      FloatVector x1 = load(p, V);
      FloatVector v = weight(w, 0);
      a0 = x0.fma(v, a0);
      a1 = x1.fma(v, a1);
      v = weight(w, D);
      b0 = x0.fma(v, b0);
      b1 = x1.fma(v, b1);
      v = weight(w, 2 * D);
      c0 = x0.fma(v, c0);
      c1 = x1.fma(v, c1);
      v = weight(w, 3 * D);
      d0 = x0.fma(v, d0);
      d1 = x1.fma(v, d1);
    }
    MemorySegment tile = y.asSlice(yAt, 3 * pitch + 2 * V);
    a0.intoMemorySegment(tile, 0, ORDER);
    a1.intoMemorySegment(tile, V, ORDER);
    b0.intoMemorySegment(tile, pitch, ORDER);
    b1.intoMemorySegment(tile, pitch + V, ORDER);
    c0.intoMemorySegment(tile, 2 * pitch, ORDER);
    c1.intoMemorySegment(tile, 2 * pitch + V, ORDER);
    d0.intoMemorySegment(tile, 3 * pitch, ORDER);
    d1.intoMemorySegment(tile, 3 * pitch + V, ORDER);
  }

  /** The last vector of a panel that is not full. */
  private static void sixBy1(
      MemorySegment x,
      int[] inputs,
      long[] offsets,
      int from,
      int to,
      MemorySegment weights,
      MemorySegment y,
      long yAt,
      long row,
      long pitch) {
    FloatVector a0 = FloatVector.zero(F);
    FloatVector b0 = a0;
    FloatVector c0 = a0;
    FloatVector d0 = a0;
    FloatVector e0 = a0;
    FloatVector f0 = a0;
    for (int i = from; i < to; i++) {
      FloatVector x0 = load(x, inputs[i] * row);
      MemorySegment w = weights.asSlice(offsets[i], SIX_SPAN);
      FloatVector v = weight(w, 0);
      a0 = x0.fma(v, a0);
      v = weight(w, D);
      b0 = x0.fma(v, b0);
      v = weight(w, 2 * D);
      c0 = x0.fma(v, c0);
      v = weight(w, 3 * D);
      d0 = x0.fma(v, d0);
      v = weight(w, 4 * D);
      e0 = x0.fma(v, e0);
      v = weight(w, 5 * D);
      f0 = x0.fma(v, f0);
    }
    MemorySegment tile = y.asSlice(yAt, 5 * pitch + V);
    a0.intoMemorySegment(tile, 0, ORDER);
    b0.intoMemorySegment(tile, pitch, ORDER);
    c0.intoMemorySegment(tile, 2 * pitch, ORDER);
    d0.intoMemorySegment(tile, 3 * pitch, ORDER);
    e0.intoMemorySegment(tile, 4 * pitch, ORDER);
    f0.intoMemorySegment(tile, 5 * pitch, ORDER);
  }

  /** The last vector of a panel that is not full. */
  private static void fourBy1(
      MemorySegment x,
      int[] inputs,
      long[] offsets,
      int from,
      int to,
      MemorySegment weights,
      MemorySegment y,
      long yAt,
      long row,
      long pitch) {
    FloatVector a0 = FloatVector.zero(F);
    FloatVector b0 = a0;
    FloatVector c0 = a0;
    FloatVector d0 = a0;
    for (int i = from; i < to; i++) {
      FloatVector x0 = load(x, inputs[i] * row);
      MemorySegment w = weights.asSlice(offsets[i], FOUR_SPAN);
      FloatVector v = weight(w, 0);
      a0 = x0.fma(v, a0);
      v = weight(w, D);
      b0 = x0.fma(v, b0);
      v = weight(w, 2 * D);
      c0 = x0.fma(v, c0);
      v = weight(w, 3 * D);
      d0 = x0.fma(v, d0);
    }
    MemorySegment tile = y.asSlice(yAt, 3 * pitch + V);
    a0.intoMemorySegment(tile, 0, ORDER);
    b0.intoMemorySegment(tile, pitch, ORDER);
    c0.intoMemorySegment(tile, 2 * pitch, ORDER);
    d0.intoMemorySegment(tile, 3 * pitch, ORDER);
  }
}
