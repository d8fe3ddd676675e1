// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorSpecies;

/**
 * Strips by vectors. Weights come from beyond the first-level caches and are what takes the time;
 * loops are therefore as plain as they can be. What {@link SumVectors} says of loops holds here,
 * too.
 */
final class StripVectors implements StripKernel {
  private static final VectorSpecies<Float> F = Species.floats(MethodHandles.lookup());
  private static final ByteOrder ORDER = ByteOrder.nativeOrder();
  private static final int L = F.length();

  /** The bytes of a vector. */
  private static final long V = 4L * L;

  @Override
  public int lanes() {
    return L;
  }

  private static FloatVector load(MemorySegment from, long at) {
    return FloatVector.fromMemorySegment(F, from, at, ORDER);
  }

  private static FloatVector load(MemorySegment from, long at, VectorMask<Float> mask) {
    return FloatVector.fromMemorySegment(F, from, at, ORDER, mask);
  }

  private static FloatVector load(float[] from, int at) {
    return FloatVector.fromArray(F, from, at);
  }

  private static VectorMask<Float> first(int width) {
    return VectorMask.fromLong(F, -1L >>> (64 - width));
  }

  @Override
  public void eight(
      MemorySegment weights,
      long at,
      Place place,
      int[] columns,
      int from,
      int to,
      int bi,
      int strips,
      float[] x,
      float[] sums,
      int sumsAt) {
    long row = place.row();
    FloatVector a0 = load(sums, sumsAt);
    FloatVector a1 = load(sums, sumsAt + L);
    FloatVector a2 = load(sums, sumsAt + 2 * L);
    FloatVector a3 = load(sums, sumsAt + 3 * L);
    FloatVector a4 = load(sums, sumsAt + 4 * L);
    FloatVector a5 = load(sums, sumsAt + 5 * L);
    FloatVector a6 = load(sums, sumsAt + 6 * L);
    FloatVector a7 = load(sums, sumsAt + 7 * L);
    for (int j = from; j < to; j++) {
      long p = at + j * place.slot() + columns[j] * place.column();
      int i = columns[j] * bi;
      for (int s = 0; s < strips; s++) {
        FloatVector v = load(x, i);
        a0 = load(weights, p).fma(v, a0);
        a1 = load(weights, p + row).fma(v, a1);
        a2 = load(weights, p + 2 * row).fma(v, a2);
        a3 = load(weights, p + 3 * row).fma(v, a3);
        a4 = load(weights, p + 4 * row).fma(v, a4);
        a5 = load(weights, p + 5 * row).fma(v, a5);
        a6 = load(weights, p + 6 * row).fma(v, a6);
        a7 = load(weights, p + 7 * row).fma(v, a7);
        p += V;
        i += L;
      }
    }
    a0.intoArray(sums, sumsAt);
    a1.intoArray(sums, sumsAt + L);
    a2.intoArray(sums, sumsAt + 2 * L);
    a3.intoArray(sums, sumsAt + 3 * L);
    a4.intoArray(sums, sumsAt + 4 * L);
    a5.intoArray(sums, sumsAt + 5 * L);
    a6.intoArray(sums, sumsAt + 6 * L);
    a7.intoArray(sums, sumsAt + 7 * L);
  }

