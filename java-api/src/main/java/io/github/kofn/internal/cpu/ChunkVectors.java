// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import io.github.kofn.Layout;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Chunks with vectors along the batch. What {@link SumVectors} says of loops holds here, too; and
 * since an output has about a dozen terms, what happens once an output counts, too. Therefore sums
 * that begin with 0 have loops of their own, and loops end at {@code i != to}: loops that the
 * compiler knows to count it splits into three, for a start, an unrolled middle and a rest.
 */
final class ChunkVectors implements ChunkKernel {
  private static final VectorSpecies<Float> F = Species.floats(MethodHandles.lookup());
  private static final ByteOrder ORDER = ByteOrder.nativeOrder();
  private static final int L = F.length();

  /** The bytes of a vector. */
  private static final long V = 4L * L;

  /** The distance of rows in a full panel: a power of two bytes. */
  private static final int ROW = Integer.numberOfTrailingZeros(4 * Layout.PANEL);

  private static FloatVector load(MemorySegment from, long at) {
    return FloatVector.fromMemorySegment(F, from, at, ORDER);
  }

  @Override
  public void add(
      MemorySegment x,
      char[] terms,
      float[] weights,
      int at,
      int length,
      char[] outputs,
      int first,
      int end,
      MemorySegment y,
      int stride,
      boolean fresh) {
    if (L == 16 && stride == Layout.PANEL) {
      if (fresh) {
        freshBy4(x, terms, weights, at, length, outputs, first, end, y);
      } else {
        by4(x, terms, weights, at, length, outputs, first, end, y);
      }
      return;
    }
    if (L == 8 && stride == Layout.PANEL) {
      if (fresh) {
        freshBy8(x, terms, weights, at, length, outputs, first, end, y);
      } else {
        by8(x, terms, weights, at, length, outputs, first, end, y);
      }
      return;
    }
    for (int b = 0; b < stride; b += L) {
      by1(x, 4L * b, terms, weights, at, length, outputs, first, end, y, 4L * stride, fresh);
    }
  }

  private static void by4(
      MemorySegment x,
      char[] terms,
      float[] weights,
      int at,
      int length,
      char[] outputs,
      int first,
      int end,
      MemorySegment y) {
    int from = at;
    for (int r = first; r < end; r++) {
      MemorySegment q = y.asSlice((long) outputs[r] << ROW, 4 * V);
      FloatVector a0 = load(q, 0);
      FloatVector a1 = load(q, V);
      FloatVector a2 = load(q, 2 * V);
      FloatVector a3 = load(q, 3 * V);
      int to = from + length;
      int i = from;
      while (i != to) {
        MemorySegment p = x.asSlice((long) terms[i] << ROW, 4 * V);
        FloatVector v = FloatVector.broadcast(F, weights[i]);
        a0 = load(p, 0).fma(v, a0);
        a1 = load(p, V).fma(v, a1);
        a2 = load(p, 2 * V).fma(v, a2);
        a3 = load(p, 3 * V).fma(v, a3);
        i++;
      }
      a0.intoMemorySegment(q, 0, ORDER);
      a1.intoMemorySegment(q, V, ORDER);
      a2.intoMemorySegment(q, 2 * V, ORDER);
      a3.intoMemorySegment(q, 3 * V, ORDER);
      from = to;
    }
  }

  private static void freshBy4(
      MemorySegment x,
      char[] terms,
      float[] weights,
      int at,
      int length,
      char[] outputs,
      int first,
      int end,
      MemorySegment y) {
    int from = at;
    for (int r = first; r < end; r++) {
      MemorySegment q = y.asSlice((long) outputs[r] << ROW, 4 * V);
      FloatVector a0 = FloatVector.zero(F);
      FloatVector a1 = a0;
      FloatVector a2 = a0;
      FloatVector a3 = a0;
      int to = from + length;
      int i = from;
      while (i != to) {
        MemorySegment p = x.asSlice((long) terms[i] << ROW, 4 * V);
        FloatVector v = FloatVector.broadcast(F, weights[i]);
        a0 = load(p, 0).fma(v, a0);
        a1 = load(p, V).fma(v, a1);
        a2 = load(p, 2 * V).fma(v, a2);
        a3 = load(p, 3 * V).fma(v, a3);
        i++;
      }
      a0.intoMemorySegment(q, 0, ORDER);
      a1.intoMemorySegment(q, V, ORDER);
      a2.intoMemorySegment(q, 2 * V, ORDER);
      a3.intoMemorySegment(q, 3 * V, ORDER);
      from = to;
    }
  }

