// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import io.github.kofn.Layout;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Sums with vectors along the batch.
 *
 * <p>Each loop is straight-line code in a small static method: the compiler keeps vectors in
 * registers only where none of them is chosen by a condition or passed through a call that it does
 * not inline. It always inlines the Vector API's methods, ours only while the method around them is
 * small: a loop calls no others on vectors. With a load and a broadcast of their own, columns of
 * four outputs ran at 47 instead of 87 GFLOP/s in a JVM that had computed other products. A row is
 * taken as a slice: its bounds are then checked once, and the loads from it, at constant offsets,
 * need no check. Every further value that a loop needs costs: where general registers run out, the
 * compiler parks them in vector registers, and a turn waits for them and back (a third of the
 * speed). Therefore a single index counts through inputs and weights, X begins where it is sliced,
 * and loops over full panels know the distance of rows as a constant.
 */
final class SumVectors implements SumKernels {
  private static final VectorSpecies<Float> F = Species.floats(MethodHandles.lookup());
  private static final ByteOrder ORDER = ByteOrder.nativeOrder();
  private static final int L = F.length();

  /** The bytes of a vector. */
  private static final long V = 4L * L;

  /** The distance of rows in a full panel: a power of two bytes. */
  private static final int ROW = Integer.numberOfTrailingZeros(4 * Layout.PANEL);

  @Override
  public void one(
      MemorySegment x,
      long xAt,
      int stride,
      int[] inputs,
      int from,
      int to,
      float[] weights,
      int weightsAt,
      MemorySegment y,
      long yAt) {
    if (L == 16 && stride == Layout.PANEL) {
      oneBy4(x, xAt, inputs, from, to, weights, weightsAt, y, yAt);
      return;
    }
    if (L == 8 && stride == Layout.PANEL) {
      oneBy8(x, xAt, inputs, from, to, weights, weightsAt, y, yAt);
      return;
    }
    int b = 0;
    for (; b + 2 * L <= stride; b += 2 * L) {
      long at = 4L * b;
      oneBy2(x, xAt + at, stride, inputs, from, to, weights, weightsAt, y, yAt + at);
    }
    if (b < stride) {
      long at = 4L * b;
      oneBy1(x, xAt + at, stride, inputs, from, to, weights, weightsAt, y, yAt + at);
    }
  }

  /** Eight vectors of 8: the sums and a weight are 9 of AVX2's 16 registers. */
  private static void oneBy8(
      MemorySegment x,
      long xAt,
      int[] inputs,
      int from,
      int to,
      float[] weights,
      int weightsAt,
      MemorySegment y,
      long yAt) {
    int base = weightsAt - from;
    FloatVector a0 = FloatVector.zero(F);
    FloatVector a1 = a0;
    FloatVector a2 = a0;
    FloatVector a3 = a0;
    FloatVector a4 = a0;
    FloatVector a5 = a0;
    FloatVector a6 = a0;
    FloatVector a7 = a0;
    for (int i = from; i < to; i++) {
      MemorySegment p = x.asSlice(xAt + ((long) inputs[i] << ROW), 8 * V);
      FloatVector x0 = FloatVector.fromMemorySegment(F, p, 0, ORDER);
      FloatVector x1 = FloatVector.fromMemorySegment(F, p, V, ORDER);
      FloatVector x2 = FloatVector.fromMemorySegment(F, p, 2 * V, ORDER);
      FloatVector x3 = FloatVector.fromMemorySegment(F, p, 3 * V, ORDER);
      FloatVector x4 = FloatVector.fromMemorySegment(F, p, 4 * V, ORDER);
      FloatVector x5 = FloatVector.fromMemorySegment(F, p, 5 * V, ORDER);
      FloatVector x6 = FloatVector.fromMemorySegment(F, p, 6 * V, ORDER);
      FloatVector x7 = FloatVector.fromMemorySegment(F, p, 7 * V, ORDER);
      FloatVector v = FloatVector.broadcast(F, weights[base + i]);
      a0 = x0.fma(v, a0);
      a1 = x1.fma(v, a1);
      a2 = x2.fma(v, a2);
      a3 = x3.fma(v, a3);
      a4 = x4.fma(v, a4);
      a5 = x5.fma(v, a5);
      a6 = x6.fma(v, a6);
      a7 = x7.fma(v, a7);
    }
    a0.intoMemorySegment(y, yAt, ORDER);
    a1.intoMemorySegment(y, yAt + V, ORDER);
    a2.intoMemorySegment(y, yAt + 2 * V, ORDER);
    a3.intoMemorySegment(y, yAt + 3 * V, ORDER);
    a4.intoMemorySegment(y, yAt + 4 * V, ORDER);
    a5.intoMemorySegment(y, yAt + 5 * V, ORDER);
    a6.intoMemorySegment(y, yAt + 6 * V, ORDER);
    a7.intoMemorySegment(y, yAt + 7 * V, ORDER);
  }

