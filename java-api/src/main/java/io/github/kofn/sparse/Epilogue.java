// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.sparse;

import io.github.kofn.Tensor;
import io.github.kofn.internal.Access;
import io.github.kofn.internal.Check;
import io.github.kofn.internal.kernels.ProductKernels.Finish;

/**
 * What a product does to its sums before it stores them, in one pass: {@code z = scale *
 * outputScales[o] * sum + bias[o]}, then {@code y = activation(z) + residual}. Immutable; each
 * method returns a changed copy. Tensors may be null where they are absent.
 *
 * @param scale a factor for all sums
 * @param outputScales F32 [out], a factor for each output, such as the scales of quantised weights
 * @param bias F32 [out]
 * @param activation applied to z
 * @param preActivation F32 [batch, out]: receives z, which the backward pass needs unless the
 *     activation is the identity
 * @param residual F32, BF16 or F16 [batch, out]
 */
public record Epilogue(
    float scale,
    Tensor outputScales,
    Tensor bias,
    Activation activation,
    Tensor preActivation,
    Tensor residual) {

  /** Stores the sums as they are. */
  public static final Epilogue NONE = new Epilogue(1, null, null, Activation.IDENTITY, null, null);

  /**
   * Checks the arguments that can be checked without a matrix.
   *
   * @throws IllegalArgumentException if the scale is NaN or the activation is null
   */
  public Epilogue {
    Check.that(!Float.isNaN(scale), "scale is NaN; allowed: numbers");
    Check.notNull("activation", activation);
  }

  /**
   * With a bias.
   *
   * @param value F32 [out]
   * @return the copy
   */
  public Epilogue withBias(Tensor value) {
    return new Epilogue(scale, outputScales, value, activation, preActivation, residual);
  }

  /**
   * With an activation, for inference.
   *
   * @param value the activation
   * @return the copy
   */
  public Epilogue withActivation(Activation value) {
    return new Epilogue(scale, outputScales, bias, value, preActivation, residual);
  }

  /**
   * With an activation, for training: z is kept.
   *
   * @param value the activation
   * @param z F32 [batch, out], receives the pre-activation
   * @return the copy
   */
  public Epilogue withActivation(Activation value, Tensor z) {
    return new Epilogue(scale, outputScales, bias, value, z, residual);
  }

  /**
   * With a residual.
   *
   * @param value F32, BF16 or F16 [batch, out], added after the activation
   * @return the copy
   */
  public Epilogue withResidual(Tensor value) {
    return new Epilogue(scale, outputScales, bias, activation, preActivation, value);
  }

  /**
   * With a factor for all sums.
   *
   * @param value the factor
   * @return the copy
   */
  public Epilogue withScale(float value) {
    return new Epilogue(value, outputScales, bias, activation, preActivation, residual);
  }

  /**
   * With a factor for each output.
   *
   * @param value F32 [out]
   * @return the copy
   */
  public Epilogue withOutputScales(Tensor value) {
    return new Epilogue(scale, value, bias, activation, preActivation, residual);
  }

  /**
   * The way back through this epilogue: {@code dSum = scale * dY * activation'(z)} and {@code
   * dBias} = the sum over the batch of {@code dY * activation'(z)}. The residual's gradient is dY
   * itself.
   *
   * @param dy F32, BF16 or F16 [batch, out]: the loss's gradient with respect to y
   * @param dSum F32, BF16 or F16 [batch, out], overwritten: what the products' gradients take as
   *     their dY; may be dy itself
   * @param dBias F32 [out], overwritten; null where not wanted
   * @throws IllegalArgumentException if a shape does not fit, the epilogue has output scales (those
   *     are for inference), or it has an activation and kept no pre-activation
   */
  public void gradient(Tensor dy, Tensor dSum, Tensor dBias) {
    checkGradient(dy, dSum, dBias, dy == null ? 0 : dy.columns());
    Access.engine(dy.device(), dSum, dBias, preActivation)
        .products()
        .activationGradient(
            Access.view(dy),
            activation,
            Access.viewOrNull(preActivation),
            scale,
            Access.view(dSum),
            Access.viewOrNull(dBias));
  }

  /** The way back where a channel's outputs share their bias, whose gradient is [outChannels]. */
  void gradient(Convolution shape, Tensor dy, Tensor dSum, Tensor dBias) {
    Shapes.activations("dy", dy, dy == null ? 0 : dy.rows(), shape.outFeatures());
    checkGradient(dy, dSum, dBias, shape.outChannels());
    Access.engine(dy.device(), dSum, dBias, preActivation)
        .convolutions()
        .activationGradient(
            shape,
            Access.view(dy),
            activation,
            Access.viewOrNull(preActivation),
            scale,
            Access.view(dSum),
            Access.viewOrNull(dBias));
  }

  private void checkGradient(Tensor dy, Tensor dSum, Tensor dBias, long biases) {
    Check.that(
        outputScales == null, "outputScales are given; allowed: none, they are for inference");
    Check.that(
        activation == Activation.IDENTITY || preActivation != null,
        "preActivation is null; allowed: the tensor that received z, for activation %s",
        activation);
    Shapes.activations("dy", dy, dy == null ? 0 : dy.rows(), dy == null ? 0 : dy.columns());
    Shapes.floating("dy", dy);
    Shapes.activations("dSum", dSum, dy.rows(), dy.columns());
    Shapes.floating("dSum", dSum);
    if (dBias != null) {
      Shapes.vector("dBias", dBias, biases);
    }
    if (preActivation != null) {
      Shapes.activations("preActivation", preActivation, dy.rows(), dy.columns());
    }
  }

  /** This epilogue for kernels, its shapes checked against a product. */
  Finish finish(long batch, long out) {
    return finish(batch, out, out);
  }

  /** This epilogue where a channel's outputs share their scale and bias. */
  Finish finish(long batch, long out, long channels) {
    if (outputScales != null) {
      Shapes.vector("outputScales", outputScales, channels);
    }
    if (bias != null) {
      Shapes.vector("bias", bias, channels);
    }
    if (preActivation != null) {
      Shapes.activations("preActivation", preActivation, batch, out);
      Shapes.f32("preActivation", preActivation);
    }
    if (residual != null) {
      Shapes.activations("residual", residual, batch, out);
    }
    return new Finish(
        scale,
        Access.viewOrNull(outputScales),
        Access.viewOrNull(bias),
        activation,
        Access.viewOrNull(preActivation),
        Access.viewOrNull(residual));
  }
}
