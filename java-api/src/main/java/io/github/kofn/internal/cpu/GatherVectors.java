// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandles;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * Vectors along a row's weights, whose inputs are gathered: x is small enough for the first-level
 * cache where weights are many. Four sums at once hide the latency of an FMA. Weights are read
 * where they lie, so that what comes from memory comes while there is something to compute.
 */
final class GatherVectors implements GatherKernel {
  private static final VectorSpecies<Float> F = Species.floats(MethodHandles.lookup());
  private static final VectorSpecies<Integer> I = Species.ints(MethodHandles.lookup());
  private static final int L = F.length();

  /** Inputs that are widened before the first is gathered by. */
  private static final int AHEAD = 8 * L;

  /** Half as wide: as many 16-bit integers. */
  private static final VectorSpecies<Short> S =
      VectorSpecies.of(short.class, VectorShape.forBitSize(16 * L));

  @Override
  public int lanes() {
    return L;
  }

  /** Widens U16 inputs in native memory, from a byte on. */
  private static void widen(MemorySegment inputs, long at, int[] to, int count) {
    MemorySegment from = inputs.asSlice(at, 2L * count);
    for (int i = 0; i + L <= count; i += L) {
      widen(from, i, to);
    }
    if (count >= L) {
      widen(from, count - L, to);
    }
    for (int i = 0; i < count && count < L; i++) {
      to[i] = from.get(ValueLayout.JAVA_CHAR_UNALIGNED, 2L * i);
    }
  }

  private static void widen(MemorySegment from, int i, int[] to) {
    ShortVector.fromMemorySegment(S, from, 2L * i, ByteOrder.nativeOrder())
        .convertShape(VectorOperators.ZERO_EXTEND_S2I, I, 0)
        .reinterpretAsInts()
        .intoArray(to, i);
  }

  @Override
  public void pick(float[] from, int[] positions, int at, float[] to, int toAt, int count) {
    int i = 0;
    for (; i + L <= count; i += L) {
      gather(from, positions, at + i).intoArray(to, toAt + i);
    }
    for (; i < count; i++) {
      to[toAt + i] = from[positions[at + i]];
    }
  }

  @Override
  public void rows(
      float[] x,
      int[] inputs,
      MemorySegment weights,
      long weightsAt,
      int rows,
      int k,
      float[] sums,
      int sumsAt) {
    for (int r = 0; r < rows; r++) {
      MemorySegment row = weights.asSlice(weightsAt + 4L * r * k, 4L * k);
      row(x, inputs, r * k, row, k, sums, sumsAt + r * L);
    }
  }

  @Override
  public void rows(
      float[] x,
      MemorySegment inputs,
      long inputsAt,
      MemorySegment weights,
      long weightsAt,
      int rows,
      int k,
      int[] widened,
      float[] products,
      float[] sums,
      int sumsAt) {
    int count = rows * k;
    if (k < L) {
      widen(inputs, inputsAt, widened, count);
      rows(x, widened, weights, weightsAt, rows, k, sums, sumsAt);
      return;
    }
    MemorySegment terms = inputs.asSlice(inputsAt, 2L * count);
    multiply(x, terms, weights.asSlice(weightsAt, 4L * count), count, widened, products);
    for (int r = 0; r < rows; r++) {
      add(products, r * k, k, sums, sumsAt + r * L);
    }
  }

  /**
   * The products of all terms, whatever row they belong to: loops without ends of rows, and inputs
   * that were widened well before they are gathered by.
   */
  private static void multiply(
      float[] x,
      MemorySegment inputs,
      MemorySegment weights,
      int count,
      int[] widened,
      float[] products) {
    int i = 0;
    for (; i < AHEAD && i + L <= count; i += L) {
      widen(inputs, i, widened);
    }
    int j = 0;
    for (; i + L <= count; i += L) {
      widen(inputs, i, widened);
      multiply(x, widened, weights, j, products);
      j += L;
    }
    widen(inputs, count - L, widened);
    for (; j + L <= count; j += L) {
      multiply(x, widened, weights, j, products);
    }
    multiply(x, widened, weights, count - L, products);
  }

  private static void multiply(
      float[] x, int[] inputs, MemorySegment weights, int at, float[] products) {
    gather(x, inputs, at).mul(load(weights, at)).intoArray(products, at);
  }

  /** The sums of every 16th of a row's products, at least as many as there are lanes. */
  private static void add(float[] products, int from, int k, float[] sums, int to) {
    FloatVector a = FloatVector.zero(F);
    FloatVector b = a;
    int j = 0;
    for (; j + 2 * L <= k; j += 2 * L) {
      a = a.add(FloatVector.fromArray(F, products, from + j));
      b = b.add(FloatVector.fromArray(F, products, from + j + L));
    }
    if (j + L <= k) {
      a = a.add(FloatVector.fromArray(F, products, from + j));
      j += L;
    }
    if (j < k) {
      // The last vector ends with the row, and only new lanes count.
      VectorMask<Float> fresh = VectorMask.fromLong(F, -1L << (L - (k - j)));
      FloatVector last = FloatVector.fromArray(F, products, from + k - L);
      b = b.lanewise(VectorOperators.ADD, last, fresh);
    }
    a.add(b).intoArray(sums, to);
  }

  private static void row(
      float[] x, int[] inputs, int from, MemorySegment weights, int k, float[] sums, int to) {
    FloatVector a = FloatVector.zero(F);
    FloatVector b = a;
    FloatVector c = a;
    FloatVector d = a;
    int j = 0;
    for (; j + 4 * L <= k; j += 4 * L) {
      int i = from + j;
      a = gather(x, inputs, i).fma(load(weights, j), a);
      b = gather(x, inputs, i + L).fma(load(weights, j + L), b);
      c = gather(x, inputs, i + 2 * L).fma(load(weights, j + 2 * L), c);
      d = gather(x, inputs, i + 3 * L).fma(load(weights, j + 3 * L), d);
    }
    for (; j + L <= k; j += L) {
      a = gather(x, inputs, from + j).fma(load(weights, j), a);
    }
    if (j < k && k >= L) {
      // The last vector again begins where it ends with the row, and only new lanes count.
      VectorMask<Float> fresh = VectorMask.fromLong(F, -1L << (L - (k - j)));
      FloatVector last = gather(x, inputs, from + k - L).mul(load(weights, k - L));
      b = b.lanewise(VectorOperators.ADD, last, fresh);
      j = k;
    }
    a.add(b).add(c.add(d)).intoArray(sums, to);
    for (; j < k; j++) {
      float weight = weights.get(ValueLayout.JAVA_FLOAT_UNALIGNED, 4L * j);
      sums[to] = Math.fma(weight, x[inputs[from + j]], sums[to]);
    }
  }

  private static FloatVector gather(float[] x, int[] inputs, int at) {
    return FloatVector.fromArray(F, x, 0, inputs, at);
  }

  private static FloatVector load(MemorySegment from, int at) {
    return FloatVector.fromMemorySegment(F, from, 4L * at, ByteOrder.nativeOrder());
  }
}
