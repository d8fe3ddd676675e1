// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.kernels;

import io.github.kofn.internal.kernels.ProductKernels.Companion;
import io.github.kofn.internal.kernels.ProductKernels.Finish;
import io.github.kofn.internal.kernels.ProductKernels.Pattern;
import io.github.kofn.sparse.Activation;
import io.github.kofn.sparse.Convolution;
import io.github.kofn.sparse.KofNLayout;
import io.github.kofn.sparse.MaxPooling;

/**
 * Convolutions with k-of-n weights, computed directly. The pattern's matrix is [outChannels,
 * inChannels * kh * kw] in blocks of any size; x and dx are [batch, inChannels * height * width], y
 * and dy [batch, outChannels * outHeight * outWidth], in either layout, each view on its own.
 * Callers have checked shapes, and that nothing is I8. Sums run in an order that depends on shapes
 * only.
 */
public interface ConvolutionKernels {

  /**
   * Y = finish(X * W).
   *
   * @param finish scales and bias are [1, outChannels], pre-activation and residual like y
   */
  void forward(Convolution shape, Pattern pattern, View x, View y, Finish finish);

  /**
   * The gradient with respect to x, then multiplied by the derivative of an activation where one is
   * given. Channels that no feature map kept get zeros.
   *
   * @param derivative the activation whose derivative at z multiplies the result, or null
   * @param z F32, shaped like dx, or null
   */
  void inputGradient(
      Convolution shape,
      Pattern pattern,
      Companion companion,
      View dy,
      View dx,
      Activation derivative,
      View z);

  /**
   * The gradient with respect to the kept weights: target is shaped like the pattern's values, F32;
   * elsewhere it is left as it was, but for what packed blocks have beyond the matrix's edge, which
   * becomes 0.
   */
  void weightGradient(Convolution shape, Pattern pattern, View x, View dy, View target);

  /**
   * The loss's gradient with respect to the mask, for all n candidates of every block row: the sum
   * over the block's elements of W times the gradient with respect to W.
   *
   * @param weights dense [outChannels, inChannels * kh * kw]
   * @param target F32 [blockRows, blockColumns]
   */
  void maskGradient(
      Convolution shape, KofNLayout layout, View weights, View x, View dy, View target);

  /**
   * As {@link ProductKernels#activationGradient}, but for dBias, which is [1, outChannels] and a
   * sum over the batch and the pixels of a feature map.
   */
  void activationGradient(
      Convolution shape, View dy, Activation activation, View z, float scale, View dz, View dBias);

  /** Y = the largest of each window of X, a NaN before any number; exact. */
  void maxPool(MaxPooling shape, View x, View y);

  /** dX = dY where X was the first of the largest of its window, else 0. */
  void maxPoolGradient(MaxPooling shape, View x, View dy, View dx);
}
