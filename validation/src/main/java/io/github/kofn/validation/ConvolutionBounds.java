// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.validation;

import io.github.kofn.DType;
import io.github.kofn.sparse.Activation;
import io.github.kofn.sparse.Convolution;

/**
 * What convolutions must give: products with the patches of x, with sums in double. The bounds are
 * those of {@link ProductBounds}; T is the kept taps of a pixel forward, the kept taps that meet a
 * pixel for dX, and the batch times the pixels of a feature map for the gradients of weights, mask
 * and bias.
 */
final class ConvolutionBounds {
  private static final double UNIT = 0x1p-24;

  private final ConvolutionData data;
  private final Convolution shape;
  private final int batch;
  private final int pixels;

  ConvolutionBounds(ConvolutionData data) {
    this.data = data;
    this.shape = data.shape;
    this.batch = data.weights.problem.batch();
    this.pixels = shape.outPixels();
  }

  private double weight(int o, int i) {
    return data.weights.weights[o * shape.weightColumns() + i];
  }

  private double dSum(int b, int o, int pixel) {
    return data.dSum[b * shape.outFeatures() + o * pixels + pixel];
  }

  /** The input that a pixel meets with a column of the weights; 0 in the padding. */
  private double input(int b, int pixel, int i) {
    int feature = data.patches[pixel][i];
    return feature < 0 ? 0 : data.x[b * shape.inFeatures() + feature];
  }

  /** The sums, in a type. */
  Expected forward(DType y) {
    return ProductBounds.stored(sums(), y);
  }

  private Expected sums() {
    Expected expected = new Expected(batch * shape.outFeatures(), false);
    for (int o = 0; o < shape.outChannels(); o++) {
      int[] inputs = data.weights.inputsOf(o);
      for (int b = 0; b < batch; b++) {
        for (int pixel = 0; pixel < pixels; pixel++) {
          double sum = 0;
          double magnitude = 0;
          for (int i : inputs) {
            double term = input(b, pixel, i) * weight(o, i);
            sum += term;
            magnitude += Math.abs(term);
          }
          int at = b * shape.outFeatures() + o * pixels + pixel;
          expected.set(at, sum, (inputs.length + 1) * UNIT * magnitude, 0);
        }
      }
    }
    return expected;
  }

  /** What an epilogue with scale, output scales and bias makes of the sums: z. */
  Expected preActivation(float scale) {
    Expected sums = sums();
    Expected expected = new Expected(sums.values().length, false);
    for (int at = 0; at < sums.values().length; at++) {
      int o = at % shape.outFeatures() / pixels;
      double factor = (double) scale * data.weights.outputScales[o];
      double scaled = factor * sums.values()[at];
      double bias = data.weights.bias[o];
      expected.set(
          at,
          scaled + bias,
          Math.abs(factor) * sums.sumError()[at],
          UNIT * (4 * Math.abs(scaled) + 2 * Math.abs(bias)));
    }
    return expected;
  }

  /** What an activation and the residual make of z, stored in a type. */
  Expected activated(Expected z, Activation activation, DType y) {
    return ProductBounds.activated(z, activation, data.residual, y);
  }

  /** The gradient with respect to x, times the derivative of the activation before. */
  Expected inputGradient(Activation activation) {
    Expected expected = new Expected(batch * shape.inFeatures(), false);
    double[] magnitudes = new double[batch * shape.inFeatures()];
    int[] terms = new int[shape.inFeatures()];
    data.weights.forEachKept(
        (o, i, slot) -> {
          for (int pixel = 0; pixel < pixels; pixel++) {
            int feature = data.patches[pixel][i];
            if (feature >= 0) {
              terms[feature]++;
              for (int b = 0; b < batch; b++) {
                double term = dSum(b, o, pixel) * weight(o, i);
                expected.values()[b * shape.inFeatures() + feature] += term;
                magnitudes[b * shape.inFeatures() + feature] += Math.abs(term);
              }
            }
          }
        });
    for (int at = 0; at < magnitudes.length; at++) {
      double sum = expected.values()[at];
      double z = data.zBefore[at];
      double slope = Activations.derivative(activation, z);
      double sumError = (terms[at % shape.inFeatures()] + 1) * UNIT * magnitudes[at];
      double product = activation == Activation.IDENTITY ? 0 : 2 * UNIT * Math.abs(sum * slope);
      double function = ProductBounds.functionError(activation, 1 + Math.abs(z)) * Math.abs(sum);
      expected.set(at, sum * slope, Math.abs(slope) * sumError, function + product);
    }
    return expected;
  }

