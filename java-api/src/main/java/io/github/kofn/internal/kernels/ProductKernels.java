// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.kernels;

import io.github.kofn.sparse.Activation;
import io.github.kofn.sparse.KofNLayout;

/**
 * Products with k-of-n matrices. W is [out, in] in blocks of bo x bi; block row r keeps the blocks
 * of columns indices[r, 0..k). Activations (x, y, dx, dy, z, residual) are [batch, features] in
 * either layout, each view on its own. Callers have checked shapes; sizes need not be multiples of
 * the block, what lies beyond the matrix counts as absent. Sums run in an order that depends on
 * shapes only: the same arguments give the same bits, with any number of threads.
 */
public interface ProductKernels {

  /**
   * The kept part of a matrix.
   *
   * @param layout sizes
   * @param indices U16 or I32 [blockRows, k], ascending and unique in each row
   * @param packed whether values are [blockRows, k, bo, bi] (absent elements 0) instead of the
   *     dense [out, in]
   * @param values F32, BF16, F16 or I8
   * @param tf32 whether F32 factors may be rounded to TF32 (10 mantissa bits)
   * @param derived where a backend may keep what it makes of the indices, or null
   */
  record Pattern(
      KofNLayout layout, View indices, boolean packed, View values, boolean tf32, Derived derived) {
    /** Without a place to keep anything. */
    public Pattern(KofNLayout layout, View indices, boolean packed, View values, boolean tf32) {
      this(layout, indices, packed, values, tf32, null);
    }

    /** Without TF32. */
    public Pattern(KofNLayout layout, View indices, boolean packed, View values) {
      this(layout, indices, packed, values, false);
    }
  }

  /**
   * The pattern by columns: the kept blocks of block column c are entries starts[c] .. starts[c +
   * 1], in ascending row order.
   *
   * @param starts I32 [1, blockColumns + 1]
   * @param rows I32 [1, blockRows * k], each entry's block row
   * @param slots I32 [1, blockRows * k], each entry's position among the k of its row
   */
  record Companion(View starts, View rows, View slots) {}

  /**
   * What is done to a sum before it is stored: {@code z = scale * outputScales[o] * sum + bias[o]}
   * and {@code y = activation(z) + residual}; null where absent.
   *
   * @param scale a factor for all
   * @param outputScales F32 [1, out]
   * @param bias F32 [1, out]
   * @param activation applied to z
   * @param preActivation F32 [batch, out], receives z
   * @param residual F32, BF16 or F16 [batch, out]
   */
  record Finish(
      float scale,
      View outputScales,
      View bias,
      Activation activation,
      View preActivation,
      View residual) {}

  /**
   * Y = finish(X W^T). Integer sums (X and W both I8) are exact in 32 bits; all others are
   * floating-point.
   */
  void multiply(Pattern pattern, View x, View y, Finish finish);

  /**
   * dX = dY W, then multiplied by the derivative of an activation where one is given. A column that
   * no row kept gives zeros.
   *
   * @param derivative the activation whose derivative at z multiplies the result, or null
   * @param z F32 [batch, in], or null
   */
  void inputGradient(
      Pattern pattern, Companion companion, View dy, View dx, Activation derivative, View z);

  /**
   * dW = dY^T X on the kept blocks: target is shaped like the pattern's values, F32; elsewhere it
   * is left as it was.
   */
  void weightGradient(Pattern pattern, View x, View dy, View target);

  /**
   * The loss's gradient with respect to the mask, for all n candidates of every block row: the sum
   * over the block's elements of W * (dY^T X).
   *
   * @param weights dense [out, in]
   * @param target F32 [blockRows, blockColumns]
   */
  void maskGradient(KofNLayout layout, View weights, View x, View dy, View target);

  /**
   * The same where F32 factors may be rounded to TF32; who has no TF32 ignores it.
   *
   * @param tf32 whether they may
   */
  default void maskGradient(
      KofNLayout layout, View weights, View x, View dy, View target, boolean tf32) {
    maskGradient(layout, weights, x, dy, target);
  }

  /**
   * dZ = scale * dY * activation'(Z), and dBias[f] = the sum over the batch of dY * activation'(Z),
   * null where not wanted.
   *
   * @param z F32 [batch, features]; unused and may be null where the activation is the identity
   * @param dz may be the same memory as dy, in the same layout
   */
  void activationGradient(View dy, Activation activation, View z, float scale, View dz, View dBias);

  /** Fills a companion from the pattern's indices. */
  void transpose(KofNLayout layout, View indices, Companion companion);

  /**
   * Packed values from dense ones, or dense ones (zeros elsewhere) from packed: source and target
   * tell which.
   */
  void pack(Pattern source, View target);

  /**
   * Writes a packed or in-place pattern as a dense [out, in] matrix with zeros where nothing is
   * kept.
   */
  void densify(Pattern source, View target);

  /**
   * Copies elements between layouts, pitches and types; to I8 and U8 by rounding to nearest even
   * and saturating.
   */
  void convert(View source, View target);
}
