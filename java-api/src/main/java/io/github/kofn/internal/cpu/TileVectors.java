// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import io.github.kofn.Layout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandles;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Tiles of sums with vectors along the batch. What {@link SumVectors} says of loops holds here,
 * too: the distances of weights and of rows of sums are constants of the class, since more
 * addresses would not fit into general registers. {@link PartTileVectors} has rows of other
 * lengths.
 *
 * <p>Six outputs by four vectors of 16: 24 FMAs, 12 cycles, for 12 loads, 6 cycles. By two vectors
 * of 8, as registers allow: 12 FMAs, 6 cycles, for 8 loads and 2 of the lists, less than 4. Little
 * else fits beside so few FMAs. Where an input was multiplied by the length of rows, in one of the
 * two ports that FMAs run in, a turn took 7.2 cycles; with a shift it takes 6.0.
 *
 * <p>Sums are stored through a slice, which the compiler knows to be native memory. Where they were
 * stored to the segment itself, which other classes store to heap memory through, some JVMs were 40
 * times slower: PrintInlining showed code for a heap segment beside that for a native one at each
 * of 24 stores. That this is more than the compiler inlines is inferred from it.
 */
final class TileVectors implements TileKernels {
  private static final VectorSpecies<Float> F = Species.floats(MethodHandles.lookup());
  private static final ByteOrder ORDER = ByteOrder.nativeOrder();
  private static final int L = F.length();

  /** The bytes of a vector. */
  private static final long V = 4L * L;

  /** The distance of rows of sums: that in a full panel. */
  private static final long PITCH = 4L * Layout.PANEL;

  /** The same, a power of two bytes. */
  private static final int ROW = Integer.numberOfTrailingZeros(4 * Layout.PANEL);

  /** The distance of an output's weight from the next one's, in bytes. */
  private static final long D = 4L * Species.distance(MethodHandles.lookup());

  private static final long SIX_SPAN = 5 * D + 4;
  private static final long FOUR_SPAN = 3 * D + 4;

  /** What computes other rows of sums. */
  private final TileKernels parts =
      Lanes.load(TileKernels.class, "PartTileVectors", L, Species.distance(MethodHandles.lookup()));

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
    if (pitch != Layout.PANEL || Integer.bitCount(stride) > 1 || stride < 2 * L) {
      parts.six(x, stride, inputs, offsets, from, to, weights, weightsAt, y, yAt, pitch);
      return;
    }
    if (L == 16 && stride == Layout.PANEL) {
      sixBy4(x, inputs, offsets, from, to, w, y, yAt);
      return;
    }
    int shift = Integer.numberOfTrailingZeros(4 * stride);
    for (int b = 0; b < stride; b += 2 * L) {
      long at = 4L * b;
      sixBy2(x.asSlice(at), inputs, shift, offsets, from, to, w, y, yAt + at);
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
    if (pitch != Layout.PANEL || Integer.bitCount(stride) > 1 || stride < 2 * L) {
      parts.four(x, stride, inputs, offsets, from, to, weights, weightsAt, y, yAt, pitch);
      return;
    }
    if (L == 16 && stride == Layout.PANEL) {
      fourBy4(x, inputs, offsets, from, to, w, y, yAt);
      return;
    }
    int shift = Integer.numberOfTrailingZeros(4 * stride);
    for (int b = 0; b < stride; b += 2 * L) {
      long at = 4L * b;
      fourBy2(x.asSlice(at), inputs, shift, offsets, from, to, w, y, yAt + at);
    }
  }

