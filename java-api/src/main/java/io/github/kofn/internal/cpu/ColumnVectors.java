// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import io.github.kofn.Layout;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Columns with vectors along the batch: rows of dY stay in registers while rows of dX pass. What
 * {@link SumVectors} says of loops holds here, too.
 */
final class ColumnVectors implements ColumnKernel {
  private static final VectorSpecies<Float> F = Species.floats(MethodHandles.lookup());
  private static final ByteOrder ORDER = ByteOrder.nativeOrder();
  private static final int L = F.length();

  /** The bytes of a vector. */
  private static final long V = 4L * L;

  /** The distance of rows in a full panel: a power of two bytes. */
  private static final int ROW = Integer.numberOfTrailingZeros(4 * Layout.PANEL);

  @Override
  public void four(
      MemorySegment dy, float[] terms, int from, int to, MemorySegment dx, int stride) {
    if (L == 16 && stride == Layout.PANEL) {
      fourBy4(dy, terms, from, to, dx);
      return;
    }
    int b = 0;
    for (; b + 2 * L <= stride; b += 2 * L) {
      fourBy2(dy, 4L * b, terms, from, to, dx, 4L * stride);
    }
    for (; b < stride; b += L) {
      fourBy1(dy, 4L * b, terms, from, to, dx, 4L * stride);
    }
  }

  @Override
  public void one(MemorySegment dy, float[] terms, int from, int to, MemorySegment dx, int stride) {
    if (L == 16 && stride == Layout.PANEL) {
      oneBy4(dy, terms, from, to, dx);
      return;
    }
    for (int b = 0; b < stride; b += L) {
      oneBy1(dy, 4L * b, terms, from, to, dx, 4L * stride);
    }
  }

  /**
   * Four outputs, a full panel: 16 rows' vectors of dY and 5 operands of AVX-512's 32 registers.
   */
  private static void fourBy4(MemorySegment dy, float[] terms, int from, int to, MemorySegment dx) {
    FloatVector p0 = FloatVector.fromMemorySegment(F, dy, 0, ORDER);
    FloatVector p1 = FloatVector.fromMemorySegment(F, dy, V, ORDER);
    FloatVector p2 = FloatVector.fromMemorySegment(F, dy, 2 * V, ORDER);
    FloatVector p3 = FloatVector.fromMemorySegment(F, dy, 3 * V, ORDER);
    FloatVector q0 = FloatVector.fromMemorySegment(F, dy, 4 * V, ORDER);
    FloatVector q1 = FloatVector.fromMemorySegment(F, dy, 5 * V, ORDER);
    FloatVector q2 = FloatVector.fromMemorySegment(F, dy, 6 * V, ORDER);
    FloatVector q3 = FloatVector.fromMemorySegment(F, dy, 7 * V, ORDER);
    FloatVector r0 = FloatVector.fromMemorySegment(F, dy, 8 * V, ORDER);
    FloatVector r1 = FloatVector.fromMemorySegment(F, dy, 9 * V, ORDER);
    FloatVector r2 = FloatVector.fromMemorySegment(F, dy, 10 * V, ORDER);
    FloatVector r3 = FloatVector.fromMemorySegment(F, dy, 11 * V, ORDER);
    FloatVector s0 = FloatVector.fromMemorySegment(F, dy, 12 * V, ORDER);
    FloatVector s1 = FloatVector.fromMemorySegment(F, dy, 13 * V, ORDER);
    FloatVector s2 = FloatVector.fromMemorySegment(F, dy, 14 * V, ORDER);
    FloatVector s3 = FloatVector.fromMemorySegment(F, dy, 15 * V, ORDER);
    int t = from;
    while (t != to) {
      MemorySegment sums = dx.asSlice((long) Float.floatToRawIntBits(terms[t]) << ROW, 4 * V);
      FloatVector v = FloatVector.broadcast(F, terms[t + 1]);
      FloatVector a0 = p0.fma(v, FloatVector.fromMemorySegment(F, sums, 0, ORDER));
      FloatVector a1 = p1.fma(v, FloatVector.fromMemorySegment(F, sums, V, ORDER));
      FloatVector a2 = p2.fma(v, FloatVector.fromMemorySegment(F, sums, 2 * V, ORDER));
      FloatVector a3 = p3.fma(v, FloatVector.fromMemorySegment(F, sums, 3 * V, ORDER));
      v = FloatVector.broadcast(F, terms[t + 2]);
      a0 = q0.fma(v, a0);
      a1 = q1.fma(v, a1);
      a2 = q2.fma(v, a2);
      a3 = q3.fma(v, a3);
      v = FloatVector.broadcast(F, terms[t + 3]);
      a0 = r0.fma(v, a0);
      a1 = r1.fma(v, a1);
      a2 = r2.fma(v, a2);
      a3 = r3.fma(v, a3);
      v = FloatVector.broadcast(F, terms[t + 4]);
      a0 = s0.fma(v, a0);
      a1 = s1.fma(v, a1);
      a2 = s2.fma(v, a2);
      a3 = s3.fma(v, a3);
      a0.intoMemorySegment(sums, 0, ORDER);
      a1.intoMemorySegment(sums, V, ORDER);
      a2.intoMemorySegment(sums, 2 * V, ORDER);
      a3.intoMemorySegment(sums, 3 * V, ORDER);
      t += TERM_OF_FOUR;
    }
  }

