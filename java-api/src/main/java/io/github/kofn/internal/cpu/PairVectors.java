// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import io.github.kofn.Layout;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Dot products with vectors of 16 along the batch: two panels of dY, eight vectors, stay in
 * registers while inputs pass. What {@link SumVectors} says of loops holds here, too.
 */
final class PairVectors implements PairKernel {
  private static final VectorSpecies<Float> F = Species.floats(MethodHandles.lookup());
  private static final int L = F.length();

  /** The bytes of a vector. */
  private static final long V = 4L * L;

  /** The distance of rows in a full panel: a power of two bytes. */
  private static final int ROW = Integer.numberOfTrailingZeros(4 * Layout.PANEL);

  private static FloatVector load(MemorySegment from, long at) {
    return FloatVector.fromMemorySegment(F, from, at, ByteOrder.nativeOrder());
  }

  @Override
  public void dots(
      MemorySegment d,
      long dAt,
      long nextDAt,
      MemorySegment x,
      long xAt,
      long nextXAt,
      int[] inputs,
      int from,
      int to,
      float[] sums,
      int sumsAt) {
    int base = sumsAt - L * from;
    MemorySegment c = d.asSlice(dAt, 4 * V);
    MemorySegment e = d.asSlice(nextDAt, 4 * V);
    FloatVector c0 = load(c, 0);
    FloatVector c1 = load(c, V);
    FloatVector c2 = load(c, 2 * V);
    FloatVector c3 = load(c, 3 * V);
    FloatVector e0 = load(e, 0);
    FloatVector e1 = load(e, V);
    FloatVector e2 = load(e, 2 * V);
    FloatVector e3 = load(e, 3 * V);
    for (int i = from; i < to; i++) {
      long row = (long) inputs[i] << ROW;
      MemorySegment p = x.asSlice(xAt + row, 4 * V);
      MemorySegment q = x.asSlice(nextXAt + row, 4 * V);
      FloatVector a = FloatVector.fromArray(F, sums, base + L * i);
      FloatVector b = e0.mul(load(q, 0));
      a = c0.fma(load(p, 0), a);
      b = e1.fma(load(q, V), b);
      a = c1.fma(load(p, V), a);
      b = e2.fma(load(q, 2 * V), b);
      a = c2.fma(load(p, 2 * V), a);
      b = e3.fma(load(q, 3 * V), b);
      a = c3.fma(load(p, 3 * V), a);
      a.add(b).intoArray(sums, base + L * i);
    }
  }
}