  @Override
  public void fourOfFour(
      MemorySegment weights,
      long at,
      Place place,
      int[] columns,
      int from,
      int to,
      int bi,
      int strips,
      float[] x,
      int xAt,
      int pitch,
      float[] sums,
      int sumsAt) {
    long row = place.row();
    FloatVector a0 = load(sums, sumsAt);
    FloatVector a1 = load(sums, sumsAt + L);
    FloatVector a2 = load(sums, sumsAt + 2 * L);
    FloatVector a3 = load(sums, sumsAt + 3 * L);
    FloatVector b0 = load(sums, sumsAt + 4 * L);
    FloatVector b1 = load(sums, sumsAt + 5 * L);
    FloatVector b2 = load(sums, sumsAt + 6 * L);
    FloatVector b3 = load(sums, sumsAt + 7 * L);
    FloatVector c0 = load(sums, sumsAt + 8 * L);
    FloatVector c1 = load(sums, sumsAt + 9 * L);
    FloatVector c2 = load(sums, sumsAt + 10 * L);
    FloatVector c3 = load(sums, sumsAt + 11 * L);
    FloatVector d0 = load(sums, sumsAt + 12 * L);
    FloatVector d1 = load(sums, sumsAt + 13 * L);
    FloatVector d2 = load(sums, sumsAt + 14 * L);
    FloatVector d3 = load(sums, sumsAt + 15 * L);
    for (int j = from; j < to; j++) {
      long p = at + j * place.slot() + columns[j] * place.column();
      int i = xAt + columns[j] * bi;
      for (int s = 0; s < strips; s++) {
        FloatVector x0 = load(x, i);
        FloatVector x1 = load(x, i + pitch);
        FloatVector x2 = load(x, i + 2 * pitch);
        FloatVector x3 = load(x, i + 3 * pitch);
        FloatVector w = load(weights, p);
        a0 = x0.fma(w, a0);
        a1 = x1.fma(w, a1);
        a2 = x2.fma(w, a2);
        a3 = x3.fma(w, a3);
        w = load(weights, p + row);
        b0 = x0.fma(w, b0);
        b1 = x1.fma(w, b1);
        b2 = x2.fma(w, b2);
        b3 = x3.fma(w, b3);
        w = load(weights, p + 2 * row);
        c0 = x0.fma(w, c0);
        c1 = x1.fma(w, c1);
        c2 = x2.fma(w, c2);
        c3 = x3.fma(w, c3);
        w = load(weights, p + 3 * row);
        d0 = x0.fma(w, d0);
        d1 = x1.fma(w, d1);
        d2 = x2.fma(w, d2);
        d3 = x3.fma(w, d3);
        p += V;
        i += L;
      }
    }
    a0.intoArray(sums, sumsAt);
    a1.intoArray(sums, sumsAt + L);
    a2.intoArray(sums, sumsAt + 2 * L);
    a3.intoArray(sums, sumsAt + 3 * L);
    b0.intoArray(sums, sumsAt + 4 * L);
    b1.intoArray(sums, sumsAt + 5 * L);
    b2.intoArray(sums, sumsAt + 6 * L);
    b3.intoArray(sums, sumsAt + 7 * L);
    c0.intoArray(sums, sumsAt + 8 * L);
    c1.intoArray(sums, sumsAt + 9 * L);
    c2.intoArray(sums, sumsAt + 10 * L);
    c3.intoArray(sums, sumsAt + 11 * L);
    d0.intoArray(sums, sumsAt + 12 * L);
    d1.intoArray(sums, sumsAt + 13 * L);
    d2.intoArray(sums, sumsAt + 14 * L);
    d3.intoArray(sums, sumsAt + 15 * L);
  }

  @Override
  public void one(
      MemorySegment weights,
      long at,
      Place place,
      int[] columns,
      int from,
      int to,
      int bi,
      int input,
      int width,
      float[] x,
      float[] sums,
      int sumsAt) {
    VectorMask<Float> mask = first(width);
    FloatVector a = load(sums, sumsAt);
    FloatVector b = FloatVector.zero(F);
    long base = at + 4L * input;
    int j = from;
    for (; j + 2 <= to; j += 2) {
      long p = base + j * place.slot() + columns[j] * place.column();
      long q = base + (j + 1) * place.slot() + columns[j + 1] * place.column();
      FloatVector v = FloatVector.fromArray(F, x, columns[j] * bi + input, mask);
      FloatVector w = FloatVector.fromArray(F, x, columns[j + 1] * bi + input, mask);
      a = load(weights, p, mask).fma(v, a);
      b = load(weights, q, mask).fma(w, b);
    }
    for (; j < to; j++) {
      long p = base + j * place.slot() + columns[j] * place.column();
      FloatVector v = FloatVector.fromArray(F, x, columns[j] * bi + input, mask);
      a = load(weights, p, mask).fma(v, a);
    }
    a.add(b).intoArray(sums, sumsAt);
  }

  @Override
  public void oneOfFour(
      MemorySegment weights,
      long at,
      Place place,
      int[] columns,
      int from,
      int to,
      int bi,
      int input,
      int width,
      float[] x,
      int xAt,
      int pitch,
      float[] sums,
      int sumsAt) {
    VectorMask<Float> mask = first(width);
    FloatVector a = load(sums, sumsAt);
    FloatVector b = load(sums, sumsAt + L);
    FloatVector c = load(sums, sumsAt + 2 * L);
    FloatVector d = load(sums, sumsAt + 3 * L);
    long base = at + 4L * input;
    for (int j = from; j < to; j++) {
      long p = base + j * place.slot() + columns[j] * place.column();
      int i = xAt + columns[j] * bi + input;
      FloatVector w = load(weights, p, mask);
      a = FloatVector.fromArray(F, x, i, mask).fma(w, a);
      b = FloatVector.fromArray(F, x, i + pitch, mask).fma(w, b);
      c = FloatVector.fromArray(F, x, i + 2 * pitch, mask).fma(w, c);
      d = FloatVector.fromArray(F, x, i + 3 * pitch, mask).fma(w, d);
    }
    a.intoArray(sums, sumsAt);
    b.intoArray(sums, sumsAt + L);
    c.intoArray(sums, sumsAt + 2 * L);
    d.intoArray(sums, sumsAt + 3 * L);
  }

