// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.sparse;

import io.github.kofn.Tensor;
import io.github.kofn.internal.Access;
import io.github.kofn.internal.Check;
import io.github.kofn.internal.kernels.ConvolutionKernels;

/**
 * A two-dimensional convolution whose weights are a k-of-n matrix, computed directly: no patch
 * matrix is built, forward or backward. With {@link Convolution#kernels} every feature map of y
 * keeps exactly k of its 2-D kernels (dynamic probabilistic pruning's kernel granularity,
 * Gonzalez-Carabarin et al., arXiv 2105.12686); other blocks of the matrix [outChannels, inChannels
 * * kh * kw] work as well.
 *
 * {@snippet :
 * Convolution shape = new Convolution(20, 12, 12, 50, 5, 5, 1, 0);
 * KofNMatrix w = KofNMatrix.inPlace(shape.kernels(3), weights); // 3 of 20 kernels a feature map
 * KofNConvolution convolution = KofNConvolution.of(shape, w);
 * w.select(drawn); // each training step
 * Epilogue epilogue = Epilogue.NONE.withBias(bias).withActivation(Activation.RELU, z);
 * Forward forward = convolution.convolve(x, y, epilogue); // [batch, 2880] -> [batch, 3200]
 * convolution.epilogueGradient(epilogue, dy, dSum, dBias);
 * convolution.inputGradient(forward, dSum, dx);
 * convolution.weightGradient(forward, dSum, dw);
 * convolution.maskGradient(forward, dSum, dMask);
 * }
 *
 * <p>Results are deterministic and keep the bounds of {@link KofNMatrix}, with sums over the kept
 * taps that lie inside the image. A NaN or infinity in a channel of x whose kernel a feature map
 * has pruned does not reach that feature map. Where weights themselves are NaN or infinite, taps in
 * the padding may give NaN or nothing, depending on the backend.
 *
 * <p>In an {@link Epilogue}, bias and output scales are [outChannels], pre-activation and residual
 * [batch, outFeatures].
 *
 * <p>Holds nothing of its own; the matrix stays the caller's. Not safe for use by several threads
 * at once.
 */
public final class KofNConvolution {
  private final Convolution shape;
  private final KofNMatrix weights;

  private KofNConvolution(Convolution shape, KofNMatrix weights) {
    this.shape = shape;
    this.weights = weights;
  }

  /**
   * A convolution.
   *
   * @param shape the sizes
   * @param weights [outChannels, inChannels * kernelHeight * kernelWidth] of F32, BF16 or F16, in
   *     place or packed
   * @return the convolution
   * @throws IllegalArgumentException if the matrix has other sizes, or holds I8
   */
  public static KofNConvolution of(Convolution shape, KofNMatrix weights) {
    Check.notNull("shape", shape);
    Check.notNull("weights", weights);
    KofNLayout layout = weights.layout();
    Check.that(
        layout.out() == shape.outChannels() && layout.in() == shape.weightColumns(),
        "weights are [%d, %d]; allowed: [%d, %d] for %s",
        layout.out(),
        layout.in(),
        shape.outChannels(),
        shape.weightColumns(),
        shape);
    Shapes.floating("weights", weights.values());
    return new KofNConvolution(shape, weights);
  }

  /**
   * The sizes.
   *
   * @return the shape
   */
  public Convolution shape() {
    return shape;
  }

  /**
   * The weights, whose pattern decides what is kept.
   *
   * @return the matrix
   */
  public KofNMatrix weights() {
    return weights;
  }

  /**
   * Y = X * W, with an epilogue.
   *
   * @param x [batch, inFeatures], F32, BF16 or F16, in either layout
   * @param y [batch, outFeatures], F32, BF16 or F16, in either layout, overwritten; must not
   *     overlap x
   * @param epilogue what is done to the sums
   * @return what the backward operations need; ignore it at inference
   */
  public Forward convolve(Tensor x, Tensor y, Epilogue epilogue) {
    Check.notNull("x", x);
    Check.notNull("epilogue", epilogue);
    Shapes.matrix("x", x, x.rows(), shape.inFeatures());
    Shapes.floating("x", x);
    Shapes.matrix("y", y, x.rows(), shape.outFeatures());
    Shapes.floating("y", y);
    Check.that(x != y, "y is x; allowed: another tensor");
    kernels(x, y, epilogue.bias(), epilogue.preActivation(), epilogue.residual())
        .forward(
            shape,
            weights.pattern(),
            Access.view(x),
            Access.view(y),
            epilogue.finish(x.rows(), shape.outFeatures(), shape.outChannels()));
    return weights.forward(x);
  }

