// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import static jdk.incubator.vector.VectorOperators.GT;

import io.github.kofn.sparse.Activation;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandles;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/**
 * The inner loops with vectors along the batch.
 *
 * <p>Each loop is straight-line code in a small static method: the compiler keeps vectors in
 * registers only where none of them is chosen by a condition or passed through a call that it does
 * not inline.
 */
final class ProductVectors implements ProductLanes {
  private static final VectorSpecies<Float> F = Species.floats(MethodHandles.lookup());
  private static final ByteOrder ORDER = ByteOrder.nativeOrder();
  private static final int L = F.length();

  private static final VectorMask<Float> UPPER_8 = upper(8);
  private static final VectorMask<Float> UPPER_4 = upper(4);
  private static final VectorMask<Float> UPPER_2 = upper(2);
  private static final VectorMask<Float> UPPER_1 = upper(1);
  private static final VectorShuffle<Float> SWAP_8 = swap(8);
  private static final VectorShuffle<Float> SWAP_4 = swap(4);
  private static final VectorShuffle<Float> SWAP_2 = swap(2);
  private static final VectorShuffle<Float> SWAP_1 = swap(1);

  /** The bytes of a vector. */
  private static final long V = 4L * L;

  @Override
  public int lanes() {
    return L;
  }

  /** The lanes whose number has a bit set. */
  private static VectorMask<Float> upper(int bit) {
    long lanes = 0;
    for (int l = 0; l < L; l++) {
      lanes |= (l & bit) == 0 ? 0 : 1L << l;
    }
    return VectorMask.fromLong(F, lanes);
  }

  /** Exchanges lanes whose numbers differ in a bit; none where lanes are fewer. */
  private static VectorShuffle<Float> swap(int bit) {
    return VectorShuffle.fromOp(F, l -> bit < L ? l ^ bit : l);
  }

  /**
   * One vector. Kernels take the rows that they read as slices: the bounds are then checked once a
   * row, and the loads from it, at constant offsets, need no check.
   */
  private static FloatVector load(MemorySegment from, long at) {
    return FloatVector.fromMemorySegment(F, from, at, ORDER);
  }

  private static FloatVector broadcast(float value) {
    return FloatVector.broadcast(F, value);
  }

  @Override
  public void sums1(
      MemorySegment x,
      long xAt,
      int stride,
      int[] inputs,
      int inputsAt,
      int length,
      float[] weights,
      int weightsAt,
      MemorySegment y,
      long yAt) {
    int b = 0;
    for (; b + 4 * L <= stride; b += 4 * L) {
      long at = 4L * b;
      sums1x4(x, xAt + at, stride, inputs, inputsAt, length, weights, weightsAt, y, yAt + at);
    }
    for (; b + 2 * L <= stride; b += 2 * L) {
      long at = 4L * b;
      sums1x2(x, xAt + at, stride, inputs, inputsAt, length, weights, weightsAt, y, yAt + at);
    }
    if (b < stride) {
      long at = 4L * b;
      sums1x1(x, xAt + at, stride, inputs, inputsAt, length, weights, weightsAt, y, yAt + at);
    }
  }

  /** One output, four vectors, two inputs a turn: eight sums hide the latency of an FMA. */
  private static void sums1x4(
      MemorySegment x,
      long xAt,
      int stride,
      int[] inputs,
      int inputsAt,
      int length,
      float[] weights,
      int weightsAt,
      MemorySegment y,
      long yAt) {
    long row = 4L * stride;
    FloatVector a0 = FloatVector.zero(F);
    FloatVector a1 = a0;
    FloatVector a2 = a0;
    FloatVector a3 = a0;
    FloatVector b0 = a0;
    FloatVector b1 = a0;
    FloatVector b2 = a0;
    FloatVector b3 = a0;
    int j = 0;
    for (; j + 2 <= length; j += 2) {
      MemorySegment p = x.asSlice(xAt + inputs[inputsAt + j] * row, 4 * V);
      MemorySegment q = x.asSlice(xAt + inputs[inputsAt + j + 1] * row, 4 * V);
      FloatVector v = broadcast(weights[weightsAt + j]);
      FloatVector w = broadcast(weights[weightsAt + j + 1]);
      a0 = load(p, 0).fma(v, a0);
      a1 = load(p, V).fma(v, a1);
      a2 = load(p, 2 * V).fma(v, a2);
      a3 = load(p, 3 * V).fma(v, a3);
      b0 = load(q, 0).fma(w, b0);
      b1 = load(q, V).fma(w, b1);
      b2 = load(q, 2 * V).fma(w, b2);
      b3 = load(q, 3 * V).fma(w, b3);
    }
    if (j < length) {
      MemorySegment p = x.asSlice(xAt + inputs[inputsAt + j] * row, 4 * V);
      FloatVector v = broadcast(weights[weightsAt + j]);
      a0 = load(p, 0).fma(v, a0);
      a1 = load(p, V).fma(v, a1);
      a2 = load(p, 2 * V).fma(v, a2);
      a3 = load(p, 3 * V).fma(v, a3);
    }
    a0.add(b0).intoMemorySegment(y, yAt, ORDER);
    a1.add(b1).intoMemorySegment(y, yAt + V, ORDER);
    a2.add(b2).intoMemorySegment(y, yAt + 2 * V, ORDER);
    a3.add(b3).intoMemorySegment(y, yAt + 3 * V, ORDER);
  }

