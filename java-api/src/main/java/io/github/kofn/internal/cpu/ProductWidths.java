// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

/**
 * The inner loops for every width of a batch: the narrowest vectors that hold it, so that a small
 * batch does not compute lanes it does not have.
 */
final class ProductWidths {
  private final int lanes;
  private final ProductLanes scalar = new ProductScalar();
  private final ProductLanes four;
  private final ProductLanes eight;
  private final ProductLanes widest;
  private final Scratch.Pool pool = new Scratch.Pool();

  ProductWidths(int lanes) {
    this.lanes = lanes;
    this.four = lanes >= 4 ? vectors(4) : scalar;
    this.eight = lanes >= 8 ? vectors(8) : four;
    this.widest = lanes >= 16 ? vectors(16) : eight;
  }

  private static ProductLanes vectors(int lanes) {
    return Lanes.load(ProductLanes.class, "ProductVectors", lanes);
  }

  /** The lanes of the widest. */
  int lanes() {
    return lanes;
  }

  Scratch.Pool pool() {
    return pool;
  }

  /** The inner loops for so many examples. */
  ProductLanes of(int width) {
    if (width == 1) {
      return scalar;
    }
    if (width <= 4) {
      return four;
    }
    return width <= 8 ? eight : widest;
  }

  /** The inner loops with the widest vectors. */
  ProductLanes widest() {
    return widest;
  }

  /** The width of a tile that holds so many examples: whole vectors. */
  int stride(int width) {
    return Math.ceilDiv(width, of(width).lanes()) * of(width).lanes();
  }
}
