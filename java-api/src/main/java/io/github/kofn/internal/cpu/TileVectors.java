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
 * too: the distance of weights is a constant of the class, since more addresses would not fit into
 * general registers. {@link PartTileVectors} has rows of other lengths.
 *
 * <p>Six outputs by four vectors of 16: 24 FMAs, 12 cycles, for 12 loads, 6 cycles. By two vectors
 * of 8, as registers allow: 12 FMAs, 6 cycles, for 8 loads and 2 of the lists, less than 4. Little
 * else fits beside so few FMAs. Where an input was multiplied by the length of rows, in one of the
 * two ports that FMAs run in, a turn took 7.2 cycles; with a shift it takes 6.0.
 *
 * <p>Sums are stored to an array, which is copied from there. Where they were stored to a segment,
 * each of the 24 stores checked its memory again, some 30 instructions each (the slice that was to
 * spare that was behind what the compiler inlines, {@code NodeCountInliningCutoff}), and tiles of
 * 96 terms took 2 to 3 % longer; and where other classes had stored to heap memory through the same
 * code, tiles were 40 times slower in some JVMs. A slice made before the loop takes its registers.
 */
final class TileVectors implements TileKernels {
  private static final VectorSpecies<Float> F = Species.floats(MethodHandles.lookup());
  private static final ByteOrder ORDER = ByteOrder.nativeOrder();
  private static final int L = F.length();
  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;

  /** The bytes of a vector. */
  private static final long V = 4L * L;

  /** The length of a full panel's rows, a power of two bytes. */
  private static final int ROW = Integer.numberOfTrailingZeros(4 * Layout.PANEL);

  /** The distance of an output's weight from the next one's, in bytes. */
  private static final long D = 4L * Species.distance(MethodHandles.lookup());

  private static final long SIX_SPAN = 5 * D + 4;
  private static final long FOUR_SPAN = 3 * D + 4;