  private static void sums1x2(
      MemorySegment x,
      long xAt,
      int stride,
      int[] inputs,
      int inputsAt,
      int length,
      float[] weights,
      int weightsAt,
      MemorySegment y,
      long yAt) {
    long row = 4L * stride;
    FloatVector a0 = FloatVector.zero(F);
    FloatVector a1 = a0;
    FloatVector b0 = a0;
    FloatVector b1 = a0;
    int j = 0;
    for (; j + 2 <= length; j += 2) {
      MemorySegment p = x.asSlice(xAt + inputs[inputsAt + j] * row, 2 * V);
      MemorySegment q = x.asSlice(xAt + inputs[inputsAt + j + 1] * row, 2 * V);
      FloatVector v = broadcast(weights[weightsAt + j]);
      FloatVector w = broadcast(weights[weightsAt + j + 1]);
      a0 = load(p, 0).fma(v, a0);
      a1 = load(p, V).fma(v, a1);
      b0 = load(q, 0).fma(w, b0);
      b1 = load(q, V).fma(w, b1);
    }
    if (j < length) {
      MemorySegment p = x.asSlice(xAt + inputs[inputsAt + j] * row, 2 * V);
      FloatVector v = broadcast(weights[weightsAt + j]);
      a0 = load(p, 0).fma(v, a0);
      a1 = load(p, V).fma(v, a1);
    }
    a0.add(b0).intoMemorySegment(y, yAt, ORDER);
    a1.add(b1).intoMemorySegment(y, yAt + V, ORDER);
  }

  private static void sums1x1(
      MemorySegment x,
      long xAt,
      int stride,
      int[] inputs,
      int inputsAt,
      int length,
      float[] weights,
      int weightsAt,
      MemorySegment y,
      long yAt) {
    long row = 4L * stride;
    FloatVector a = FloatVector.zero(F);
    FloatVector b = a;
    FloatVector c = a;
    FloatVector d = a;
    int j = 0;
    for (; j + 4 <= length; j += 4) {
      int i = inputsAt + j;
      int w = weightsAt + j;
      a = load(x, xAt + inputs[i] * row).fma(broadcast(weights[w]), a);
      b = load(x, xAt + inputs[i + 1] * row).fma(broadcast(weights[w + 1]), b);
      c = load(x, xAt + inputs[i + 2] * row).fma(broadcast(weights[w + 2]), c);
      d = load(x, xAt + inputs[i + 3] * row).fma(broadcast(weights[w + 3]), d);
    }
    for (; j < length; j++) {
      a = load(x, xAt + inputs[inputsAt + j] * row).fma(broadcast(weights[weightsAt + j]), a);
    }
    a.add(b).add(c.add(d)).intoMemorySegment(y, yAt, ORDER);
  }

  @Override
  public void sums4(
      MemorySegment x,
      long xAt,
      int stride,
      int[] inputs,
      int inputsAt,
      int length,
      float[] weights,
      int weightsAt,
      MemorySegment y,
      long yAt,
      int outs,
      float[] tile) {
    int b = 0;
    for (; b + 4 * L <= stride && L == 16; b += 4 * L) {
      long at = 4L * b;
      sums4x4(x, xAt + at, stride, inputs, inputsAt, length, weights, weightsAt, tile);
      copy(tile, 4 * L, y, yAt + at, outs, stride);
    }
    for (; b + 2 * L <= stride; b += 2 * L) {
      long at = 4L * b;
      sums4x2(x, xAt + at, stride, inputs, inputsAt, length, weights, weightsAt, tile);
      copy(tile, 2 * L, y, yAt + at, outs, stride);
    }
    if (b < stride) {
      long at = 4L * b;
      sums4x1(x, xAt + at, stride, inputs, inputsAt, length, weights, weightsAt, tile);
      copy(tile, L, y, yAt + at, outs, stride);
    }
  }

