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
 * Tiles of sums as {@link TileVectors} has them, where rows of sums are as long as a panel that is
 * not full, and for a single vector.
 */
final class PartTileVectors implements TileKernels {
  private static final VectorSpecies<Float> F = Species.floats(MethodHandles.lookup());
  private static final ByteOrder ORDER = ByteOrder.nativeOrder();
  private static final int L = F.length();
  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;

  /** The bytes of a vector. */
  private static final long V = 4L * L;

  /** The distance of an output's weight from the next one's, in bytes. */
  private static final long D = 4L * Species.distance(MethodHandles.lookup());

  private static final long SIX_SPAN = 5 * D + 4;
  private static final long FOUR_SPAN = 3 * D + 4;

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
    long row = 4L * stride;
    int b = 0;
    for (; b + 2 * L <= stride; b += 2 * L) {
      sixBy2(x.asSlice(4L * b), inputs, offsets, from, to, w, row, sums, b);
    }
    if (b < stride) {
      sixBy1(x.asSlice(4L * b), inputs, offsets, from, to, w, row, sums, b);
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
    long row = 4L * stride;
    int b = 0;
    for (; b + 2 * L <= stride; b += 2 * L) {
      fourBy2(x.asSlice(4L * b), inputs, offsets, from, to, w, row, sums, b);
    }
    if (b < stride) {
      fourBy1(x.asSlice(4L * b), inputs, offsets, from, to, w, row, sums, b);
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
      long row,
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
      MemorySegment p = x.asSlice(inputs[i] * row, 2 * V);
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
      long[] offsets,
      int from,
      int to,
      MemorySegment weights,
      long row,
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
      MemorySegment p = x.asSlice(inputs[i] * row, 2 * V);
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

  /** The last vector of a panel that is not full. */
  private static void sixBy1(
      MemorySegment x,
      int[] inputs,
      long[] offsets,
      int from,
      int to,
      MemorySegment weights,
      long row,
      float[] sums,
      int at) {
    FloatVector a0 = FloatVector.zero(F);
    FloatVector b0 = a0;
    FloatVector c0 = a0;
    FloatVector d0 = a0;
    FloatVector e0 = a0;
    FloatVector f0 = a0;
    for (int i = from; i < to; i++) {
      FloatVector x0 = FloatVector.fromMemorySegment(F, x, inputs[i] * row, ORDER);
      MemorySegment w = weights.asSlice(offsets[i], SIX_SPAN);
      FloatVector v = FloatVector.broadcast(F, w.get(FLOAT, 0));
      a0 = x0.fma(v, a0);
      v = FloatVector.broadcast(F, w.get(FLOAT, D));
      b0 = x0.fma(v, b0);
      v = FloatVector.broadcast(F, w.get(FLOAT, 2 * D));
      c0 = x0.fma(v, c0);
      v = FloatVector.broadcast(F, w.get(FLOAT, 3 * D));
      d0 = x0.fma(v, d0);
      v = FloatVector.broadcast(F, w.get(FLOAT, 4 * D));
      e0 = x0.fma(v, e0);
      v = FloatVector.broadcast(F, w.get(FLOAT, 5 * D));
      f0 = x0.fma(v, f0);
    }
    a0.intoArray(sums, at);
    b0.intoArray(sums, at + Layout.PANEL);
    c0.intoArray(sums, at + 2 * Layout.PANEL);
    d0.intoArray(sums, at + 3 * Layout.PANEL);
    e0.intoArray(sums, at + 4 * Layout.PANEL);
    f0.intoArray(sums, at + 5 * Layout.PANEL);
  }

  /** The last vector of a panel that is not full. */
  private static void fourBy1(
      MemorySegment x,
      int[] inputs,
      long[] offsets,
      int from,
      int to,
      MemorySegment weights,
      long row,
      float[] sums,
      int at) {
    FloatVector a0 = FloatVector.zero(F);
    FloatVector b0 = a0;
    FloatVector c0 = a0;
    FloatVector d0 = a0;
    for (int i = from; i < to; i++) {
      FloatVector x0 = FloatVector.fromMemorySegment(F, x, inputs[i] * row, ORDER);
      MemorySegment w = weights.asSlice(offsets[i], FOUR_SPAN);
      FloatVector v = FloatVector.broadcast(F, w.get(FLOAT, 0));
      a0 = x0.fma(v, a0);
      v = FloatVector.broadcast(F, w.get(FLOAT, D));
      b0 = x0.fma(v, b0);
      v = FloatVector.broadcast(F, w.get(FLOAT, 2 * D));
      c0 = x0.fma(v, c0);
      v = FloatVector.broadcast(F, w.get(FLOAT, 3 * D));
      d0 = x0.fma(v, d0);
    }
    a0.intoArray(sums, at);
    b0.intoArray(sums, at + Layout.PANEL);
    c0.intoArray(sums, at + 2 * Layout.PANEL);
    d0.intoArray(sums, at + 3 * Layout.PANEL);
  }
}
