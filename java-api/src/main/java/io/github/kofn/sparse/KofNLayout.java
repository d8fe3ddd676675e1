// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.sparse;

import io.github.kofn.DType;
import io.github.kofn.internal.Check;

/**
 * The sizes of a k-of-n matrix: W is [out, in], cut into blocks of blockOut x blockIn; each block
 * row keeps exactly k of its n blocks. Sizes need not be multiples of the block: the last block row
 * and column are then cut off by the matrix's edge.
 *
 * <p>Blocks of 1 x 1 are single weights; 1 x (kh * kw) are convolution kernels (a block row is a
 * feature map); 16 to 128 square are what tensor cores like. With k = n the matrix is dense.
 *
 * @param out number of outputs, at least 0
 * @param in number of inputs, at least 0
 * @param blockOut outputs in a block, at least 1
 * @param blockIn inputs in a block, at least 1
 * @param k blocks kept in each block row, 0 to n
 */
public record KofNLayout(int out, int in, int blockOut, int blockIn, int k) {

  /**
   * Checks the sizes.
   *
   * @throws IllegalArgumentException if one is out of its range, or blockRows() * k exceeds 2^31 -
   *     1
   */
  public KofNLayout {
    Check.atLeast("out", out, 0);
    Check.atLeast("in", in, 0);
    Check.atLeast("blockOut", blockOut, 1);
    Check.atLeast("blockIn", blockIn, 1);
    Check.range("k", k, 0, ceilDiv(in, blockIn));
    Check.range("blockRows * k", (long) ceilDiv(out, blockOut) * k, 0, Integer.MAX_VALUE);
  }

  /**
   * Single weights: every output keeps k of its inputs.
   *
   * @param out number of outputs
   * @param in number of inputs
   * @param k inputs kept by each output
   * @return the layout with 1 x 1 blocks
   */
  public static KofNLayout weights(int out, int in, int k) {
    return new KofNLayout(out, in, 1, 1, k);
  }

  /**
   * A dense matrix, as the special case k = n.
   *
   * @param out number of outputs
   * @param in number of inputs
   * @return the layout with 1 x 1 blocks that keeps everything
   */
  public static KofNLayout dense(int out, int in) {
    return new KofNLayout(out, in, 1, 1, in);
  }

  /**
   * The number of block rows.
   *
   * @return ceil(out / blockOut)
   */
  public int blockRows() {
    return ceilDiv(out, blockOut);
  }

  /**
   * The number n of candidate blocks in a block row.
   *
   * @return ceil(in / blockIn)
   */
  public int blockColumns() {
    return ceilDiv(in, blockIn);
  }

  /**
   * Whether everything is kept.
   *
   * @return true if k = n
   */
  public boolean isDense() {
    return k == blockColumns();
  }

  /**
   * The type that a pattern's indices are stored in.
   *
   * @return {@link DType#U16} where n is at most 65536, else {@link DType#I32}
   */
  public DType indexType() {
    return blockColumns() <= 65536 ? DType.U16 : DType.I32;
  }

  /**
   * The number of elements that packed values take, cut-off blocks counted whole.
   *
   * @return blockRows * k * blockOut * blockIn
   */
  public long packedElements() {
    return (long) blockRows() * k * blockOut * blockIn;
  }

  private static int ceilDiv(int a, int b) {
    return Math.ceilDiv(a, b);
  }
}