  /** 24 sums and 5 operands of AVX-512's 32 registers. */
  private static void sixBy4(
      MemorySegment x,
      int[] inputs,
      long[] offsets,
      int from,
      int to,
      MemorySegment weights,
      MemorySegment y,
      long yAt) {
    FloatVector a0 = FloatVector.zero(F);
    FloatVector a1 = a0;
    FloatVector a2 = a0;
    FloatVector a3 = a0;
    FloatVector b0 = a0;
    FloatVector b1 = a0;
    FloatVector b2 = a0;
    FloatVector b3 = a0;
    FloatVector c0 = a0;
    FloatVector c1 = a0;
    FloatVector c2 = a0;
    FloatVector c3 = a0;
    FloatVector d0 = a0;
    FloatVector d1 = a0;
    FloatVector d2 = a0;
    FloatVector d3 = a0;
    FloatVector e0 = a0;
    FloatVector e1 = a0;
    FloatVector e2 = a0;
    FloatVector e3 = a0;
    FloatVector f0 = a0;
    FloatVector f1 = a0;
    FloatVector f2 = a0;
    FloatVector f3 = a0;
    for (int i = from; i < to; i++) {
      MemorySegment p = x.asSlice((long) inputs[i] << ROW, 4 * V);
      MemorySegment w = weights.asSlice(offsets[i], SIX_SPAN);
      FloatVector x0 = load(p, 0);
      FloatVector x1 = load(p, V);
      FloatVector x2 = load(p, 2 * V);
      FloatVector x3 = load(p, 3 * V);
      FloatVector v = weight(w, 0);
      a0 = x0.fma(v, a0);
      a1 = x1.fma(v, a1);
      a2 = x2.fma(v, a2);
      a3 = x3.fma(v, a3);
      v = weight(w, D);
      b0 = x0.fma(v, b0);
      b1 = x1.fma(v, b1);
      b2 = x2.fma(v, b2);
      b3 = x3.fma(v, b3);
      v = weight(w, 2 * D);
      c0 = x0.fma(v, c0);
      c1 = x1.fma(v, c1);
      c2 = x2.fma(v, c2);
      c3 = x3.fma(v, c3);
      v = weight(w, 3 * D);
      d0 = x0.fma(v, d0);
      d1 = x1.fma(v, d1);
      d2 = x2.fma(v, d2);
      d3 = x3.fma(v, d3);
      v = weight(w, 4 * D);
      e0 = x0.fma(v, e0);
      e1 = x1.fma(v, e1);
      e2 = x2.fma(v, e2);
      e3 = x3.fma(v, e3);
      v = weight(w, 5 * D);
      f0 = x0.fma(v, f0);
      f1 = x1.fma(v, f1);
      f2 = x2.fma(v, f2);
      f3 = x3.fma(v, f3);
    }
    MemorySegment rows = y.asSlice(yAt, 24 * V);
    a0.intoMemorySegment(rows, 0, ORDER);
    a1.intoMemorySegment(rows, V, ORDER);
    a2.intoMemorySegment(rows, 2 * V, ORDER);
    a3.intoMemorySegment(rows, 3 * V, ORDER);
    b0.intoMemorySegment(rows, 4 * V, ORDER);
    b1.intoMemorySegment(rows, 5 * V, ORDER);
    b2.intoMemorySegment(rows, 6 * V, ORDER);
    b3.intoMemorySegment(rows, 7 * V, ORDER);
    c0.intoMemorySegment(rows, 8 * V, ORDER);
    c1.intoMemorySegment(rows, 9 * V, ORDER);
    c2.intoMemorySegment(rows, 10 * V, ORDER);
    c3.intoMemorySegment(rows, 11 * V, ORDER);
    d0.intoMemorySegment(rows, 12 * V, ORDER);
    d1.intoMemorySegment(rows, 13 * V, ORDER);
    d2.intoMemorySegment(rows, 14 * V, ORDER);
    d3.intoMemorySegment(rows, 15 * V, ORDER);
    e0.intoMemorySegment(rows, 16 * V, ORDER);
    e1.intoMemorySegment(rows, 17 * V, ORDER);
    e2.intoMemorySegment(rows, 18 * V, ORDER);
    e3.intoMemorySegment(rows, 19 * V, ORDER);
    f0.intoMemorySegment(rows, 20 * V, ORDER);
    f1.intoMemorySegment(rows, 21 * V, ORDER);
    f2.intoMemorySegment(rows, 22 * V, ORDER);
    f3.intoMemorySegment(rows, 23 * V, ORDER);
  }

