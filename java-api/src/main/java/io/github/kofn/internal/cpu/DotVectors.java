// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import io.github.kofn.Layout;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Dot products with vectors along the batch. What {@link SumVectors} says of loops holds here, too:
 * the inputs' rows are loaded from one slice a turn at distances that do not change, so that these
 * are checked once a call. Sums are stored as they are and added up later: the code that adds them
 * up beside the loop makes the compiler put them on the heap.
 */
final class DotVectors implements DotKernels {
  private static final VectorSpecies<Float> F = Species.floats(MethodHandles.lookup());
  private static final ByteOrder ORDER = ByteOrder.nativeOrder();
  private static final int L = F.length();

  /** The bytes of a vector. */
  private static final long V = 4L * L;

  /** The bytes of a panel's row. */
  private static final long ROW = 4L * Layout.PANEL;

  /** A panel's row is two to this power vectors. */
  private static final int STEPS = Integer.numberOfTrailingZeros(Layout.PANEL / L);

  private static final int LAST_STEP = (1 << STEPS) - 1;

  @Override
  public int inputs() {
    return L == 16 ? 4 : 2;
  }

  @Override
  public void dots(
      MemorySegment d,
      long dAt,
      long dPanel,
      MemorySegment x,
      long xPanel,
      int panels,
      int[] inputs,
      int inputsAt,
      float[] sums,
      int sumsAt,
      int pitch) {
    long r0 = inputs[inputsAt] * ROW;
    long r1 = inputs[inputsAt + 1] * ROW;
    if (L == 16) {
      long r2 = inputs[inputsAt + 2] * ROW;
      long r3 = inputs[inputsAt + 3] * ROW;
      fourByFour(d, dAt, dPanel, x, xPanel, panels, r0, r1, r2, r3, sums, sumsAt, pitch);
    } else {
      fourByTwo(d, dAt, dPanel, x, xPanel, panels, r0, r1, sums, sumsAt, pitch);
    }
  }

  @Override
  public void put(float[] from, int at, int count, MemorySegment to, long toAt) {
    for (int i = 0; i < count; i += L) {
      FloatVector.fromArray(F, from, at + i).intoMemorySegment(to, toAt + 4L * i, ORDER);
    }
  }

  /** 16 sums and 5 operands of AVX-512's 32 registers. */
  private static void fourByFour(
      MemorySegment d,
      long dAt,
      long dPanel,
      MemorySegment x,
      long xPanel,
      int panels,
      long r0,
      long r1,
      long r2,
      long r3,
      float[] sums,
      int sumsAt,
      int pitch) {
    long span = xPanel - ROW + V;
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
    FloatVector e0 = a0;
    FloatVector e1 = a0;
    FloatVector e2 = a0;
    FloatVector e3 = a0;
    for (int t = 0; t < panels << STEPS; t++) {
      long p = t >> STEPS;
      long v = (t & LAST_STEP) * V;
      MemorySegment q = x.asSlice(p * xPanel + v, span);
      MemorySegment g = d.asSlice(dAt + p * dPanel + v, 3 * ROW + V);
      FloatVector x0 = FloatVector.fromMemorySegment(F, q, r0, ORDER);
      FloatVector x1 = FloatVector.fromMemorySegment(F, q, r1, ORDER);
      FloatVector x2 = FloatVector.fromMemorySegment(F, q, r2, ORDER);
      FloatVector x3 = FloatVector.fromMemorySegment(F, q, r3, ORDER);
      FloatVector w = FloatVector.fromMemorySegment(F, g, 0, ORDER);
      a0 = x0.fma(w, a0);
      a1 = x1.fma(w, a1);
      a2 = x2.fma(w, a2);
      a3 = x3.fma(w, a3);
      w = FloatVector.fromMemorySegment(F, g, ROW, ORDER);
      b0 = x0.fma(w, b0);
      b1 = x1.fma(w, b1);
      b2 = x2.fma(w, b2);
      b3 = x3.fma(w, b3);
      w = FloatVector.fromMemorySegment(F, g, 2 * ROW, ORDER);
      c0 = x0.fma(w, c0);
      c1 = x1.fma(w, c1);
      c2 = x2.fma(w, c2);
      c3 = x3.fma(w, c3);
      w = FloatVector.fromMemorySegment(F, g, 3 * ROW, ORDER);
      e0 = x0.fma(w, e0);
      e1 = x1.fma(w, e1);
      e2 = x2.fma(w, e2);
      e3 = x3.fma(w, e3);
    }
    a0.intoArray(sums, sumsAt);
    a1.intoArray(sums, sumsAt + L);
    a2.intoArray(sums, sumsAt + 2 * L);
    a3.intoArray(sums, sumsAt + 3 * L);
    int o1 = sumsAt + pitch;
    b0.intoArray(sums, o1);
    b1.intoArray(sums, o1 + L);
    b2.intoArray(sums, o1 + 2 * L);
    b3.intoArray(sums, o1 + 3 * L);
    int o2 = sumsAt + 2 * pitch;
    c0.intoArray(sums, o2);
    c1.intoArray(sums, o2 + L);
    c2.intoArray(sums, o2 + 2 * L);
    c3.intoArray(sums, o2 + 3 * L);
    int o3 = sumsAt + 3 * pitch;
    e0.intoArray(sums, o3);
    e1.intoArray(sums, o3 + L);
    e2.intoArray(sums, o3 + 2 * L);
    e3.intoArray(sums, o3 + 3 * L);
  }