  /** The gradient with respect to one weight: the sum, and that of magnitudes. */
  private double[] gradient(int o, int i) {
    double sum = 0;
    double magnitude = 0;
    for (int b = 0; b < batch; b++) {
      for (int pixel = 0; pixel < pixels; pixel++) {
        double term = dSum(b, o, pixel) * input(b, pixel, i);
        sum += term;
        magnitude += Math.abs(term);
      }
    }
    return new double[] {sum, magnitude};
  }

  /** The weights' gradient, on all of [out, in]; callers look at the kept ones. */
  Expected weightGradient() {
    Expected expected = new Expected(shape.outChannels() * shape.weightColumns(), false);
    data.weights.forEachKept(
        (o, i, slot) -> {
          double[] sum = gradient(o, i);
          expected.set(
              o * shape.weightColumns() + i,
              sum[0],
              ((double) batch * pixels + 1) * UNIT * sum[1],
              0);
        });
    return expected;
  }

  /** The mask's gradient: the sum over a block of W times the weights' gradient. */
  Expected maskGradient() {
    int blockOut = data.weights.layout.blockOut();
    int blockIn = data.weights.layout.blockIn();
    int n = data.weights.layout.blockColumns();
    Expected expected = new Expected(data.weights.layout.blockRows() * n, false);
    double a = Math.min(blockOut, shape.outChannels());
    double b = Math.min(blockIn, shape.weightColumns());
    double terms = (double) batch * pixels;
    double chain = Math.max(terms + a * b, b + terms * a) + 2;
    for (int o = 0; o < shape.outChannels(); o++) {
      for (int i = 0; i < shape.weightColumns(); i++) {
        double[] sum = gradient(o, i);
        int at = o / blockOut * n + i / blockIn;
        expected.values()[at] += weight(o, i) * sum[0];
        expected.sumError()[at] += chain * UNIT * Math.abs(weight(o, i)) * sum[1];
      }
    }
    return expected;
  }

  /** The way back through an epilogue: scale * dY * activation'(z). */
  Expected epilogueGradient(Activation activation, float scale) {
    Expected expected = new Expected(data.dSum.length, false);
    for (int at = 0; at < data.dSum.length; at++) {
      double dy = (double) scale * data.dSum[at];
      double value = dy * Activations.derivative(activation, data.z[at]);
      double function = functionError(activation, at) * Math.abs(dy);
      expected.set(at, value, 0, function + 3 * UNIT * Math.abs(value));
    }
    return expected;
  }

  private double functionError(Activation activation, int at) {
    return ProductBounds.functionError(activation, 1 + Math.abs(data.z[at]));
  }

  /** The bias's gradient: the sum over the batch and the pixels of dY * activation'(z). */
  Expected biasGradient(Activation activation) {
    Expected expected = new Expected(shape.outChannels(), false);
    for (int at = 0; at < data.dSum.length; at++) {
      int o = at % shape.outFeatures() / pixels;
      double term = data.dSum[at] * Activations.derivative(activation, data.z[at]);
      expected.values()[o] += term;
      expected.sumError()[o] += ((double) batch * pixels + 2) * UNIT * Math.abs(term);
      expected.otherError()[o] += functionError(activation, at) * Math.abs(data.dSum[at]);
    }
    return expected;
  }
}