  /** Four outputs, four vectors: 16 sums and 5 operands of AVX-512's 32 registers. */
  private static void sums4x4(
      MemorySegment x,
      long xAt,
      int stride,
      int[] inputs,
      int inputsAt,
      int length,
      float[] weights,
      int weightsAt,
      float[] tile) {
    long row = 4L * stride;
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
    for (int j = 0; j < length; j++) {
      long p = xAt + inputs[inputsAt + j] * row;
      int w = weightsAt + GROUP * j;
      MemorySegment r = x.asSlice(p, 4 * V);
      FloatVector x0 = load(r, 0);
      FloatVector x1 = load(r, V);
      FloatVector x2 = load(r, 2 * V);
      FloatVector x3 = load(r, 3 * V);
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
    store(a0, a1, a2, a3, tile, 0);
    store(b0, b1, b2, b3, tile, 4 * L);
    store(c0, c1, c2, c3, tile, 8 * L);
    store(d0, d1, d2, d3, tile, 12 * L);
  }

  private static void store(
      FloatVector v0, FloatVector v1, FloatVector v2, FloatVector v3, float[] tile, int at) {
    v0.intoArray(tile, at);
    v1.intoArray(tile, at + L);
    v2.intoArray(tile, at + 2 * L);
    v3.intoArray(tile, at + 3 * L);
  }

  /**
   * The first rows of a tile. In a loop of its own: a store to a segment is so much code for the
   * compiler that sixteen of them beside the sums would make it stop inlining, and put the sums on
   * the heap.
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

  /** Four outputs, two vectors: 8 sums and 3 operands of AVX2's 16 registers. */
  private static void sums4x2(
      MemorySegment x,
      long xAt,
      int stride,
      int[] inputs,
      int inputsAt,
      int length,
      float[] weights,
      int weightsAt,
      float[] tile) {
    long row = 4L * stride;
    FloatVector a0 = FloatVector.zero(F);
    FloatVector a1 = a0;
    FloatVector b0 = a0;
    FloatVector b1 = a0;
    FloatVector c0 = a0;
    FloatVector c1 = a0;
    FloatVector d0 = a0;
    FloatVector d1 = a0;
    for (int j = 0; j < length; j++) {
      long p = xAt + inputs[inputsAt + j] * row;
      int w = weightsAt + GROUP * j;
      MemorySegment r = x.asSlice(p, 2 * V);
      FloatVector x0 = load(r, 0);
      FloatVector x1 = load(r, V);
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

  private static void sums4x1(
      MemorySegment x,
      long xAt,
      int stride,
      int[] inputs,
      int inputsAt,
      int length,
      float[] weights,
      int weightsAt,
      float[] tile) {
    long row = 4L * stride;
    FloatVector a = FloatVector.zero(F);
    FloatVector b = a;
    FloatVector c = a;
    FloatVector d = a;
    for (int j = 0; j < length; j++) {
      FloatVector v = load(x, xAt + inputs[inputsAt + j] * row);
      int w = weightsAt + GROUP * j;
      a = v.fma(broadcast(weights[w]), a);
      b = v.fma(broadcast(weights[w + 1]), b);
      c = v.fma(broadcast(weights[w + 2]), c);
      d = v.fma(broadcast(weights[w + 3]), d);
    }
    a.intoArray(tile, 0);
    b.intoArray(tile, L);
    c.intoArray(tile, 2 * L);
    d.intoArray(tile, 3 * L);
  }

  @Override
  public void dots(
      MemorySegment d,
      long dAt,
      MemorySegment x,
      long xAt,
      int stride,
      int[] inputs,
      int inputsAt,
      int length,
      float[] sums,
      int sumsAt,
      int pitch) {
    long row = 4L * stride;
    int j = 0;
    for (; j + 4 <= length; j += 4) {
      int i = inputsAt + j;
      long p0 = xAt + inputs[i] * row;
      long p1 = xAt + inputs[i + 1] * row;
      long p2 = xAt + inputs[i + 2] * row;
      long p3 = xAt + inputs[i + 3] * row;
      if (stride == 4 * L) {
        dots4x4(d, dAt, x, p0, p1, p2, p3, sums, sumsAt + j * pitch, pitch);
      } else {
        dots4(d, dAt, x, p0, p1, p2, p3, row, sums, sumsAt + j * pitch, pitch);
      }
    }
    for (; j < length; j++) {
      dot(d, dAt, x, xAt + inputs[inputsAt + j] * row, row, sums, sumsAt + j * pitch);
    }
  }

  /** Four inputs, four vectors: X is read once, dY from the first-level cache. */
  private static void dots4x4(
      MemorySegment d,
      long dAt,
      MemorySegment x,
      long p0,
      long p1,
      long p2,
      long p3,
      float[] sums,
      int sumsAt,
      int pitch) {
    FloatVector d0 = load(d, dAt);
    FloatVector d1 = load(d, dAt + V);
    FloatVector d2 = load(d, dAt + 2 * V);
    FloatVector d3 = load(d, dAt + 3 * V);
    FloatVector a = FloatVector.fromArray(F, sums, sumsAt);
    FloatVector b = FloatVector.fromArray(F, sums, sumsAt + pitch);
    FloatVector c = FloatVector.fromArray(F, sums, sumsAt + 2 * pitch);
    FloatVector e = FloatVector.fromArray(F, sums, sumsAt + 3 * pitch);
    a = load(x, p0).fma(d0, a);
    b = load(x, p1).fma(d0, b);
    c = load(x, p2).fma(d0, c);
    e = load(x, p3).fma(d0, e);
    a = load(x, p0 + V).fma(d1, a);
    b = load(x, p1 + V).fma(d1, b);
    c = load(x, p2 + V).fma(d1, c);
    e = load(x, p3 + V).fma(d1, e);
    a = load(x, p0 + 2 * V).fma(d2, a);
    b = load(x, p1 + 2 * V).fma(d2, b);
    c = load(x, p2 + 2 * V).fma(d2, c);
    e = load(x, p3 + 2 * V).fma(d2, e);
    a = load(x, p0 + 3 * V).fma(d3, a);
    b = load(x, p1 + 3 * V).fma(d3, b);
    c = load(x, p2 + 3 * V).fma(d3, c);
    e = load(x, p3 + 3 * V).fma(d3, e);
    a.intoArray(sums, sumsAt);
    b.intoArray(sums, sumsAt + pitch);
    c.intoArray(sums, sumsAt + 2 * pitch);
    e.intoArray(sums, sumsAt + 3 * pitch);
  }

  private static void dots4(
      MemorySegment d,
      long dAt,
      MemorySegment x,
      long p0,
      long p1,
      long p2,
      long p3,
      long bytes,
      float[] sums,
      int sumsAt,
      int pitch) {
    FloatVector a = FloatVector.fromArray(F, sums, sumsAt);
    FloatVector b = FloatVector.fromArray(F, sums, sumsAt + pitch);
    FloatVector c = FloatVector.fromArray(F, sums, sumsAt + 2 * pitch);
    FloatVector e = FloatVector.fromArray(F, sums, sumsAt + 3 * pitch);
    for (long i = 0; i < bytes; i += V) {
      FloatVector v = load(d, dAt + i);
      a = load(x, p0 + i).fma(v, a);
      b = load(x, p1 + i).fma(v, b);
      c = load(x, p2 + i).fma(v, c);
      e = load(x, p3 + i).fma(v, e);
    }
    a.intoArray(sums, sumsAt);
    b.intoArray(sums, sumsAt + pitch);
    c.intoArray(sums, sumsAt + 2 * pitch);
    e.intoArray(sums, sumsAt + 3 * pitch);
  }

  private static void dot(
      MemorySegment d, long dAt, MemorySegment x, long xAt, long bytes, float[] sums, int sumsAt) {
    FloatVector a = FloatVector.fromArray(F, sums, sumsAt);
    for (long i = 0; i < bytes; i += V) {
      a = load(x, xAt + i).fma(load(d, dAt + i), a);
    }
    a.intoArray(sums, sumsAt);
  }

  @Override
  public void fold(float[] sums, int count, float[] to) {
    for (int j = 0; j < count; j += L) {
      int at = j * L;
      for (int i = at; i < at + 8 * L && L == 16; i += L) {
        merge(sums, i, i + 8 * L, UPPER_8, SWAP_8);
      }
      for (int i = at; i < at + 4 * L && L >= 8; i += L) {
        merge(sums, i, i + 4 * L, UPPER_4, SWAP_4);
      }
      for (int i = at; i < at + 2 * L; i += L) {
        merge(sums, i, i + 2 * L, UPPER_2, SWAP_2);
      }
      merge(sums, at, at + L, UPPER_1, SWAP_1);
      System.arraycopy(sums, at, to, j, Math.min(L, count - j));
    }
  }

  /**
   * Halves two sums and puts them into one vector: lanes whose bit is clear hold the first's, the
   * others the second's. After all bits have had their turn, lane l holds all of sum l.
   */
  private static void merge(
      float[] sums, int first, int second, VectorMask<Float> upper, VectorShuffle<Float> swap) {
    FloatVector a = FloatVector.fromArray(F, sums, first);
    FloatVector b = FloatVector.fromArray(F, sums, second);
    FloatVector straight = a.blend(b, upper);
    FloatVector crossed = b.blend(a, upper).rearrange(swap);
    straight.add(crossed).intoArray(sums, first);
  }

  @Override
  public void affine(MemorySegment y, long yAt, int width, float factor, float summand) {
    FloatVector f = broadcast(factor);
    FloatVector s = broadcast(summand);
    for (int i = 0; i < width; i += L) {
      load(y, yAt + 4L * i).mul(f).add(s).intoMemorySegment(y, yAt + 4L * i, ORDER);
    }
  }

  @Override
  public void activate(MemorySegment y, long yAt, int width, Activation activation) {
    switch (activation) {
      case IDENTITY -> {}
      case RELU -> {
        for (int i = 0; i < width; i += L) {
          load(y, yAt + 4L * i).max(0f).intoMemorySegment(y, yAt + 4L * i, ORDER);
        }
      }
      case GELU, SILU -> {
        for (long at = yAt; at < yAt + 4L * width; at += 4) {
          float z = y.get(ValueLayout.JAVA_FLOAT_UNALIGNED, at);
          float value = ProductActivations.value(activation, z);
          y.set(ValueLayout.JAVA_FLOAT_UNALIGNED, at, value);
        }
      }
    }
  }

  @Override
  public void multiplyByDerivative(
      MemorySegment y, long yAt, MemorySegment z, long zAt, int width, Activation activation) {
    switch (activation) {
      case IDENTITY -> {}
      case RELU -> {
        FloatVector zero = FloatVector.zero(F);
        FloatVector one = broadcast(1);
        for (int i = 0; i < width; i += L) {
          FloatVector slope = zero.blend(one, load(z, zAt + 4L * i).compare(GT, 0f));
          load(y, yAt + 4L * i).mul(slope).intoMemorySegment(y, yAt + 4L * i, ORDER);
        }
      }
      case GELU, SILU -> {
        for (long i = 0; i < 4L * width; i += 4) {
          float at = z.get(ValueLayout.JAVA_FLOAT_UNALIGNED, zAt + i);
          float slope = ProductActivations.derivative(activation, at);
          float product = y.get(ValueLayout.JAVA_FLOAT_UNALIGNED, yAt + i) * slope;
          y.set(ValueLayout.JAVA_FLOAT_UNALIGNED, yAt + i, product);
        }
      }
    }
  }

  @Override
  public void add(MemorySegment y, long yAt, MemorySegment x, long xAt, int width) {
    for (int i = 0; i < width; i += L) {
      FloatVector sum = load(y, yAt + 4L * i).add(load(x, xAt + 4L * i));
      sum.intoMemorySegment(y, yAt + 4L * i, ORDER);
    }
  }

  @Override
  public void multiply(MemorySegment y, long yAt, MemorySegment x, long xAt, int width) {
    for (int i = 0; i < width; i += L) {
      FloatVector product = load(y, yAt + 4L * i).mul(load(x, xAt + 4L * i));
      product.intoMemorySegment(y, yAt + 4L * i, ORDER);
    }
  }

  @Override
  public void total(MemorySegment y, long yAt, int width, float[] sums, int sumsAt) {
    FloatVector sum = FloatVector.fromArray(F, sums, sumsAt);
    for (int i = 0; i < width; i += L) {
      sum = sum.add(load(y, yAt + 4L * i));
    }
    sum.intoArray(sums, sumsAt);
  }
}