  /** 8 sums and 3 operands of AVX2's 16 registers. */
  private static void fourByTwo(
      MemorySegment d,
      long dAt,
      long dPanel,
      MemorySegment x,
      long xPanel,
      int panels,
      long r0,
      long r1,
      float[] sums,
      int sumsAt,
      int pitch) {
    long span = xPanel - ROW + V;
    FloatVector a0 = FloatVector.zero(F);
    FloatVector a1 = a0;
    FloatVector b0 = a0;
    FloatVector b1 = a0;
    FloatVector c0 = a0;
    FloatVector c1 = a0;
    FloatVector e0 = a0;
    FloatVector e1 = a0;
    for (int t = 0; t < panels << STEPS; t++) {
      long p = t >> STEPS;
      long v = (t & LAST_STEP) * V;
      MemorySegment q = x.asSlice(p * xPanel + v, span);
      MemorySegment g = d.asSlice(dAt + p * dPanel + v, 3 * ROW + V);
      FloatVector x0 = FloatVector.fromMemorySegment(F, q, r0, ORDER);
      FloatVector x1 = FloatVector.fromMemorySegment(F, q, r1, ORDER);
      FloatVector w = FloatVector.fromMemorySegment(F, g, 0, ORDER);
      a0 = x0.fma(w, a0);
      a1 = x1.fma(w, a1);
      w = FloatVector.fromMemorySegment(F, g, ROW, ORDER);
      b0 = x0.fma(w, b0);
      b1 = x1.fma(w, b1);
      w = FloatVector.fromMemorySegment(F, g, 2 * ROW, ORDER);
      c0 = x0.fma(w, c0);
      c1 = x1.fma(w, c1);
      w = FloatVector.fromMemorySegment(F, g, 3 * ROW, ORDER);
      e0 = x0.fma(w, e0);
      e1 = x1.fma(w, e1);
    }
    a0.intoArray(sums, sumsAt);
    a1.intoArray(sums, sumsAt + L);
    int o1 = sumsAt + pitch;
    b0.intoArray(sums, o1);
    b1.intoArray(sums, o1 + L);
    int o2 = sumsAt + 2 * pitch;
    c0.intoArray(sums, o2);
    c1.intoArray(sums, o2 + L);
    int o3 = sumsAt + 3 * pitch;
    e0.intoArray(sums, o3);
    e1.intoArray(sums, o3 + L);
  }
}
