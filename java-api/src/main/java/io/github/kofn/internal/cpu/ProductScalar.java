// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;

import io.github.kofn.sparse.Activation;
import java.lang.foreign.MemorySegment;

/**
 * The inner loops without vectors: what runs where the Vector API is absent, and for batches of
 * one, where nothing lies side by side.
 */
final class ProductScalar implements ProductLanes {
  @Override
  public int lanes() {
    return 1;
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
    for (int j = 0; j < length; j++) {
      long row = xAt + 4L * stride * inputs[inputsAt + j];
      float s = 0;
      for (int b = 0; b < stride; b++) {
        s += d.get(JAVA_FLOAT_UNALIGNED, dAt + 4L * b) * x.get(JAVA_FLOAT_UNALIGNED, row + 4L * b);
      }
      sums[sumsAt + j * pitch] += s;
    }
  }

  @Override
  public void fold(float[] sums, int from, int count, float[] to, int toAt) {
    System.arraycopy(sums, from, to, toAt, count);
  }

  @Override
  public boolean isFinite(MemorySegment x, long xAt, int width) {
    float sum = 0;
    for (long at = xAt; at < xAt + 4L * width; at += 4) {
      sum += 0 * x.get(JAVA_FLOAT_UNALIGNED, at);
    }
    return sum == 0;
  }

  @Override
  public void affine(MemorySegment y, long yAt, int width, float factor, float summand) {
    for (long at = yAt; at < yAt + 4L * width; at += 4) {
      y.set(JAVA_FLOAT_UNALIGNED, at, factor * y.get(JAVA_FLOAT_UNALIGNED, at) + summand);
    }
  }

  @Override
  public void activate(MemorySegment y, long yAt, int width, Activation activation) {
    for (long at = yAt; at < yAt + 4L * width; at += 4) {
      float z = y.get(JAVA_FLOAT_UNALIGNED, at);
      y.set(JAVA_FLOAT_UNALIGNED, at, ProductActivations.value(activation, z));
    }
  }

  @Override
  public void multiplyByDerivative(
      MemorySegment y, long yAt, MemorySegment z, long zAt, int width, Activation activation) {
    for (long i = 0; i < 4L * width; i += 4) {
      float slope = ProductActivations.derivative(activation, z.get(JAVA_FLOAT_UNALIGNED, zAt + i));
      y.set(JAVA_FLOAT_UNALIGNED, yAt + i, y.get(JAVA_FLOAT_UNALIGNED, yAt + i) * slope);
    }
  }

  @Override
  public void add(MemorySegment y, long yAt, MemorySegment x, long xAt, int width) {
    for (long i = 0; i < 4L * width; i += 4) {
      float sum = y.get(JAVA_FLOAT_UNALIGNED, yAt + i) + x.get(JAVA_FLOAT_UNALIGNED, xAt + i);
      y.set(JAVA_FLOAT_UNALIGNED, yAt + i, sum);
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
      for (int i = 0; i < width; i++) {
        float factor = a.get(JAVA_FLOAT_UNALIGNED, aAt + 4L * ((long) r * width + i));
        float product = factor * b.get(JAVA_FLOAT_UNALIGNED, bAt + r * bPitch + 4L * i);
        to.set(JAVA_FLOAT_UNALIGNED, toAt + r * toPitch + 4L * i, product);
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
      for (int i = 0; i < width; i++) {
        long at = toAt + r * toPitch + 4L * i;
        float factor = a.get(JAVA_FLOAT_UNALIGNED, aAt + 4L * ((long) r * width + i));
        float product = factor * b.get(JAVA_FLOAT_UNALIGNED, bAt + r * bPitch + 4L * i);
        to.set(JAVA_FLOAT_UNALIGNED, at, to.get(JAVA_FLOAT_UNALIGNED, at) + product);
      }
    }
  }

  @Override
  public void total(MemorySegment y, long yAt, int width, float[] sums, int sumsAt) {
    float s = 0;
    for (long at = yAt; at < yAt + 4L * width; at += 4) {
      s += y.get(JAVA_FLOAT_UNALIGNED, at);
    }
    sums[sumsAt] += s;
  }
}
