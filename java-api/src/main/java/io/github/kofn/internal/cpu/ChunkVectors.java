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
 * since an output has about a dozen terms, what happens once an output counts, too: sums that begin
 * with 0 have loops of their own, and lines of two outputs share the way in and out. Every array
 * more is a register more, and the compiler parks the first of those that it lacks where the inner
 * loop needs it: outputs therefore stand in the lines themselves.
 */
final class ChunkVectors implements ChunkKernel {
  private static final VectorSpecies<Float> F = Species.floats(MethodHandles.lookup());
  private static final ByteOrder ORDER = ByteOrder.nativeOrder();
  private static final int L = F.length();

  /** The bytes of a vector. */
  private static final long V = 4L * L;

  /** The distance of rows in a full panel: a power of two bytes. */
  private static final int ROW = Integer.numberOfTrailingZeros(4 * Layout.PANEL);

  @Override
  public int together() {
    return L == 16 ? 2 : 1;
  }

  @Override
  public void add(
      MemorySegment x,
      char[] lines,
      float[] weights,
      int begin,
      int end,
      int length,
      int outputs,
      MemorySegment y,
      int stride,
      boolean fresh) {
    int line = outputs * (length + 1);
    if (stride != Layout.PANEL || L < 8 || outputs > together()) {
      for (int b = 0; b < stride; b += L) {
        by1(x, 4L * b, lines, weights, begin, end, length, outputs, y, 4L * stride, fresh);
      }
    } else if (L == 8) {
      if (fresh) {
        freshBy8(x, lines, weights, begin, end, line, y);
      } else {
        by8(x, lines, weights, begin, end, line, y);
      }
    } else if (outputs == 2) {
      if (fresh) {
        freshTwoBy4(x, lines, weights, begin, end, line, y);
      } else {
        twoBy4(x, lines, weights, begin, end, line, y);
      }
    } else if (fresh) {
      freshBy4(x, lines, weights, begin, end, line, y);
    } else {
      by4(x, lines, weights, begin, end, line, y);
    }
  }

  /** Two outputs: eight sums, whose FMAs need not wait for each other. */
  private static void twoBy4(
      MemorySegment x,
      char[] lines,
      float[] weights,
      int begin,
      int end,
      int line,
      MemorySegment y) {
    int from = begin;
    while (from < end) {
      MemorySegment q = y.asSlice((long) lines[from] << ROW, 4 * V);
      MemorySegment r = y.asSlice((long) lines[from + 1] << ROW, 4 * V);
      FloatVector a0 = FloatVector.fromMemorySegment(F, q, 0, ORDER);
      FloatVector a1 = FloatVector.fromMemorySegment(F, q, V, ORDER);
      FloatVector a2 = FloatVector.fromMemorySegment(F, q, 2 * V, ORDER);
      FloatVector a3 = FloatVector.fromMemorySegment(F, q, 3 * V, ORDER);
      FloatVector b0 = FloatVector.fromMemorySegment(F, r, 0, ORDER);
      FloatVector b1 = FloatVector.fromMemorySegment(F, r, V, ORDER);
      FloatVector b2 = FloatVector.fromMemorySegment(F, r, 2 * V, ORDER);
      FloatVector b3 = FloatVector.fromMemorySegment(F, r, 3 * V, ORDER);
      int to = from + line;
      for (int i = from + 2; i < to; i += 2) {
        MemorySegment p = x.asSlice((long) lines[i] << ROW, 4 * V);
        FloatVector v = FloatVector.broadcast(F, weights[i]);
        a0 = FloatVector.fromMemorySegment(F, p, 0, ORDER).fma(v, a0);
        a1 = FloatVector.fromMemorySegment(F, p, V, ORDER).fma(v, a1);
        a2 = FloatVector.fromMemorySegment(F, p, 2 * V, ORDER).fma(v, a2);
        a3 = FloatVector.fromMemorySegment(F, p, 3 * V, ORDER).fma(v, a3);
        MemorySegment s = x.asSlice((long) lines[i + 1] << ROW, 4 * V);
        FloatVector w = FloatVector.broadcast(F, weights[i + 1]);
        b0 = FloatVector.fromMemorySegment(F, s, 0, ORDER).fma(w, b0);
        b1 = FloatVector.fromMemorySegment(F, s, V, ORDER).fma(w, b1);
        b2 = FloatVector.fromMemorySegment(F, s, 2 * V, ORDER).fma(w, b2);
        b3 = FloatVector.fromMemorySegment(F, s, 3 * V, ORDER).fma(w, b3);
      }
      a0.intoMemorySegment(q, 0, ORDER);
      a1.intoMemorySegment(q, V, ORDER);
      a2.intoMemorySegment(q, 2 * V, ORDER);
      a3.intoMemorySegment(q, 3 * V, ORDER);
      b0.intoMemorySegment(r, 0, ORDER);
      b1.intoMemorySegment(r, V, ORDER);
      b2.intoMemorySegment(r, 2 * V, ORDER);
      b3.intoMemorySegment(r, 3 * V, ORDER);
      from = to;
    }
  }