  /** Four vectors: a turn waits for its rows, which come from the second-level cache. */
  private static void oneBy4(
      MemorySegment x,
      long xAt,
      int[] inputs,
      int from,
      int to,
      float[] weights,
      int weightsAt,
      MemorySegment y,
      long yAt) {
    int base = weightsAt - from;
    FloatVector a0 = FloatVector.zero(F);
    FloatVector a1 = a0;
    FloatVector a2 = a0;
    FloatVector a3 = a0;
    for (int i = from; i < to; i++) {
      MemorySegment p = x.asSlice(xAt + ((long) inputs[i] << ROW), 4 * V);
      FloatVector x0 = FloatVector.fromMemorySegment(F, p, 0, ORDER);
      FloatVector x1 = FloatVector.fromMemorySegment(F, p, V, ORDER);
      FloatVector x2 = FloatVector.fromMemorySegment(F, p, 2 * V, ORDER);
      FloatVector x3 = FloatVector.fromMemorySegment(F, p, 3 * V, ORDER);
      FloatVector v = FloatVector.broadcast(F, weights[base + i]);
      a0 = x0.fma(v, a0);
      a1 = x1.fma(v, a1);
      a2 = x2.fma(v, a2);
      a3 = x3.fma(v, a3);
    }
    a0.intoMemorySegment(y, yAt, ORDER);
    a1.intoMemorySegment(y, yAt + V, ORDER);
    a2.intoMemorySegment(y, yAt + 2 * V, ORDER);
    a3.intoMemorySegment(y, yAt + 3 * V, ORDER);
  }

  /** Two vectors of a panel that is not full. */
  private static void oneBy2(
      MemorySegment x,
      long xAt,
      int stride,
      int[] inputs,
      int from,
      int to,
      float[] weights,
      int weightsAt,
      MemorySegment y,
      long yAt) {
    long row = 4L * stride;
    int base = weightsAt - from;
    FloatVector a0 = FloatVector.zero(F);
    FloatVector a1 = a0;
    for (int i = from; i < to; i++) {
      MemorySegment p = x.asSlice(xAt + inputs[i] * row, 2 * V);
      FloatVector x0 = FloatVector.fromMemorySegment(F, p, 0, ORDER);
      FloatVector x1 = FloatVector.fromMemorySegment(F, p, V, ORDER);
      FloatVector v = FloatVector.broadcast(F, weights[base + i]);
      a0 = x0.fma(v, a0);
      a1 = x1.fma(v, a1);
    }
    a0.intoMemorySegment(y, yAt, ORDER);
    a1.intoMemorySegment(y, yAt + V, ORDER);
  }

  /** The last vector of a panel that is not full. */
  private static void oneBy1(
      MemorySegment x,
      long xAt,
      int stride,
      int[] inputs,
      int from,
      int to,
      float[] weights,
      int weightsAt,
      MemorySegment y,
      long yAt) {
    long row = 4L * stride;
    int base = weightsAt - from;
    FloatVector a0 = FloatVector.zero(F);
    for (int i = from; i < to; i++) {
      FloatVector x0 = FloatVector.fromMemorySegment(F, x, xAt + inputs[i] * row, ORDER);
      FloatVector v = FloatVector.broadcast(F, weights[base + i]);
      a0 = x0.fma(v, a0);
    }
    a0.intoMemorySegment(y, yAt, ORDER);
  }
}