  /** What computes other rows of sums. */
  private final TileKernels parts =
      Lanes.load(TileKernels.class, "PartTileVectors", L, Species.distance(MethodHandles.lookup()));

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
      float[] sums) {
    MemorySegment w = weights.asSlice(weightsAt);
    if (Integer.bitCount(stride) > 1 || stride < 2 * L) {
      parts.six(x, stride, inputs, offsets, from, to, weights, weightsAt, sums);
      return;
    }
    if (L == 16 && stride == Layout.PANEL) {
      sixBy4(x, inputs, offsets, from, to, w, sums);
      return;
    }
    int shift = Integer.numberOfTrailingZeros(4 * stride);
    for (int b = 0; b < stride; b += 2 * L) {
      sixBy2(x.asSlice(4L * b), inputs, shift, offsets, from, to, w, sums, b);
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
      float[] sums) {
    MemorySegment w = weights.asSlice(weightsAt);
    if (Integer.bitCount(stride) > 1 || stride < 2 * L) {
      parts.four(x, stride, inputs, offsets, from, to, weights, weightsAt, sums);
      return;
    }
    if (L == 16 && stride == Layout.PANEL) {
      fourBy4(x, inputs, offsets, from, to, w, sums);
      return;
    }
    int shift = Integer.numberOfTrailingZeros(4 * stride);
    for (int b = 0; b < stride; b += 2 * L) {
      fourBy2(x.asSlice(4L * b), inputs, shift, offsets, from, to, w, sums, b);
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
      float[] sums) {
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
      FloatVector x0 = FloatVector.fromMemorySegment(F, p, 0, ORDER);
      FloatVector x1 = FloatVector.fromMemorySegment(F, p, V, ORDER);
      FloatVector x2 = FloatVector.fromMemorySegment(F, p, 2 * V, ORDER);
      FloatVector x3 = FloatVector.fromMemorySegment(F, p, 3 * V, ORDER);
      FloatVector v = FloatVector.broadcast(F, w.get(FLOAT, 0));
      a0 = x0.fma(v, a0);
      a1 = x1.fma(v, a1);
      a2 = x2.fma(v, a2);
      a3 = x3.fma(v, a3);
      v = FloatVector.broadcast(F, w.get(FLOAT, D));
      b0 = x0.fma(v, b0);
      b1 = x1.fma(v, b1);
      b2 = x2.fma(v, b2);
      b3 = x3.fma(v, b3);
      v = FloatVector.broadcast(F, w.get(FLOAT, 2 * D));
      c0 = x0.fma(v, c0);
      c1 = x1.fma(v, c1);
      c2 = x2.fma(v, c2);
      c3 = x3.fma(v, c3);
      v = FloatVector.broadcast(F, w.get(FLOAT, 3 * D));
      d0 = x0.fma(v, d0);
      d1 = x1.fma(v, d1);
      d2 = x2.fma(v, d2);
      d3 = x3.fma(v, d3);
      v = FloatVector.broadcast(F, w.get(FLOAT, 4 * D));
      e0 = x0.fma(v, e0);
      e1 = x1.fma(v, e1);
      e2 = x2.fma(v, e2);
      e3 = x3.fma(v, e3);
      v = FloatVector.broadcast(F, w.get(FLOAT, 5 * D));
      f0 = x0.fma(v, f0);
      f1 = x1.fma(v, f1);
      f2 = x2.fma(v, f2);
      f3 = x3.fma(v, f3);
    }
    a0.intoArray(sums, 0);
    a1.intoArray(sums, L);
    a2.intoArray(sums, 2 * L);
    a3.intoArray(sums, 3 * L);
    b0.intoArray(sums, 4 * L);
    b1.intoArray(sums, 5 * L);
    b2.intoArray(sums, 6 * L);
    b3.intoArray(sums, 7 * L);
    c0.intoArray(sums, 8 * L);
    c1.intoArray(sums, 9 * L);
    c2.intoArray(sums, 10 * L);
    c3.intoArray(sums, 11 * L);
    d0.intoArray(sums, 12 * L);
    d1.intoArray(sums, 13 * L);
    d2.intoArray(sums, 14 * L);
    d3.intoArray(sums, 15 * L);
    e0.intoArray(sums, 16 * L);
    e1.intoArray(sums, 17 * L);
    e2.intoArray(sums, 18 * L);
    e3.intoArray(sums, 19 * L);
    f0.intoArray(sums, 20 * L);
    f1.intoArray(sums, 21 * L);
    f2.intoArray(sums, 22 * L);
    f3.intoArray(sums, 23 * L);
  }

  /** 16 sums. */
  private static void fourBy4(
      MemorySegment x,
      int[] inputs,
      long[] offsets,
      int from,
      int to,
      MemorySegment weights,
      float[] sums) {
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
      FloatVector x0 = FloatVector.fromMemorySegment(F, p, 0, ORDER);
      FloatVector x1 = FloatVector.fromMemorySegment(F, p, V, ORDER);
      FloatVector x2 = FloatVector.fromMemorySegment(F, p, 2 * V, ORDER);
      FloatVector x3 = FloatVector.fromMemorySegment(F, p, 3 * V, ORDER);
      FloatVector v = FloatVector.broadcast(F, w.get(FLOAT, 0));
      a0 = x0.fma(v, a0);
      a1 = x1.fma(v, a1);
      a2 = x2.fma(v, a2);
      a3 = x3.fma(v, a3);
      v = FloatVector.broadcast(F, w.get(FLOAT, D));
      b0 = x0.fma(v, b0);
      b1 = x1.fma(v, b1);
      b2 = x2.fma(v, b2);
      b3 = x3.fma(v, b3);
      v = FloatVector.broadcast(F, w.get(FLOAT, 2 * D));
      c0 = x0.fma(v, c0);
      c1 = x1.fma(v, c1);
      c2 = x2.fma(v, c2);
      c3 = x3.fma(v, c3);
      v = FloatVector.broadcast(F, w.get(FLOAT, 3 * D));
      d0 = x0.fma(v, d0);
      d1 = x1.fma(v, d1);
      d2 = x2.fma(v, d2);
      d3 = x3.fma(v, d3);
    }
    a0.intoArray(sums, 0);
    a1.intoArray(sums, L);
    a2.intoArray(sums, 2 * L);
    a3.intoArray(sums, 3 * L);
    b0.intoArray(sums, 4 * L);
    b1.intoArray(sums, 5 * L);
    b2.intoArray(sums, 6 * L);
    b3.intoArray(sums, 7 * L);
    c0.intoArray(sums, 8 * L);
    c1.intoArray(sums, 9 * L);
    c2.intoArray(sums, 10 * L);
    c3.intoArray(sums, 11 * L);
    d0.intoArray(sums, 12 * L);
    d1.intoArray(sums, 13 * L);
    d2.intoArray(sums, 14 * L);
    d3.intoArray(sums, 15 * L);
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
      float[] sums,
      int at) {
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
      FloatVector x0 = FloatVector.fromMemorySegment(F, p, 0, ORDER);
      FloatVector x1 = FloatVector.fromMemorySegment(F, p, V, ORDER);
      FloatVector v = FloatVector.broadcast(F, w.get(FLOAT, 0));
      a0 = x0.fma(v, a0);
      a1 = x1.fma(v, a1);
      v = FloatVector.broadcast(F, w.get(FLOAT, D));
      b0 = x0.fma(v, b0);
      b1 = x1.fma(v, b1);
      v = FloatVector.broadcast(F, w.get(FLOAT, 2 * D));
      c0 = x0.fma(v, c0);
      c1 = x1.fma(v, c1);
      v = FloatVector.broadcast(F, w.get(FLOAT, 3 * D));
      d0 = x0.fma(v, d0);
      d1 = x1.fma(v, d1);
      v = FloatVector.broadcast(F, w.get(FLOAT, 4 * D));
      e0 = x0.fma(v, e0);
      e1 = x1.fma(v, e1);
      v = FloatVector.broadcast(F, w.get(FLOAT, 5 * D));
      f0 = x0.fma(v, f0);
      f1 = x1.fma(v, f1);
    }
    a0.intoArray(sums, at);
    a1.intoArray(sums, at + L);
    b0.intoArray(sums, at + Layout.PANEL);
    b1.intoArray(sums, at + Layout.PANEL + L);
    c0.intoArray(sums, at + 2 * Layout.PANEL);
    c1.intoArray(sums, at + 2 * Layout.PANEL + L);
    d0.intoArray(sums, at + 3 * Layout.PANEL);
    d1.intoArray(sums, at + 3 * Layout.PANEL + L);
    e0.intoArray(sums, at + 4 * Layout.PANEL);
    e1.intoArray(sums, at + 4 * Layout.PANEL + L);
    f0.intoArray(sums, at + 5 * Layout.PANEL);
    f1.intoArray(sums, at + 5 * Layout.PANEL + L);
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
      float[] sums,
      int at) {
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
      FloatVector x0 = FloatVector.fromMemorySegment(F, p, 0, ORDER);
      FloatVector x1 = FloatVector.fromMemorySegment(F, p, V, ORDER);
      FloatVector v = FloatVector.broadcast(F, w.get(FLOAT, 0));
      a0 = x0.fma(v, a0);
      a1 = x1.fma(v, a1);
      v = FloatVector.broadcast(F, w.get(FLOAT, D));
      b0 = x0.fma(v, b0);
      b1 = x1.fma(v, b1);
      v = FloatVector.broadcast(F, w.get(FLOAT, 2 * D));
      c0 = x0.fma(v, c0);
      c1 = x1.fma(v, c1);
      v = FloatVector.broadcast(F, w.get(FLOAT, 3 * D));
      d0 = x0.fma(v, d0);
      d1 = x1.fma(v, d1);
    }
    a0.intoArray(sums, at);
    a1.intoArray(sums, at + L);
    b0.intoArray(sums, at + Layout.PANEL);
    b1.intoArray(sums, at + Layout.PANEL + L);
    c0.intoArray(sums, at + 2 * Layout.PANEL);
    c1.intoArray(sums, at + 2 * Layout.PANEL + L);
    d0.intoArray(sums, at + 3 * Layout.PANEL);
    d1.intoArray(sums, at + 3 * Layout.PANEL + L);
  }
}