  /**
   * The way back through an epilogue, see {@link Epilogue#gradient}: dBias is the sum over the
   * batch and over the pixels of a feature map.
   *
   * @param epilogue of the forward operation
   * @param dy F32, BF16 or F16 [batch, outFeatures]: the loss's gradient with respect to y
   * @param dSum F32, BF16 or F16 [batch, outFeatures], overwritten; may be dy itself
   * @param dBias F32 [outChannels], overwritten; null where not wanted
   * @throws IllegalArgumentException as {@link Epilogue#gradient} says
   */
  public void epilogueGradient(Epilogue epilogue, Tensor dy, Tensor dSum, Tensor dBias) {
    Check.notNull("epilogue", epilogue);
    epilogue.gradient(shape, dy, dSum, dBias);
  }

  /**
   * The gradient with respect to x.
   *
   * @param forward from the forward operation
   * @param dSum F32, BF16 or F16 [batch, outFeatures]: the loss's gradient with respect to the sums
   * @param dx F32, BF16 or F16 [batch, inFeatures], overwritten; channels that no feature map kept
   *     become 0
   * @throws IllegalStateException if another pattern was selected since the forward operation
   */
  public void inputGradient(Forward forward, Tensor dSum, Tensor dx) {
    inputGradient(forward, dSum, dx, Activation.IDENTITY, null);
  }

  /**
   * The gradient with respect to x, times activation'(z): the gradient with respect to the sums of
   * the layer before, in one pass.
   *
   * @param forward from the forward operation
   * @param dSum F32, BF16 or F16 [batch, outFeatures]: the loss's gradient with respect to the sums
   * @param dx F32, BF16 or F16 [batch, inFeatures], overwritten
   * @param activation the activation of the layer before
   * @param z F32 [batch, inFeatures], the pre-activation of the layer before; null with the
   *     identity
   * @throws IllegalStateException if another pattern was selected since the forward operation
   */
  public void inputGradient(
      Forward forward, Tensor dSum, Tensor dx, Activation activation, Tensor z) {
    checkBackward(forward, dSum);
    Shapes.matrix("dx", dx, dSum.rows(), shape.inFeatures());
    Shapes.floating("dx", dx);
    Check.notNull("activation", activation);
    boolean derivative = activation != Activation.IDENTITY;
    if (derivative) {
      Shapes.matrix("z", z, dSum.rows(), shape.inFeatures());
      Shapes.f32("z", z);
    }
    kernels(dSum, dx, z)
        .inputGradient(
            shape,
            weights.pattern(),
            weights.companion(),
            Access.view(dSum),
            Access.view(dx),
            derivative ? activation : null,
            derivative ? Access.view(z) : null);
  }

  /**
   * The gradient with respect to the kept weights.
   *
   * @param forward from the forward operation
   * @param dSum F32, BF16 or F16 [batch, outFeatures]: the loss's gradient with respect to the sums
   * @param dw F32, shaped like the matrix's values; kept blocks are overwritten, all else stays as
   *     it was
   * @throws IllegalStateException if another pattern was selected since the forward operation
   */
  public void weightGradient(Forward forward, Tensor dSum, Tensor dw) {
    checkBackward(forward, dSum);
    weights.checkWeightGradient(dw);
    kernels(forward.x(), dSum, dw)
        .weightGradient(
            shape, weights.pattern(), Access.view(forward.x()), Access.view(dSum), Access.view(dw));
  }

  /**
   * The loss's gradient with respect to the mask, for all n candidates of each block row, the
   * pruned ones too: the sum over a block's elements of W times the gradient with respect to W.
   *
   * @param forward from the forward operation
   * @param dSum F32, BF16 or F16 [batch, outFeatures]: the loss's gradient with respect to the sums
   * @param dMask F32 [blockRows, blockColumns], overwritten; with kernels, [outChannels,
   *     inChannels]
   * @throws IllegalStateException if the matrix is packed, for its pruned weights are gone; or if
   *     another pattern was selected since the forward operation
   */
  public void maskGradient(Forward forward, Tensor dSum, Tensor dMask) {
    checkBackward(forward, dSum);
    weights.checkMaskGradient(dMask);
    kernels(forward.x(), dSum, dMask)
        .maskGradient(
            shape,
            weights.layout(),
            Access.view(weights.values()),
            Access.view(forward.x()),
            Access.view(dSum),
            Access.view(dMask));
  }

  private void checkBackward(Forward forward, Tensor dSum) {
    weights.checkBackward(forward, dSum, shape.inFeatures(), shape.outFeatures());
  }

  private ConvolutionKernels kernels(Tensor... operands) {
    return Access.engine(weights.values().device(), operands).convolutions();
  }
}