  private static void freshTwoBy4(
      MemorySegment x,
      char[] lines,
      float[] weights,
      int begin,
      int end,
      int line,
      MemorySegment y) {
    int from = begin;
    while (from < end) {
      MemorySegment q = y.asSlice((long) lines[from] << ROW, 4 * V);
      MemorySegment r = y.asSlice((long) lines[from + 1] << ROW, 4 * V);
      FloatVector a0 = FloatVector.zero(F);
      FloatVector a1 = a0;
      FloatVector a2 = a0;
      FloatVector a3 = a0;
      FloatVector b0 = a0;
      FloatVector b1 = a0;
      FloatVector b2 = a0;
      FloatVector b3 = a0;
      int to = from + line;
      for (int i = from + 2; i < to; i += 2) {
        MemorySegment p = x.asSlice((long) lines[i] << ROW, 4 * V);
        FloatVector v = FloatVector.broadcast(F, weights[i]);
        a0 = FloatVector.fromMemorySegment(F, p, 0, ORDER).fma(v, a0);
        a1 = FloatVector.fromMemorySegment(F, p, V, ORDER).fma(v, a1);
        a2 = FloatVector.fromMemorySegment(F, p, 2 * V, ORDER).fma(v, a2);
        a3 = FloatVector.fromMemorySegment(F, p, 3 * V, ORDER).fma(v, a3);
        MemorySegment s = x.asSlice((long) lines[i + 1] << ROW, 4 * V);
        FloatVector w = FloatVector.broadcast(F, weights[i + 1]);
        b0 = FloatVector.fromMemorySegment(F, s, 0, ORDER).fma(w, b0);
        b1 = FloatVector.fromMemorySegment(F, s, V, ORDER).fma(w, b1);
        b2 = FloatVector.fromMemorySegment(F, s, 2 * V, ORDER).fma(w, b2);
        b3 = FloatVector.fromMemorySegment(F, s, 3 * V, ORDER).fma(w, b3);
      }
      a0.intoMemorySegment(q, 0, ORDER);
      a1.intoMemorySegment(q, V, ORDER);
      a2.intoMemorySegment(q, 2 * V, ORDER);
      a3.intoMemorySegment(q, 3 * V, ORDER);
      b0.intoMemorySegment(r, 0, ORDER);
      b1.intoMemorySegment(r, V, ORDER);
      b2.intoMemorySegment(r, 2 * V, ORDER);
      b3.intoMemorySegment(r, 3 * V, ORDER);
      from = to;
    }
  }