  /** Four outputs, two vectors: 8 of dY and 3 operands of AVX2's 16 registers. */
  private static void fourBy2(
      MemorySegment dy, long at, float[] terms, int from, int to, MemorySegment dx, long row) {
    FloatVector p0 = FloatVector.fromMemorySegment(F, dy, at, ORDER);
    FloatVector p1 = FloatVector.fromMemorySegment(F, dy, at + V, ORDER);
    FloatVector q0 = FloatVector.fromMemorySegment(F, dy, at + row, ORDER);
    FloatVector q1 = FloatVector.fromMemorySegment(F, dy, at + row + V, ORDER);
    FloatVector r0 = FloatVector.fromMemorySegment(F, dy, at + 2 * row, ORDER);
    FloatVector r1 = FloatVector.fromMemorySegment(F, dy, at + 2 * row + V, ORDER);
    FloatVector s0 = FloatVector.fromMemorySegment(F, dy, at + 3 * row, ORDER);
    FloatVector s1 = FloatVector.fromMemorySegment(F, dy, at + 3 * row + V, ORDER);
    int t = from;
    while (t != to) {
      MemorySegment sums = dx.asSlice(Float.floatToRawIntBits(terms[t]) * row + at, 2 * V);
      FloatVector v = FloatVector.broadcast(F, terms[t + 1]);
      FloatVector a0 = p0.fma(v, FloatVector.fromMemorySegment(F, sums, 0, ORDER));
      FloatVector a1 = p1.fma(v, FloatVector.fromMemorySegment(F, sums, V, ORDER));
      v = FloatVector.broadcast(F, terms[t + 2]);
      a0 = q0.fma(v, a0);
      a1 = q1.fma(v, a1);
      v = FloatVector.broadcast(F, terms[t + 3]);
      a0 = r0.fma(v, a0);
      a1 = r1.fma(v, a1);
      v = FloatVector.broadcast(F, terms[t + 4]);
      a0 = s0.fma(v, a0);
      a1 = s1.fma(v, a1);
      a0.intoMemorySegment(sums, 0, ORDER);
      a1.intoMemorySegment(sums, V, ORDER);
      t += TERM_OF_FOUR;
    }
  }

  /** Four outputs, a vector. */
  private static void fourBy1(
      MemorySegment dy, long at, float[] terms, int from, int to, MemorySegment dx, long row) {
    FloatVector p0 = FloatVector.fromMemorySegment(F, dy, at, ORDER);
    FloatVector q0 = FloatVector.fromMemorySegment(F, dy, at + row, ORDER);
    FloatVector r0 = FloatVector.fromMemorySegment(F, dy, at + 2 * row, ORDER);
    FloatVector s0 = FloatVector.fromMemorySegment(F, dy, at + 3 * row, ORDER);
    int t = from;
    while (t != to) {
      MemorySegment sums = dx.asSlice(Float.floatToRawIntBits(terms[t]) * row + at, V);
      FloatVector v = FloatVector.broadcast(F, terms[t + 1]);
      FloatVector a0 = p0.fma(v, FloatVector.fromMemorySegment(F, sums, 0, ORDER));
      v = FloatVector.broadcast(F, terms[t + 2]);
      a0 = q0.fma(v, a0);
      v = FloatVector.broadcast(F, terms[t + 3]);
      a0 = r0.fma(v, a0);
      v = FloatVector.broadcast(F, terms[t + 4]);
      a0 = s0.fma(v, a0);
      a0.intoMemorySegment(sums, 0, ORDER);
      t += TERM_OF_FOUR;
    }
  }

  /** An output, a full panel. */
  private static void oneBy4(MemorySegment dy, float[] terms, int from, int to, MemorySegment dx) {
    FloatVector p0 = FloatVector.fromMemorySegment(F, dy, 0, ORDER);
    FloatVector p1 = FloatVector.fromMemorySegment(F, dy, V, ORDER);
    FloatVector p2 = FloatVector.fromMemorySegment(F, dy, 2 * V, ORDER);
    FloatVector p3 = FloatVector.fromMemorySegment(F, dy, 3 * V, ORDER);
    int t = from;
    while (t != to) {
      MemorySegment sums = dx.asSlice((long) Float.floatToRawIntBits(terms[t]) << ROW, 4 * V);
      FloatVector v = FloatVector.broadcast(F, terms[t + 1]);
      FloatVector a0 = p0.fma(v, FloatVector.fromMemorySegment(F, sums, 0, ORDER));
      FloatVector a1 = p1.fma(v, FloatVector.fromMemorySegment(F, sums, V, ORDER));
      FloatVector a2 = p2.fma(v, FloatVector.fromMemorySegment(F, sums, 2 * V, ORDER));
      FloatVector a3 = p3.fma(v, FloatVector.fromMemorySegment(F, sums, 3 * V, ORDER));
      a0.intoMemorySegment(sums, 0, ORDER);
      a1.intoMemorySegment(sums, V, ORDER);
      a2.intoMemorySegment(sums, 2 * V, ORDER);
      a3.intoMemorySegment(sums, 3 * V, ORDER);
      t += TERM_OF_ONE;
    }
  }

  /** An output, a vector. */
  private static void oneBy1(
      MemorySegment dy, long at, float[] terms, int from, int to, MemorySegment dx, long row) {
    FloatVector p0 = FloatVector.fromMemorySegment(F, dy, at, ORDER);
    int t = from;
    while (t != to) {
      MemorySegment sums = dx.asSlice(Float.floatToRawIntBits(terms[t]) * row + at, V);
      FloatVector v = FloatVector.broadcast(F, terms[t + 1]);
      FloatVector a0 = p0.fma(v, FloatVector.fromMemorySegment(F, sums, 0, ORDER));
      a0.intoMemorySegment(sums, 0, ORDER);
      t += TERM_OF_ONE;
    }
  }
}
