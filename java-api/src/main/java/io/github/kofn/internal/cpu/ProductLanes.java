// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import io.github.kofn.sparse.Activation;
import java.lang.foreign.MemorySegment;

/**
 * The inner loops of products, for one vector width. Memory is native; offsets ({@code ...At} of
 * segments) are in bytes, strides and widths in floats; widths are multiples of {@link #lanes}.
 */
interface ProductLanes {
  /** The number of floats in a vector. */
  int lanes();

  /**
   * Partial dot products: lane l of the {@code pitch} floats from {@code sums[sumsAt + j * pitch]}
   * receives what {@code d[b] * x[inputs[inputsAt + j]][b]} gives over all b with {@code b % lanes
   * = l}, added to what it held.
   */
  void dots(
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
      int pitch);

  /**
   * Adds up the lanes of partial sums: {@code to[toAt + j]} becomes the sum of the {@link #lanes}
   * floats at {@code sums[from + j * lanes]}, as a balanced tree (the order in which the Vector
   * API's own reduction adds is not fixed). The sums are lost; their array has room for a multiple
   * of lanes of them.
   */
  void fold(float[] sums, int from, int count, float[] to, int toAt);

  /** Whether no element is infinite or NaN. */
  boolean isFinite(MemorySegment x, long xAt, int width);

  /** {@code y = factor * y + summand}. */
  void affine(MemorySegment y, long yAt, int width, float factor, float summand);

  /** {@code y = activation(y)}. */
  void activate(MemorySegment y, long yAt, int width, Activation activation);

  /** {@code y = y * activation'(z)}. */
  void multiplyByDerivative(
      MemorySegment y, long yAt, MemorySegment z, long zAt, int width, Activation activation);

  /** {@code y = y + x}. */
  void add(MemorySegment y, long yAt, MemorySegment x, long xAt, int width);

  /**
   * {@code to = a * b} for rows of {@code width} floats; those of {@code a} lie behind each other,
   * those of the others {@code pitch} bytes apart.
   */
  void products(
      MemorySegment to,
      long toAt,
      long toPitch,
      MemorySegment a,
      long aAt,
      MemorySegment b,
      long bAt,
      long bPitch,
      int rows,
      int width);

  /** {@code to = to + a * b}, in the order of rows. */
  void addProducts(
      MemorySegment to,
      long toAt,
      long toPitch,
      MemorySegment a,
      long aAt,
      MemorySegment b,
      long bAt,
      long bPitch,
      int rows,
      int width);

  /** Adds elements to the lanes of a partial sum, as {@link #dots} does. */
  void total(MemorySegment y, long yAt, int width, float[] sums, int sumsAt);
}