  private static void by4(
      MemorySegment x,
      char[] lines,
      float[] weights,
      int begin,
      int end,
      int line,
      MemorySegment y) {
    int from = begin;
    while (from < end) {
      MemorySegment q = y.asSlice((long) lines[from] << ROW, 4 * V);
      FloatVector a0 = FloatVector.fromMemorySegment(F, q, 0, ORDER);
      FloatVector a1 = FloatVector.fromMemorySegment(F, q, V, ORDER);
      FloatVector a2 = FloatVector.fromMemorySegment(F, q, 2 * V, ORDER);
      FloatVector a3 = FloatVector.fromMemorySegment(F, q, 3 * V, ORDER);
      int to = from + line;
      for (int i = from + 1; i < to; i++) {
        MemorySegment p = x.asSlice((long) lines[i] << ROW, 4 * V);
        FloatVector v = FloatVector.broadcast(F, weights[i]);
        a0 = FloatVector.fromMemorySegment(F, p, 0, ORDER).fma(v, a0);
        a1 = FloatVector.fromMemorySegment(F, p, V, ORDER).fma(v, a1);
        a2 = FloatVector.fromMemorySegment(F, p, 2 * V, ORDER).fma(v, a2);
        a3 = FloatVector.fromMemorySegment(F, p, 3 * V, ORDER).fma(v, a3);
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
      char[] lines,
      float[] weights,
      int begin,
      int end,
      int line,
      MemorySegment y) {
    int from = begin;
    while (from < end) {
      MemorySegment q = y.asSlice((long) lines[from] << ROW, 4 * V);
      FloatVector a0 = FloatVector.zero(F);
      FloatVector a1 = a0;
      FloatVector a2 = a0;
      FloatVector a3 = a0;
      int to = from + line;
      for (int i = from + 1; i < to; i++) {
        MemorySegment p = x.asSlice((long) lines[i] << ROW, 4 * V);
        FloatVector v = FloatVector.broadcast(F, weights[i]);
        a0 = FloatVector.fromMemorySegment(F, p, 0, ORDER).fma(v, a0);
        a1 = FloatVector.fromMemorySegment(F, p, V, ORDER).fma(v, a1);
        a2 = FloatVector.fromMemorySegment(F, p, 2 * V, ORDER).fma(v, a2);
        a3 = FloatVector.fromMemorySegment(F, p, 3 * V, ORDER).fma(v, a3);
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
      char[] lines,
      float[] weights,
      int begin,
      int end,
      int line,
      MemorySegment y) {
    int from = begin;
    while (from < end) {
      MemorySegment q = y.asSlice((long) lines[from] << ROW, 8 * V);
      FloatVector a0 = FloatVector.fromMemorySegment(F, q, 0, ORDER);
      FloatVector a1 = FloatVector.fromMemorySegment(F, q, V, ORDER);
      FloatVector a2 = FloatVector.fromMemorySegment(F, q, 2 * V, ORDER);
      FloatVector a3 = FloatVector.fromMemorySegment(F, q, 3 * V, ORDER);
      FloatVector a4 = FloatVector.fromMemorySegment(F, q, 4 * V, ORDER);
      FloatVector a5 = FloatVector.fromMemorySegment(F, q, 5 * V, ORDER);
      FloatVector a6 = FloatVector.fromMemorySegment(F, q, 6 * V, ORDER);
      FloatVector a7 = FloatVector.fromMemorySegment(F, q, 7 * V, ORDER);
      int to = from + line;
      for (int i = from + 1; i < to; i++) {
        MemorySegment p = x.asSlice((long) lines[i] << ROW, 8 * V);
        FloatVector v = FloatVector.broadcast(F, weights[i]);
        a0 = FloatVector.fromMemorySegment(F, p, 0, ORDER).fma(v, a0);
        a1 = FloatVector.fromMemorySegment(F, p, V, ORDER).fma(v, a1);
        a2 = FloatVector.fromMemorySegment(F, p, 2 * V, ORDER).fma(v, a2);
        a3 = FloatVector.fromMemorySegment(F, p, 3 * V, ORDER).fma(v, a3);
        a4 = FloatVector.fromMemorySegment(F, p, 4 * V, ORDER).fma(v, a4);
        a5 = FloatVector.fromMemorySegment(F, p, 5 * V, ORDER).fma(v, a5);
        a6 = FloatVector.fromMemorySegment(F, p, 6 * V, ORDER).fma(v, a6);
        a7 = FloatVector.fromMemorySegment(F, p, 7 * V, ORDER).fma(v, a7);
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
      char[] lines,
      float[] weights,
      int begin,
      int end,
      int line,
      MemorySegment y) {
    int from = begin;
    while (from < end) {
      MemorySegment q = y.asSlice((long) lines[from] << ROW, 8 * V);
      FloatVector a0 = FloatVector.zero(F);
      FloatVector a1 = a0;
      FloatVector a2 = a0;
      FloatVector a3 = a0;
      FloatVector a4 = a0;
      FloatVector a5 = a0;
      FloatVector a6 = a0;
      FloatVector a7 = a0;
      int to = from + line;
      for (int i = from + 1; i < to; i++) {
        MemorySegment p = x.asSlice((long) lines[i] << ROW, 8 * V);
        FloatVector v = FloatVector.broadcast(F, weights[i]);
        a0 = FloatVector.fromMemorySegment(F, p, 0, ORDER).fma(v, a0);
        a1 = FloatVector.fromMemorySegment(F, p, V, ORDER).fma(v, a1);
        a2 = FloatVector.fromMemorySegment(F, p, 2 * V, ORDER).fma(v, a2);
        a3 = FloatVector.fromMemorySegment(F, p, 3 * V, ORDER).fma(v, a3);
        a4 = FloatVector.fromMemorySegment(F, p, 4 * V, ORDER).fma(v, a4);
        a5 = FloatVector.fromMemorySegment(F, p, 5 * V, ORDER).fma(v, a5);
        a6 = FloatVector.fromMemorySegment(F, p, 6 * V, ORDER).fma(v, a6);
        a7 = FloatVector.fromMemorySegment(F, p, 7 * V, ORDER).fma(v, a7);
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
      long at,
      char[] lines,
      float[] weights,
      int begin,
      int end,
      int length,
      int outputs,
      MemorySegment y,
      long row,
      boolean fresh) {
    int line = outputs * (length + 1);
    for (int from = begin; from < end; from += line) {
      for (int o = from; o < from + outputs; o++) {
        long sum = lines[o] * row + at;
        if (fresh) {
          FloatVector.zero(F).intoMemorySegment(y, sum, ORDER);
        }
        FloatVector a = FloatVector.fromMemorySegment(F, y, sum, ORDER);
        int i = o;
        for (int j = 0; j < length; j++) {
          i += outputs;
          FloatVector v = FloatVector.broadcast(F, weights[i]);
          a = FloatVector.fromMemorySegment(F, x, at + lines[i] * row, ORDER).fma(v, a);
        }
        a.intoMemorySegment(y, sum, ORDER);
      }
    }
  }
}