  private static void by8(
      MemorySegment x,
      char[] terms,
      float[] weights,
      int at,
      int length,
      char[] outputs,
      int first,
      int end,
      MemorySegment y) {
    int from = at;
    for (int r = first; r < end; r++) {
      MemorySegment q = y.asSlice((long) outputs[r] << ROW, 8 * V);
      FloatVector a0 = load(q, 0);
      FloatVector a1 = load(q, V);
      FloatVector a2 = load(q, 2 * V);
      FloatVector a3 = load(q, 3 * V);
      FloatVector a4 = load(q, 4 * V);
      FloatVector a5 = load(q, 5 * V);
      FloatVector a6 = load(q, 6 * V);
      FloatVector a7 = load(q, 7 * V);
      int to = from + length;
      int i = from;
      while (i != to) {
        MemorySegment p = x.asSlice((long) terms[i] << ROW, 8 * V);
        FloatVector v = FloatVector.broadcast(F, weights[i]);
        a0 = load(p, 0).fma(v, a0);
        a1 = load(p, V).fma(v, a1);
        a2 = load(p, 2 * V).fma(v, a2);
        a3 = load(p, 3 * V).fma(v, a3);
        a4 = load(p, 4 * V).fma(v, a4);
        a5 = load(p, 5 * V).fma(v, a5);
        a6 = load(p, 6 * V).fma(v, a6);
        a7 = load(p, 7 * V).fma(v, a7);
        i++;
      }
      a0.intoMemorySegment(q, 0, ORDER);
      a1.intoMemorySegment(q, V, ORDER);
      a2.intoMemorySegment(q, 2 * V, ORDER);
      a3.intoMemorySegment(q, 3 * V, ORDER);
      a4.intoMemorySegment(q, 4 * V, ORDER);
      a5.intoMemorySegment(q, 5 * V, ORDER);
      a6.intoMemorySegment(q, 6 * V, ORDER);
      a7.intoMemorySegment(q, 7 * V, ORDER);
      from = to;
    }
  }

  private static void freshBy8(
      MemorySegment x,
      char[] terms,
      float[] weights,
      int at,
      int length,
      char[] outputs,
      int first,
      int end,
      MemorySegment y) {
    int from = at;
    for (int r = first; r < end; r++) {
      MemorySegment q = y.asSlice((long) outputs[r] << ROW, 8 * V);
      FloatVector a0 = FloatVector.zero(F);
      FloatVector a1 = a0;
      FloatVector a2 = a0;
      FloatVector a3 = a0;
      FloatVector a4 = a0;
      FloatVector a5 = a0;
      FloatVector a6 = a0;
      FloatVector a7 = a0;
      int to = from + length;
      int i = from;
      while (i != to) {
        MemorySegment p = x.asSlice((long) terms[i] << ROW, 8 * V);
        FloatVector v = FloatVector.broadcast(F, weights[i]);
        a0 = load(p, 0).fma(v, a0);
        a1 = load(p, V).fma(v, a1);
        a2 = load(p, 2 * V).fma(v, a2);
        a3 = load(p, 3 * V).fma(v, a3);
        a4 = load(p, 4 * V).fma(v, a4);
        a5 = load(p, 5 * V).fma(v, a5);
        a6 = load(p, 6 * V).fma(v, a6);
        a7 = load(p, 7 * V).fma(v, a7);
        i++;
      }
      a0.intoMemorySegment(q, 0, ORDER);
      a1.intoMemorySegment(q, V, ORDER);
      a2.intoMemorySegment(q, 2 * V, ORDER);
      a3.intoMemorySegment(q, 3 * V, ORDER);
      a4.intoMemorySegment(q, 4 * V, ORDER);
      a5.intoMemorySegment(q, 5 * V, ORDER);
      a6.intoMemorySegment(q, 6 * V, ORDER);
      a7.intoMemorySegment(q, 7 * V, ORDER);
      from = to;
    }
  }

  /** A vector of a panel that is not full. */
  private static void by1(
      MemorySegment x,
      long xAt,
      char[] terms,
      float[] weights,
      int at,
      int length,
      char[] outputs,
      int first,
      int end,
      MemorySegment y,
      long row,
      boolean fresh) {
    int from = at;
    for (int r = first; r < end; r++) {
      long yAt = outputs[r] * row + xAt;
      if (fresh) {
        FloatVector.zero(F).intoMemorySegment(y, yAt, ORDER);
      }
      FloatVector a = load(y, yAt);
      int to = from + length;
      for (int i = from; i < to; i++) {
        FloatVector v = FloatVector.broadcast(F, weights[i]);
        a = load(x, xAt + terms[i] * row).fma(v, a);
      }
      a.intoMemorySegment(y, yAt, ORDER);
      from = to;
    }
  }
}
