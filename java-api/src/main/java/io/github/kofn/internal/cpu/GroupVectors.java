// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import io.github.kofn.Layout;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Sums of groups of outputs, with vectors along the batch. What {@link SumVectors} says of loops
 * holds here, too.
 */
final class GroupVectors implements GroupKernels {
  private static final VectorSpecies<Float> F = Species.floats(MethodHandles.lookup());
  private static final ByteOrder ORDER = ByteOrder.nativeOrder();
  private static final int L = F.length();

  /** The bytes of a vector. */
  private static final long V = 4L * L;

  /** The distance of rows in a full panel: a power of two bytes. */
  private static final int ROW = Integer.numberOfTrailingZeros(4 * Layout.PANEL);

  @Override
  public int most() {
    return L == 16 ? SIX : FOUR;
  }

  @Override
  public void four(
      MemorySegment x,
      int stride,
      int[] inputs,
      int from,
      int to,
      float[] weights,
      int weightsAt,
      MemorySegment y,
      long yAt) {
    if (L == 16 && stride == Layout.PANEL) {
      fourBy4(x, inputs, from, to, weights, weightsAt, y, yAt);
      return;
    }
    int b = 0;
    for (; b + 2 * L <= stride; b += 2 * L) {
      long at = 4L * b;
      fourBy2(x.asSlice(at), stride, inputs, from, to, weights, weightsAt, y, yAt + at);
    }
    if (b < stride) {
      long at = 4L * b;
      fourBy1(x.asSlice(at), stride, inputs, from, to, weights, weightsAt, y, yAt + at);
    }
  }

  @Override
  public void six(
      MemorySegment x,
      int stride,
      int[] inputs,
      int from,
      int to,
      float[] weights,
      int weightsAt,
      MemorySegment y,
      long yAt) {
    if (L == 16 && stride == Layout.PANEL) {
      sixBy4(x, inputs, from, to, weights, weightsAt, y, yAt);
      return;
    }
    for (int b = 0; b < stride; b += L) {
      long at = 4L * b;
      sixBy1(x.asSlice(at), stride, inputs, from, to, weights, weightsAt, y, yAt + at);
    }
  }

