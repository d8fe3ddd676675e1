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
 * Tiles of six outputs and two vectors of 16. What {@link SumVectors} says of loops holds here,
 * too: an example's panel is computed, since a loop over panels around that over examples would put
 * the sums on the heap.
 *
 * <p>12 FMAs, 6 cycles, for 8 loads, 4 cycles: two vectors, and an element of dY for each output.
 */
final class TallVectors implements TallKernel {
  private static final VectorSpecies<Float> F = Species.floats(MethodHandles.lookup());
  private static final ByteOrder ORDER = ByteOrder.nativeOrder();

  /** The bytes of a vector. */
  private static final long V = 4L * F.length();

  /** The distance of an output's row from the next one's, in bytes. */
  private static final long D = 4L * Layout.PANEL;

  private static final long SPAN = (OUTPUTS - 1) * D + 4;

  /** An example's panel is its number without so many bits. */
  private static final int SHIFT = Integer.numberOfTrailingZeros(Layout.PANEL);

  private static final int LAST = Layout.PANEL - 1;

  @Override
  public void six(
      MemorySegment x,
      long first,
      long second,
      long pitch,
      int examples,
      MemorySegment dy,
      long dyAt,
      long panel,
      MemorySegment y) {
    MemorySegment left = x.asSlice(first);
    MemorySegment right = x.asSlice(second);
    MemorySegment outputs = dy.asSlice(dyAt);
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
    for (int i = 0; i < examples; i++) {
      FloatVector x0 = FloatVector.fromMemorySegment(F, left, i * pitch, ORDER);
      FloatVector x1 = FloatVector.fromMemorySegment(F, right, i * pitch, ORDER);
      long at = (i >>> SHIFT) * panel + 4L * (i & LAST);
      MemorySegment w = outputs.asSlice(at, SPAN);
      FloatVector v = FloatVector.broadcast(F, w.get(ValueLayout.JAVA_FLOAT_UNALIGNED, 0));
      a0 = x0.fma(v, a0);
      a1 = x1.fma(v, a1);
      v = FloatVector.broadcast(F, w.get(ValueLayout.JAVA_FLOAT_UNALIGNED, D));
      b0 = x0.fma(v, b0);
      b1 = x1.fma(v, b1);
      v = FloatVector.broadcast(F, w.get(ValueLayout.JAVA_FLOAT_UNALIGNED, 2 * D));
      c0 = x0.fma(v, c0);
      c1 = x1.fma(v, c1);
      v = FloatVector.broadcast(F, w.get(ValueLayout.JAVA_FLOAT_UNALIGNED, 3 * D));
      d0 = x0.fma(v, d0);
      d1 = x1.fma(v, d1);
      v = FloatVector.broadcast(F, w.get(ValueLayout.JAVA_FLOAT_UNALIGNED, 4 * D));
      e0 = x0.fma(v, e0);
      e1 = x1.fma(v, e1);
      v = FloatVector.broadcast(F, w.get(ValueLayout.JAVA_FLOAT_UNALIGNED, 5 * D));
      f0 = x0.fma(v, f0);
      f1 = x1.fma(v, f1);
    }
    MemorySegment rows = y.asSlice(0, 12 * V);
    a0.intoMemorySegment(rows, 0, ORDER);
    a1.intoMemorySegment(rows, V, ORDER);
    b0.intoMemorySegment(rows, 2 * V, ORDER);
    b1.intoMemorySegment(rows, 3 * V, ORDER);
    c0.intoMemorySegment(rows, 4 * V, ORDER);
    c1.intoMemorySegment(rows, 5 * V, ORDER);
    d0.intoMemorySegment(rows, 6 * V, ORDER);
    d1.intoMemorySegment(rows, 7 * V, ORDER);
    e0.intoMemorySegment(rows, 8 * V, ORDER);
    e1.intoMemorySegment(rows, 9 * V, ORDER);
    f0.intoMemorySegment(rows, 10 * V, ORDER);
    f1.intoMemorySegment(rows, 11 * V, ORDER);
  }
}
