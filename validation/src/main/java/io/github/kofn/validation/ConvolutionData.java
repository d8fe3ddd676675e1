// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.validation;

import io.github.kofn.DType;
import io.github.kofn.sparse.Convolution;
import io.github.kofn.validation.Problem.PatternKind;
import java.util.Arrays;
import java.util.SplittableRandom;

/** The operands of a convolution, made from a seed, and its patches. */
final class ConvolutionData {
  final Convolution shape;

  /** The weights and their pattern, and what belongs to feature maps. */
  final ProductData weights;

  /** [batch, inFeatures]. */
  final float[] x;

  /** The gradient with respect to the sums, [batch, outFeatures]. */
  final float[] dSum;

  /** The layer before's pre-activation, [batch, inFeatures]. */
  final float[] zBefore;

  /** This layer's pre-activation, [batch, outFeatures]. */
  final float[] z;

  /** [batch, outFeatures]. */
  final float[] residual;

  /** The feature of x that pixel p meets with column i of the weights, [p][i]; -1 is padding. */
  final int[][] patches;

  ConvolutionData(Convolution shape, Problem problem, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    this.shape = shape;
    this.weights = new ProductData(problem, random.nextLong());
    int inputs = problem.batch() * shape.inFeatures();
    int outputs = problem.batch() * shape.outFeatures();
    x = Numbers.random(random, problem.types().x(), inputs);
    dSum = Numbers.random(random, problem.types().y(), outputs);
    zBefore = Numbers.random(random, DType.F32, inputs);
    z = Numbers.random(random, DType.F32, outputs);
    residual = Numbers.random(random, DType.BF16, outputs);
    patches = patches();
    if (problem.pattern() == PatternKind.POLLUTED_INPUT) {
      pollute(problem.batch());
    }
  }

  /** One channel is NaN or infinite: feature maps that keep its kernel show it, others must not. */
  private void pollute(int batch) {
    float[] poison = {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY};
    int plane = shape.height() * shape.width();
    int channel = shape.inChannels() / 2;
    for (int b = 0; b < batch; b++) {
      int from = b * shape.inFeatures() + channel * plane;
      Arrays.fill(x, from, from + plane, poison[b % poison.length]);
    }
  }

  /** Windows are cut out of an image of feature numbers with a border of -1. */
  private int[][] patches() {
    int pad = shape.padding();
    int rows = shape.height() + 2 * pad;
    int columns = shape.width() + 2 * pad;
    int[][][] padded = new int[shape.inChannels()][rows][columns];
    int feature = 0;
    for (int[][] plane : padded) {
      for (int[] line : plane) {
        Arrays.fill(line, -1);
      }
      for (int r = pad; r < pad + shape.height(); r++) {
        for (int c = pad; c < pad + shape.width(); c++) {
          plane[r][c] = feature++;
        }
      }
    }
    int[][] made = new int[shape.outPixels()][shape.weightColumns()];
    int pixel = 0;
    for (int top = 0; top + shape.kernelHeight() <= rows; top += shape.stride()) {
      for (int left = 0; left + shape.kernelWidth() <= columns; left += shape.stride()) {
        int i = 0;
        for (int[][] plane : padded) {
          for (int r = top; r < top + shape.kernelHeight(); r++) {
            for (int c = left; c < left + shape.kernelWidth(); c++) {
              made[pixel][i++] = plane[r][c];
            }
          }
        }
        pixel++;
      }
    }
    return made;
  }
}
