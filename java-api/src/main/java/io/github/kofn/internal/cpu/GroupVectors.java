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

  private static FloatVector load(MemorySegment from, long at) {
    return FloatVector.fromMemorySegment(F, from, at, ORDER);
  }

  private static FloatVector broadcast(float value) {
    return FloatVector.broadcast(F, value);
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
      long yAt,
      int outs,
      float[] tile) {
    if (L == 16 && stride == Layout.PANEL) {
      fourBy4(x, inputs, from, to, weights, weightsAt, tile);
      copy(tile, 4 * L, y, yAt, outs, stride);
      return;
    }
    int b = 0;
    for (; b + 2 * L <= stride; b += 2 * L) {
      long at = 4L * b;
      fourBy2(x.asSlice(at), stride, inputs, from, to, weights, weightsAt, tile);
      copy(tile, 2 * L, y, yAt + at, outs, stride);
    }
    if (b < stride) {
      long at = 4L * b;
      fourBy1(x.asSlice(at), stride, inputs, from, to, weights, weightsAt, tile);
      copy(tile, L, y, yAt + at, outs, stride);
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
      long yAt,
      int outs,
      float[] tile) {
    if (L == 16 && stride == Layout.PANEL) {
      sixBy4(x, inputs, from, to, weights, weightsAt, tile);
      copy(tile, 4 * L, y, yAt, outs, stride);
      return;
    }
    for (int b = 0; b < stride; b += L) {
      long at = 4L * b;
      sixBy1(x.asSlice(at), stride, inputs, from, to, weights, weightsAt, tile);
      copy(tile, L, y, yAt + at, outs, stride);
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
      float[] tile) {
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
      FloatVector x0 = load(p, 0);
      FloatVector x1 = load(p, V);
      FloatVector x2 = load(p, 2 * V);
      FloatVector x3 = load(p, 3 * V);
      int w = base + FOUR * i;
      FloatVector v = broadcast(weights[w]);
      a0 = x0.fma(v, a0);
      a1 = x1.fma(v, a1);
      a2 = x2.fma(v, a2);
      a3 = x3.fma(v, a3);
      v = broadcast(weights[w + 1]);
      b0 = x0.fma(v, b0);
      b1 = x1.fma(v, b1);
      b2 = x2.fma(v, b2);
      b3 = x3.fma(v, b3);
      v = broadcast(weights[w + 2]);
      c0 = x0.fma(v, c0);
      c1 = x1.fma(v, c1);
      c2 = x2.fma(v, c2);
      c3 = x3.fma(v, c3);
      v = broadcast(weights[w + 3]);
      d0 = x0.fma(v, d0);
      d1 = x1.fma(v, d1);
      d2 = x2.fma(v, d2);
      d3 = x3.fma(v, d3);
    }
    a0.intoArray(tile, 0);
    a1.intoArray(tile, L);
    a2.intoArray(tile, 2 * L);
    a3.intoArray(tile, 3 * L);
    b0.intoArray(tile, 4 * L);
    b1.intoArray(tile, 5 * L);
    b2.intoArray(tile, 6 * L);
    b3.intoArray(tile, 7 * L);
    c0.intoArray(tile, 8 * L);
    c1.intoArray(tile, 9 * L);
    c2.intoArray(tile, 10 * L);
    c3.intoArray(tile, 11 * L);
    d0.intoArray(tile, 12 * L);
    d1.intoArray(tile, 13 * L);
    d2.intoArray(tile, 14 * L);
    d3.intoArray(tile, 15 * L);
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
      float[] tile) {
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
      FloatVector x0 = load(p, 0);
      FloatVector x1 = load(p, V);
      int w = base + FOUR * i;
      FloatVector v = broadcast(weights[w]);
      a0 = x0.fma(v, a0);
      a1 = x1.fma(v, a1);
      v = broadcast(weights[w + 1]);
      b0 = x0.fma(v, b0);
      b1 = x1.fma(v, b1);
      v = broadcast(weights[w + 2]);
      c0 = x0.fma(v, c0);
      c1 = x1.fma(v, c1);
      v = broadcast(weights[w + 3]);
      d0 = x0.fma(v, d0);
      d1 = x1.fma(v, d1);
    }
    a0.intoArray(tile, 0);
    a1.intoArray(tile, L);
    b0.intoArray(tile, 2 * L);
    b1.intoArray(tile, 3 * L);
    c0.intoArray(tile, 4 * L);
    c1.intoArray(tile, 5 * L);
    d0.intoArray(tile, 6 * L);
    d1.intoArray(tile, 7 * L);
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
      float[] tile) {
    long row = 4L * stride;
    int base = weightsAt - FOUR * from;
    FloatVector a0 = FloatVector.zero(F);
    FloatVector b0 = a0;
    FloatVector c0 = a0;
    FloatVector d0 = a0;
    for (int i = from; i < to; i++) {
      FloatVector x0 = load(x, inputs[i] * row);
      int w = base + FOUR * i;
      FloatVector v = broadcast(weights[w]);
      a0 = x0.fma(v, a0);
      v = broadcast(weights[w + 1]);
      b0 = x0.fma(v, b0);
      v = broadcast(weights[w + 2]);
      c0 = x0.fma(v, c0);
      v = broadcast(weights[w + 3]);
      d0 = x0.fma(v, d0);
    }
    a0.intoArray(tile, 0);
    b0.intoArray(tile, L);
    c0.intoArray(tile, 2 * L);
    d0.intoArray(tile, 3 * L);
  }

  /** Six outputs, four vectors: 24 sums and 5 operands of AVX-512's 32 registers. */
  private static void sixBy4(
      MemorySegment x,
      int[] inputs,
      int from,
      int to,
      float[] weights,
      int weightsAt,
      float[] tile) {
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
      FloatVector x0 = load(p, 0);
      FloatVector x1 = load(p, V);
      FloatVector x2 = load(p, 2 * V);
      FloatVector x3 = load(p, 3 * V);
      int w = base + SIX * i;
      FloatVector v = broadcast(weights[w]);
      a0 = x0.fma(v, a0);
      a1 = x1.fma(v, a1);
      a2 = x2.fma(v, a2);
      a3 = x3.fma(v, a3);
      v = broadcast(weights[w + 1]);
      b0 = x0.fma(v, b0);
      b1 = x1.fma(v, b1);
      b2 = x2.fma(v, b2);
      b3 = x3.fma(v, b3);
      v = broadcast(weights[w + 2]);
      c0 = x0.fma(v, c0);
      c1 = x1.fma(v, c1);
      c2 = x2.fma(v, c2);
      c3 = x3.fma(v, c3);
      v = broadcast(weights[w + 3]);
      d0 = x0.fma(v, d0);
      d1 = x1.fma(v, d1);
      d2 = x2.fma(v, d2);
      d3 = x3.fma(v, d3);
      v = broadcast(weights[w + 4]);
      e0 = x0.fma(v, e0);
      e1 = x1.fma(v, e1);
      e2 = x2.fma(v, e2);
      e3 = x3.fma(v, e3);
      v = broadcast(weights[w + 5]);
      f0 = x0.fma(v, f0);
      f1 = x1.fma(v, f1);
      f2 = x2.fma(v, f2);
      f3 = x3.fma(v, f3);
    }
    a0.intoArray(tile, 0);
    a1.intoArray(tile, L);
    a2.intoArray(tile, 2 * L);
    a3.intoArray(tile, 3 * L);
    b0.intoArray(tile, 4 * L);
    b1.intoArray(tile, 5 * L);
    b2.intoArray(tile, 6 * L);
    b3.intoArray(tile, 7 * L);
    c0.intoArray(tile, 8 * L);
    c1.intoArray(tile, 9 * L);
    c2.intoArray(tile, 10 * L);
    c3.intoArray(tile, 11 * L);
    d0.intoArray(tile, 12 * L);
    d1.intoArray(tile, 13 * L);
    d2.intoArray(tile, 14 * L);
    d3.intoArray(tile, 15 * L);
    e0.intoArray(tile, 16 * L);
    e1.intoArray(tile, 17 * L);
    e2.intoArray(tile, 18 * L);
    e3.intoArray(tile, 19 * L);
    f0.intoArray(tile, 20 * L);
    f1.intoArray(tile, 21 * L);
    f2.intoArray(tile, 22 * L);
    f3.intoArray(tile, 23 * L);
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
      float[] tile) {
    long row = 4L * stride;
    int base = weightsAt - SIX * from;
    FloatVector a0 = FloatVector.zero(F);
    FloatVector b0 = a0;
    FloatVector c0 = a0;
    FloatVector d0 = a0;
    FloatVector e0 = a0;
    FloatVector f0 = a0;
    for (int i = from; i < to; i++) {
      FloatVector x0 = load(x, inputs[i] * row);
      int w = base + SIX * i;
      FloatVector v = broadcast(weights[w]);
      a0 = x0.fma(v, a0);
      v = broadcast(weights[w + 1]);
      b0 = x0.fma(v, b0);
      v = broadcast(weights[w + 2]);
      c0 = x0.fma(v, c0);
      v = broadcast(weights[w + 3]);
      d0 = x0.fma(v, d0);
      v = broadcast(weights[w + 4]);
      e0 = x0.fma(v, e0);
      v = broadcast(weights[w + 5]);
      f0 = x0.fma(v, f0);
    }
    a0.intoArray(tile, 0);
    b0.intoArray(tile, L);
    c0.intoArray(tile, 2 * L);
    d0.intoArray(tile, 3 * L);
    e0.intoArray(tile, 4 * L);
    f0.intoArray(tile, 5 * L);
  }

  /**
   * The first rows of a tile. In a loop of its own: a store to a segment is so much code for the
   * compiler that two dozen of them beside the sums would make it stop inlining, and put the sums
   * on the heap. The stores to the tile are written out for the same reason: a method of their own
   * would be too much already.
   */
  private static void copy(
      float[] tile, int width, MemorySegment y, long yAt, int outs, int stride) {
    for (int o = 0; o < outs; o++) {
      long to = yAt + 4L * o * stride;
      for (int i = 0; i < width; i += L) {
        FloatVector.fromArray(F, tile, o * width + i).intoMemorySegment(y, to + 4L * i, ORDER);
      }
    }
  }
}