  /** Four outputs, four vectors: 16 sums and 5 operands of AVX-512's 32 registers. */
  private static void fourBy4(
      MemorySegment x,
      int[] inputs,
      int from,
      int to,
      float[] weights,
      int weightsAt,
      MemorySegment y,
      long yAt) {
    int base = weightsAt - FOUR * from;
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
      FloatVector x0 = FloatVector.fromMemorySegment(F, p, 0, ORDER);
      FloatVector x1 = FloatVector.fromMemorySegment(F, p, V, ORDER);
      FloatVector x2 = FloatVector.fromMemorySegment(F, p, 2 * V, ORDER);
      FloatVector x3 = FloatVector.fromMemorySegment(F, p, 3 * V, ORDER);
      int w = base + FOUR * i;
      FloatVector v = FloatVector.broadcast(F, weights[w]);
      a0 = x0.fma(v, a0);
      a1 = x1.fma(v, a1);
      a2 = x2.fma(v, a2);
      a3 = x3.fma(v, a3);
      v = FloatVector.broadcast(F, weights[w + 1]);
      b0 = x0.fma(v, b0);
      b1 = x1.fma(v, b1);
      b2 = x2.fma(v, b2);
      b3 = x3.fma(v, b3);
      v = FloatVector.broadcast(F, weights[w + 2]);
      c0 = x0.fma(v, c0);
      c1 = x1.fma(v, c1);
      c2 = x2.fma(v, c2);
      c3 = x3.fma(v, c3);
      v = FloatVector.broadcast(F, weights[w + 3]);
      d0 = x0.fma(v, d0);
      d1 = x1.fma(v, d1);
      d2 = x2.fma(v, d2);
      d3 = x3.fma(v, d3);
    }
    a0.intoMemorySegment(y, yAt, ORDER);
    a1.intoMemorySegment(y, yAt + V, ORDER);
    a2.intoMemorySegment(y, yAt + 2 * V, ORDER);
    a3.intoMemorySegment(y, yAt + 3 * V, ORDER);
    b0.intoMemorySegment(y, yAt + 4 * V, ORDER);
    b1.intoMemorySegment(y, yAt + 5 * V, ORDER);
    b2.intoMemorySegment(y, yAt + 6 * V, ORDER);
    b3.intoMemorySegment(y, yAt + 7 * V, ORDER);
    c0.intoMemorySegment(y, yAt + 8 * V, ORDER);
    c1.intoMemorySegment(y, yAt + 9 * V, ORDER);
    c2.intoMemorySegment(y, yAt + 10 * V, ORDER);
    c3.intoMemorySegment(y, yAt + 11 * V, ORDER);
    d0.intoMemorySegment(y, yAt + 12 * V, ORDER);
    d1.intoMemorySegment(y, yAt + 13 * V, ORDER);
    d2.intoMemorySegment(y, yAt + 14 * V, ORDER);
    d3.intoMemorySegment(y, yAt + 15 * V, ORDER);
  }

  /** Four outputs, two vectors: 8 sums and 3 operands of AVX2's 16 registers. */
  private static void fourBy2(
      MemorySegment x,
      int stride,
      int[] inputs,
      int from,
      int to,
      float[] weights,
      int weightsAt,
      MemorySegment y,
      long yAt) {
    long row = 4L * stride;
    int base = weightsAt - FOUR * from;
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
      FloatVector x0 = FloatVector.fromMemorySegment(F, p, 0, ORDER);
      FloatVector x1 = FloatVector.fromMemorySegment(F, p, V, ORDER);
      int w = base + FOUR * i;
      FloatVector v = FloatVector.broadcast(F, weights[w]);
      a0 = x0.fma(v, a0);
      a1 = x1.fma(v, a1);
      v = FloatVector.broadcast(F, weights[w + 1]);
      b0 = x0.fma(v, b0);
      b1 = x1.fma(v, b1);
      v = FloatVector.broadcast(F, weights[w + 2]);
      c0 = x0.fma(v, c0);
      c1 = x1.fma(v, c1);
      v = FloatVector.broadcast(F, weights[w + 3]);
      d0 = x0.fma(v, d0);
      d1 = x1.fma(v, d1);
    }
    a0.intoMemorySegment(y, yAt, ORDER);
    a1.intoMemorySegment(y, yAt + V, ORDER);
    b0.intoMemorySegment(y, yAt + row, ORDER);
    b1.intoMemorySegment(y, yAt + row + V, ORDER);
    c0.intoMemorySegment(y, yAt + 2 * row, ORDER);
    c1.intoMemorySegment(y, yAt + 2 * row + V, ORDER);
    d0.intoMemorySegment(y, yAt + 3 * row, ORDER);
    d1.intoMemorySegment(y, yAt + 3 * row + V, ORDER);
  }

  /** Four outputs, the last vector of a panel that is not full. */
  private static void fourBy1(
      MemorySegment x,
      int stride,
      int[] inputs,
      int from,
      int to,
      float[] weights,
      int weightsAt,
      MemorySegment y,
      long yAt) {
    long row = 4L * stride;
    int base = weightsAt - FOUR * from;
    FloatVector a0 = FloatVector.zero(F);
    FloatVector b0 = a0;
    FloatVector c0 = a0;
    FloatVector d0 = a0;
    for (int i = from; i < to; i++) {
      FloatVector x0 = FloatVector.fromMemorySegment(F, x, inputs[i] * row, ORDER);
      int w = base + FOUR * i;
      FloatVector v = FloatVector.broadcast(F, weights[w]);
      a0 = x0.fma(v, a0);
      v = FloatVector.broadcast(F, weights[w + 1]);
      b0 = x0.fma(v, b0);
      v = FloatVector.broadcast(F, weights[w + 2]);
      c0 = x0.fma(v, c0);
      v = FloatVector.broadcast(F, weights[w + 3]);
      d0 = x0.fma(v, d0);
    }
    a0.intoMemorySegment(y, yAt, ORDER);
    b0.intoMemorySegment(y, yAt + row, ORDER);
    c0.intoMemorySegment(y, yAt + 2 * row, ORDER);
    d0.intoMemorySegment(y, yAt + 3 * row, ORDER);
  }

  /** Six outputs, four vectors: 24 sums and 5 operands of AVX-512's 32 registers. */
  private static void sixBy4(
      MemorySegment x,
      int[] inputs,
      int from,
      int to,
      float[] weights,
      int weightsAt,
      MemorySegment y,
      long yAt) {
    int base = weightsAt - SIX * from;
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
      FloatVector x0 = FloatVector.fromMemorySegment(F, p, 0, ORDER);
      FloatVector x1 = FloatVector.fromMemorySegment(F, p, V, ORDER);
      FloatVector x2 = FloatVector.fromMemorySegment(F, p, 2 * V, ORDER);
      FloatVector x3 = FloatVector.fromMemorySegment(F, p, 3 * V, ORDER);
      int w = base + SIX * i;
      FloatVector v = FloatVector.broadcast(F, weights[w]);
      a0 = x0.fma(v, a0);
      a1 = x1.fma(v, a1);
      a2 = x2.fma(v, a2);
      a3 = x3.fma(v, a3);
      v = FloatVector.broadcast(F, weights[w + 1]);
      b0 = x0.fma(v, b0);
      b1 = x1.fma(v, b1);
      b2 = x2.fma(v, b2);
      b3 = x3.fma(v, b3);
      v = FloatVector.broadcast(F, weights[w + 2]);
      c0 = x0.fma(v, c0);
      c1 = x1.fma(v, c1);
      c2 = x2.fma(v, c2);
      c3 = x3.fma(v, c3);
      v = FloatVector.broadcast(F, weights[w + 3]);
      d0 = x0.fma(v, d0);
      d1 = x1.fma(v, d1);
      d2 = x2.fma(v, d2);
      d3 = x3.fma(v, d3);
      v = FloatVector.broadcast(F, weights[w + 4]);
      e0 = x0.fma(v, e0);
      e1 = x1.fma(v, e1);
      e2 = x2.fma(v, e2);
      e3 = x3.fma(v, e3);
      v = FloatVector.broadcast(F, weights[w + 5]);
      f0 = x0.fma(v, f0);
      f1 = x1.fma(v, f1);
      f2 = x2.fma(v, f2);
      f3 = x3.fma(v, f3);
    }
    a0.intoMemorySegment(y, yAt, ORDER);
    a1.intoMemorySegment(y, yAt + V, ORDER);
    a2.intoMemorySegment(y, yAt + 2 * V, ORDER);
    a3.intoMemorySegment(y, yAt + 3 * V, ORDER);
    b0.intoMemorySegment(y, yAt + 4 * V, ORDER);
    b1.intoMemorySegment(y, yAt + 5 * V, ORDER);
    b2.intoMemorySegment(y, yAt + 6 * V, ORDER);
    b3.intoMemorySegment(y, yAt + 7 * V, ORDER);
    c0.intoMemorySegment(y, yAt + 8 * V, ORDER);
    c1.intoMemorySegment(y, yAt + 9 * V, ORDER);
    c2.intoMemorySegment(y, yAt + 10 * V, ORDER);
    c3.intoMemorySegment(y, yAt + 11 * V, ORDER);
    d0.intoMemorySegment(y, yAt + 12 * V, ORDER);
    d1.intoMemorySegment(y, yAt + 13 * V, ORDER);
    d2.intoMemorySegment(y, yAt + 14 * V, ORDER);
    d3.intoMemorySegment(y, yAt + 15 * V, ORDER);
    e0.intoMemorySegment(y, yAt + 16 * V, ORDER);
    e1.intoMemorySegment(y, yAt + 17 * V, ORDER);
    e2.intoMemorySegment(y, yAt + 18 * V, ORDER);
    e3.intoMemorySegment(y, yAt + 19 * V, ORDER);
    f0.intoMemorySegment(y, yAt + 20 * V, ORDER);
    f1.intoMemorySegment(y, yAt + 21 * V, ORDER);
    f2.intoMemorySegment(y, yAt + 22 * V, ORDER);
    f3.intoMemorySegment(y, yAt + 23 * V, ORDER);
  }

  /** Six outputs, a vector of a panel that is not full. */
  private static void sixBy1(
      MemorySegment x,
      int stride,
      int[] inputs,
      int from,
      int to,
      float[] weights,
      int weightsAt,
      MemorySegment y,
      long yAt) {
    long row = 4L * stride;
    int base = weightsAt - SIX * from;
    FloatVector a0 = FloatVector.zero(F);
    FloatVector b0 = a0;
    FloatVector c0 = a0;
    FloatVector d0 = a0;
    FloatVector e0 = a0;
    FloatVector f0 = a0;
    for (int i = from; i < to; i++) {
      FloatVector x0 = FloatVector.fromMemorySegment(F, x, inputs[i] * row, ORDER);
      int w = base + SIX * i;
      FloatVector v = FloatVector.broadcast(F, weights[w]);
      a0 = x0.fma(v, a0);
      v = FloatVector.broadcast(F, weights[w + 1]);
      b0 = x0.fma(v, b0);
      v = FloatVector.broadcast(F, weights[w + 2]);
      c0 = x0.fma(v, c0);
      v = FloatVector.broadcast(F, weights[w + 3]);
      d0 = x0.fma(v, d0);
      v = FloatVector.broadcast(F, weights[w + 4]);
      e0 = x0.fma(v, e0);
      v = FloatVector.broadcast(F, weights[w + 5]);
      f0 = x0.fma(v, f0);
    }
    a0.intoMemorySegment(y, yAt, ORDER);
    b0.intoMemorySegment(y, yAt + row, ORDER);
    c0.intoMemorySegment(y, yAt + 2 * row, ORDER);
    d0.intoMemorySegment(y, yAt + 3 * row, ORDER);
    e0.intoMemorySegment(y, yAt + 4 * row, ORDER);
    f0.intoMemorySegment(y, yAt + 5 * row, ORDER);
  }
}
