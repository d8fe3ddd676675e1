// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import static jdk.incubator.vector.VectorOperators.EQ;
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
    long done = 0;
    for (int size = 8; size > 0; size /= 2) {
      for (; done + size * V <= row; done += size * V) {
        MemorySegment some = d.asSlice(dAt + done, size * V);
        int end = inputsAt + length;
        switch (size) {
          case 8 -> dotsBy8(some, x, xAt + done, row, inputs, inputsAt, end, sums, sumsAt, pitch);
          case 4 -> dotsBy4(some, x, xAt + done, row, inputs, inputsAt, end, sums, sumsAt, pitch);
          case 2 -> dotsBy2(some, x, xAt + done, row, inputs, inputsAt, end, sums, sumsAt, pitch);
          default -> dotsBy1(some, x, xAt + done, row, inputs, inputsAt, end, sums, sumsAt, pitch);
        }
      }
    }
  }

  /**
   * Vectors of dY stay in registers while inputs pass, eight where rows are that long: a full panel
   * of 8 lanes, as many as leave AVX2 room for two sums.
   */
  private static void dotsBy8(
      MemorySegment d,
      MemorySegment x,
      long xAt,
      long row,
      int[] inputs,
      int from,
      int to,
      float[] sums,
      int sumsAt,
      int pitch) {
    FloatVector d0 = load(d, 0);
    FloatVector d1 = load(d, V);
    FloatVector d2 = load(d, 2 * V);
    FloatVector d3 = load(d, 3 * V);
    FloatVector d4 = load(d, 4 * V);
    FloatVector d5 = load(d, 5 * V);
    FloatVector d6 = load(d, 6 * V);
    FloatVector d7 = load(d, 7 * V);
    int at = sumsAt;
    for (int i = from; i < to; i++) {
      MemorySegment p = x.asSlice(xAt + inputs[i] * row, 8 * V);
      FloatVector a = FloatVector.fromArray(F, sums, at);
      a = d0.fma(load(p, 0), a);
      a = d1.fma(load(p, V), a);
      a = d2.fma(load(p, 2 * V), a);
      a = d3.fma(load(p, 3 * V), a);
      FloatVector b = d4.mul(load(p, 4 * V));
      b = d5.fma(load(p, 5 * V), b);
      b = d6.fma(load(p, 6 * V), b);
      b = d7.fma(load(p, 7 * V), b);
      a.add(b).intoArray(sums, at);
      at += pitch;
    }
  }

  private static void dotsBy4(
      MemorySegment d,
      MemorySegment x,
      long xAt,
      long row,
      int[] inputs,
      int from,
      int to,
      float[] sums,
      int sumsAt,
      int pitch) {
    FloatVector d0 = load(d, 0);
    FloatVector d1 = load(d, V);
    FloatVector d2 = load(d, 2 * V);
    FloatVector d3 = load(d, 3 * V);
    int at = sumsAt;
    for (int i = from; i < to; i++) {
      MemorySegment p = x.asSlice(xAt + inputs[i] * row, 4 * V);
      FloatVector a = FloatVector.fromArray(F, sums, at);
      a = d0.fma(load(p, 0), a);
      a = d1.fma(load(p, V), a);
      a = d2.fma(load(p, 2 * V), a);
      a = d3.fma(load(p, 3 * V), a);
      a.intoArray(sums, at);
      at += pitch;
    }
  }

  private static void dotsBy2(
      MemorySegment d,
      MemorySegment x,
      long xAt,
      long row,
      int[] inputs,
      int from,
      int to,
      float[] sums,
      int sumsAt,
      int pitch) {
    FloatVector d0 = load(d, 0);
    FloatVector d1 = load(d, V);
    int at = sumsAt;
    for (int i = from; i < to; i++) {
      MemorySegment p = x.asSlice(xAt + inputs[i] * row, 2 * V);
      FloatVector a = FloatVector.fromArray(F, sums, at);
      a = d0.fma(load(p, 0), a);
      a = d1.fma(load(p, V), a);
      a.intoArray(sums, at);
      at += pitch;
    }
  }

  private static void dotsBy1(
      MemorySegment d,
      MemorySegment x,
      long xAt,
      long row,
      int[] inputs,
      int from,
      int to,
      float[] sums,
      int sumsAt,
      int pitch) {
    FloatVector d0 = load(d, 0);
    int at = sumsAt;
    for (int i = from; i < to; i++) {
      MemorySegment p = x.asSlice(xAt + inputs[i] * row, V);
      FloatVector a = FloatVector.fromArray(F, sums, at);
      a = d0.fma(load(p, 0), a);
      a.intoArray(sums, at);
      at += pitch;
    }
  }

  @Override
  public void fold(float[] sums, int from, int count, float[] to, int toAt) {
    for (int j = 0; j < count; j += L) {
      if (L == 16) {
        fold16(sums, from + j * L);
      } else if (L == 8) {
        fold8(sums, from + j * L);
      } else {
        fold4(sums, from + j * L, L);
      }
      if (count - j >= L) {
        sums(sums, from + j * L).intoArray(to, toAt + j);
      } else {
        System.arraycopy(sums, from + j * L, to, toAt + j, count - j);
      }
    }
  }

  private static FloatVector sums(float[] sums, int at) {
    return FloatVector.fromArray(F, sums, at);
  }

  private static void fold16(float[] sums, int at) {
    for (int i = at; i < at + 4 * L; i += L) {
      FloatVector a = merge(sums(sums, i), sums(sums, i + 8 * L), UPPER_8, SWAP_8);
      FloatVector b = merge(sums(sums, i + 4 * L), sums(sums, i + 12 * L), UPPER_8, SWAP_8);
      merge(a, b, UPPER_4, SWAP_4).intoArray(sums, i);
    }
    fold4(sums, at, L);
  }

  private static void fold8(float[] sums, int at) {
    for (int i = at; i < at + 4 * L; i += L) {
      merge(sums(sums, i), sums(sums, i + 4 * L), UPPER_4, SWAP_4).intoArray(sums, i);
    }
    fold4(sums, at, L);
  }

  private static void fold4(float[] sums, int at, int next) {
    FloatVector a = merge(sums(sums, at), sums(sums, at + 2 * next), UPPER_2, SWAP_2);
    FloatVector b = merge(sums(sums, at + next), sums(sums, at + 3 * next), UPPER_2, SWAP_2);
    merge(a, b, UPPER_1, SWAP_1).intoArray(sums, at);
  }

  /**
   * Halves two sums and puts them into one vector: lanes whose bit is clear hold the first's, the
   * others the second's. After all bits have had their turn, lane l holds all of sum l.
   */
  private static FloatVector merge(
      FloatVector a, FloatVector b, VectorMask<Float> upper, VectorShuffle<Float> swap) {
    return a.blend(b, upper).add(b.blend(a, upper).rearrange(swap));
  }

  /** Zero times what is finite is zero, all else NaN, and NaN stays in a sum. */
  @Override
  public boolean isFinite(MemorySegment x, long xAt, int width) {
    FloatVector zero = FloatVector.zero(F);
    FloatVector a = zero;
    FloatVector b = zero;
    int i = 0;
    for (; i + 2 * L <= width; i += 2 * L) {
      a = load(x, xAt + 4L * i).fma(zero, a);
      b = load(x, xAt + 4L * i + V).fma(zero, b);
    }
    for (; i < width; i += L) {
      a = load(x, xAt + 4L * i).fma(zero, a);
    }
    return a.add(b).compare(EQ, 0f).allTrue();
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
  public void products(
      MemorySegment to,
      long toAt,
      long toPitch,
      MemorySegment a,
      long aAt,
      MemorySegment b,
      long bAt,
      long bPitch,
      int rows,
      int width) {
    for (int r = 0; r < rows; r++) {
      for (int i = 0; i < width; i += L) {
        long at = aAt + 4L * ((long) r * width + i);
        FloatVector product = load(a, at).mul(load(b, bAt + r * bPitch + 4L * i));
        product.intoMemorySegment(to, toAt + r * toPitch + 4L * i, ORDER);
      }
    }
  }

  @Override
  public void addProducts(
      MemorySegment to,
      long toAt,
      long toPitch,
      MemorySegment a,
      long aAt,
      MemorySegment b,
      long bAt,
      long bPitch,
      int rows,
      int width) {
    for (int r = 0; r < rows; r++) {
      for (int i = 0; i < width; i += L) {
        long at = aAt + 4L * ((long) r * width + i);
        long target = toAt + r * toPitch + 4L * i;
        FloatVector sum = load(a, at).fma(load(b, bAt + r * bPitch + 4L * i), load(to, target));
        sum.intoMemorySegment(to, target, ORDER);
      }
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