  @Override
  public void spread(
      MemorySegment weights,
      long at,
      Place place,
      int[] columns,
      int from,
      int to,
      int bi,
      int input,
      float[] dy,
      int dyAt,
      int outputs,
      float[] dx) {
    for (int j = from; j < to; j++) {
      long p = at + 4L * input + j * place.slot() + columns[j] * place.column();
      int i = columns[j] * bi + input;
      FloatVector a = load(dx, i);
      for (int o = 0; o < outputs; o++) {
        a = load(weights, p).fma(FloatVector.broadcast(F, dy[dyAt + o]), a);
        p += place.row();
      }
      a.intoArray(dx, i);
    }
  }

  @Override
  public void spreadFour(
      MemorySegment weights,
      long at,
      Place place,
      int[] columns,
      int from,
      int to,
      int bi,
      int input,
      float[] dy,
      int dyAt,
      int outputs,
      float[] dx,
      int dxAt,
      int pitch) {
    for (int j = from; j < to; j++) {
      long p = at + 4L * input + j * place.slot() + columns[j] * place.column();
      int i = dxAt + columns[j] * bi + input;
      FloatVector a = load(dx, i);
      FloatVector b = load(dx, i + pitch);
      FloatVector c = load(dx, i + 2 * pitch);
      FloatVector d = load(dx, i + 3 * pitch);
      int t = dyAt;
      for (int o = 0; o < outputs; o++) {
        FloatVector w = load(weights, p);
        a = w.fma(FloatVector.broadcast(F, dy[t]), a);
        b = w.fma(FloatVector.broadcast(F, dy[t + 1]), b);
        c = w.fma(FloatVector.broadcast(F, dy[t + 2]), c);
        d = w.fma(FloatVector.broadcast(F, dy[t + 3]), d);
        p += place.row();
        t += FOUR;
      }
      a.intoArray(dx, i);
      b.intoArray(dx, i + pitch);
      c.intoArray(dx, i + 2 * pitch);
      d.intoArray(dx, i + 3 * pitch);
    }
  }

  @Override
  public void stack(
      MemorySegment weights,
      long at,
      long slot,
      int[] columns,
      int count,
      float[] x,
      float[] y,
      int yAt) {
    FloatVector a = FloatVector.zero(F);
    FloatVector b = a;
    FloatVector c = a;
    FloatVector d = a;
    long p = at;
    int j = 0;
    for (; j + 4 <= count; j += 4) {
      a = load(weights, p).fma(FloatVector.broadcast(F, x[columns[j]]), a);
      b = load(weights, p + slot).fma(FloatVector.broadcast(F, x[columns[j + 1]]), b);
      c = load(weights, p + 2 * slot).fma(FloatVector.broadcast(F, x[columns[j + 2]]), c);
      d = load(weights, p + 3 * slot).fma(FloatVector.broadcast(F, x[columns[j + 3]]), d);
      p += 4 * slot;
    }
    for (; j < count; j++) {
      a = load(weights, p).fma(FloatVector.broadcast(F, x[columns[j]]), a);
      p += slot;
    }
    a.add(b).add(c.add(d)).intoArray(y, yAt);
  }

  @Override
  public void stackFour(
      MemorySegment weights,
      long at,
      long slot,
      int[] columns,
      int count,
      float[] x,
      int xAt,
      int pitch,
      float[] y,
      int yAt,
      int yPitch) {
    FloatVector a = FloatVector.zero(F);
    FloatVector b = a;
    FloatVector c = a;
    FloatVector d = a;
    long p = at;
    for (int j = 0; j < count; j++) {
      FloatVector w = load(weights, p);
      int i = xAt + columns[j];
      a = w.fma(FloatVector.broadcast(F, x[i]), a);
      b = w.fma(FloatVector.broadcast(F, x[i + pitch]), b);
      c = w.fma(FloatVector.broadcast(F, x[i + 2 * pitch]), c);
      d = w.fma(FloatVector.broadcast(F, x[i + 3 * pitch]), d);
      p += slot;
    }
    a.intoArray(y, yAt);
    b.intoArray(y, yAt + yPitch);
    c.intoArray(y, yAt + 2 * yPitch);
    d.intoArray(y, yAt + 3 * yPitch);
  }
}