  /** 16 sums. */
  private static void fourBy4(
      MemorySegment x,
      int[] inputs,
      long[] offsets,
      int from,
      int to,
      MemorySegment weights,
      MemorySegment y,
      long yAt) {
    FloatVector a0 = FloatVector.zero(F);
    FloatVector a1 = a0;
    FloatVector a2 = a0;
    FloatVector a3 = a0;
    FloatVector b0 = a0;
    FloatVector b1 = a0;
    FloatVector b2 = a0;
    FloatVector b3 = a0;
    FloatVector c0 = a0;
    FloatVector c1 = a0;
    FloatVector c2 = a0;
    FloatVector c3 = a0;
    FloatVector d0 = a0;
    FloatVector d1 = a0;
    FloatVector d2 = a0;
    FloatVector d3 = a0;
    for (int i = from; i < to; i++) {
      MemorySegment p = x.asSlice((long) inputs[i] << ROW, 4 * V);
      MemorySegment w = weights.asSlice(offsets[i], FOUR_SPAN);
      FloatVector x0 = load(p, 0);
      FloatVector x1 = load(p, V);
      FloatVector x2 = load(p, 2 * V);
      FloatVector x3 = load(p, 3 * V);
      FloatVector v = weight(w, 0);
      a0 = x0.fma(v, a0);
      a1 = x1.fma(v, a1);
      a2 = x2.fma(v, a2);
      a3 = x3.fma(v, a3);
      v = weight(w, D);
      b0 = x0.fma(v, b0);
      b1 = x1.fma(v, b1);
      b2 = x2.fma(v, b2);
      b3 = x3.fma(v, b3);
      v = weight(w, 2 * D);
      c0 = x0.fma(v, c0);
      c1 = x1.fma(v, c1);
      c2 = x2.fma(v, c2);
      c3 = x3.fma(v, c3);
      v = weight(w, 3 * D);
      d0 = x0.fma(v, d0);
      d1 = x1.fma(v, d1);
      d2 = x2.fma(v, d2);
      d3 = x3.fma(v, d3);
    }
    MemorySegment rows = y.asSlice(yAt, 16 * V);
    a0.intoMemorySegment(rows, 0, ORDER);
    a1.intoMemorySegment(rows, V, ORDER);
    a2.intoMemorySegment(rows, 2 * V, ORDER);
    a3.intoMemorySegment(rows, 3 * V, ORDER);
    b0.intoMemorySegment(rows, 4 * V, ORDER);
    b1.intoMemorySegment(rows, 5 * V, ORDER);
    b2.intoMemorySegment(rows, 6 * V, ORDER);
    b3.intoMemorySegment(rows, 7 * V, ORDER);
    c0.intoMemorySegment(rows, 8 * V, ORDER);
    c1.intoMemorySegment(rows, 9 * V, ORDER);
    c2.intoMemorySegment(rows, 10 * V, ORDER);
    c3.intoMemorySegment(rows, 11 * V, ORDER);
    d0.intoMemorySegment(rows, 12 * V, ORDER);
    d1.intoMemorySegment(rows, 13 * V, ORDER);
    d2.intoMemorySegment(rows, 14 * V, ORDER);
    d3.intoMemorySegment(rows, 15 * V, ORDER);
  }

  /** 12 sums and 3 operands of AVX2's 16 registers. */
  private static void sixBy2(
      MemorySegment x,
      int[] inputs,
      int shift,
      long[] offsets,
      int from,
      int to,
      MemorySegment weights,
      MemorySegment y,
      long yAt) {
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
      MemorySegment p = x.asSlice((long) inputs[i] << shift, 2 * V);
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
    MemorySegment tile = y.asSlice(yAt, 5 * PITCH + 2 * V);
    a0.intoMemorySegment(tile, 0, ORDER);
    a1.intoMemorySegment(tile, V, ORDER);
    b0.intoMemorySegment(tile, PITCH, ORDER);
    b1.intoMemorySegment(tile, PITCH + V, ORDER);
    c0.intoMemorySegment(tile, 2 * PITCH, ORDER);
    c1.intoMemorySegment(tile, 2 * PITCH + V, ORDER);
    d0.intoMemorySegment(tile, 3 * PITCH, ORDER);
    d1.intoMemorySegment(tile, 3 * PITCH + V, ORDER);
    e0.intoMemorySegment(tile, 4 * PITCH, ORDER);
    e1.intoMemorySegment(tile, 4 * PITCH + V, ORDER);
    f0.intoMemorySegment(tile, 5 * PITCH, ORDER);
    f1.intoMemorySegment(tile, 5 * PITCH + V, ORDER);
  }

  /** 8 sums. */
  private static void fourBy2(
      MemorySegment x,
      int[] inputs,
      int shift,
      long[] offsets,
      int from,
      int to,
      MemorySegment weights,
      MemorySegment y,
      long yAt) {
    FloatVector a0 = FloatVector.zero(F);
    FloatVector a1 = a0;
    FloatVector b0 = a0;
    FloatVector b1 = a0;
    FloatVector c0 = a0;
    FloatVector c1 = a0;
    FloatVector d0 = a0;
    FloatVector d1 = a0;
    for (int i = from; i < to; i++) {
      MemorySegment p = x.asSlice((long) inputs[i] << shift, 2 * V);
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
    MemorySegment tile = y.asSlice(yAt, 3 * PITCH + 2 * V);
    a0.intoMemorySegment(tile, 0, ORDER);
    a1.intoMemorySegment(tile, V, ORDER);
    b0.intoMemorySegment(tile, PITCH, ORDER);
    b1.intoMemorySegment(tile, PITCH + V, ORDER);
    c0.intoMemorySegment(tile, 2 * PITCH, ORDER);
    c1.intoMemorySegment(tile, 2 * PITCH + V, ORDER);
    d0.intoMemorySegment(tile, 3 * PITCH, ORDER);
    d1.intoMemorySegment(tile, 3 * PITCH + V, ORDER);
  }
}
