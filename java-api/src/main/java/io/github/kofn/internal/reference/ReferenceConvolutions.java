// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.reference;

import io.github.kofn.internal.kernels.ConvolutionKernels;
import io.github.kofn.internal.kernels.ProductKernels.Companion;
import io.github.kofn.internal.kernels.ProductKernels.Finish;
import io.github.kofn.internal.kernels.ProductKernels.Pattern;
import io.github.kofn.internal.kernels.View;
import io.github.kofn.sparse.Activation;
import io.github.kofn.sparse.Convolution;
import io.github.kofn.sparse.KofNLayout;
import io.github.kofn.sparse.MaxPooling;

/**
 * Convolutions as their formula says, tap by tap, with sums in double. Taps in the padding do not
 * take part, and kernels that are not kept are never read.
 */
final class ReferenceConvolutions implements ConvolutionKernels {

  @Override
  public void forward(Convolution shape, Pattern pattern, View x, View y, Finish finish) {
    KeptBlocks kept = new KeptBlocks(pattern);
    Elements weights = new Elements(pattern.values());
    Elements inputs = new Elements(x);
    FinishedSums target = new FinishedSums(finish, y);
    for (long b = 0; b < x.rows(); b++) {
      double[] image = inputs.row(b);
      for (int o = 0; o < shape.outChannels(); o++) {
        for (int pixel = 0; pixel < shape.outPixels(); pixel++) {
          int at = pixel;
          double[] sum = {0};
          kept.forEach(
              o,
              (i, position) -> {
                int feature = feature(shape, i, at);
                if (feature >= 0) {
                  sum[0] += image[feature] * weights.at(position);
                }
              });
          target.store(b, o * shape.outPixels() + pixel, o, sum[0]);
        }
      }
    }
  }

  /** The feature of x that a column of the weights meets at a pixel of y; -1 in the padding. */
  private static int feature(Convolution shape, int column, int pixel) {
    int channel = column / shape.kernelSize();
    int tap = column % shape.kernelSize();
    int row = pixel / shape.outWidth() * shape.stride() + tap / shape.kernelWidth();
    int line = pixel % shape.outWidth() * shape.stride() + tap % shape.kernelWidth();
    int r = row - shape.padding();
    int c = line - shape.padding();
    boolean inside = r >= 0 && r < shape.height() && c >= 0 && c < shape.width();
    return inside ? (channel * shape.height() + r) * shape.width() + c : -1;
  }

  /** The pattern alone defines the result; the companion is a way to it that others take. */
  @Override
  public void inputGradient(
      Convolution shape,
      Pattern pattern,
      Companion companion,
      View dy,
      View dx,
      Activation derivative,
      View z) {
    KeptBlocks kept = new KeptBlocks(pattern);
    Elements weights = new Elements(pattern.values());
    Elements upstream = new Elements(dy);
    Elements target = new Elements(dx);
    for (long b = 0; b < dy.rows(); b++) {
      double[] sums = new double[shape.inFeatures()];
      double[] gradients = upstream.row(b);
      for (int o = 0; o < shape.outChannels(); o++) {
        for (int pixel = 0; pixel < shape.outPixels(); pixel++) {
          int at = pixel;
          double gradient = gradients[o * shape.outPixels() + pixel];
          kept.forEach(
              o,
              (i, position) -> {
                int feature = feature(shape, i, at);
                if (feature >= 0) {
                  sums[feature] += gradient * weights.at(position);
                }
              });
        }
      }
      if (derivative != null) {
        double[] preActivations = new Elements(z).row(b);
        for (int i = 0; i < sums.length; i++) {
          sums[i] *= Activations.derivative(derivative, preActivations[i]);
        }
      }
      target.setRow(b, sums);
    }
  }

  @Override
  public void weightGradient(Convolution shape, Pattern pattern, View x, View dy, View target) {
    Elements result = new Elements(target);
    if (pattern.packed()) {
      for (long row = 0; row < target.rows(); row++) {
        result.setRow(row, new double[result.columns()]);
      }
    }
    KeptBlocks kept =
        new KeptBlocks(new Pattern(pattern.layout(), pattern.indices(), pattern.packed(), target));
    for (int o = 0; o < shape.outChannels(); o++) {
      double[] gradients = gradients(shape, o, x, dy);
      kept.forEach(o, (i, position) -> result.put(position, gradients[i]));
    }
  }

  /** The gradients of all weights of a feature map of y. */
  private static double[] gradients(Convolution shape, int o, View x, View dy) {
    double[] sums = new double[shape.weightColumns()];
    Elements inputs = new Elements(x);
    Elements upstream = new Elements(dy);
    for (long b = 0; b < x.rows(); b++) {
      double[] image = inputs.row(b);
      for (int pixel = 0; pixel < shape.outPixels(); pixel++) {
        double gradient = upstream.get(b, (long) o * shape.outPixels() + pixel);
        for (int i = 0; i < sums.length; i++) {
          int feature = feature(shape, i, pixel);
          if (feature >= 0) {
            sums[i] += gradient * image[feature];
          }
        }
      }
    }
    return sums;
  }

  @Override
  public void maskGradient(
      Convolution shape, KofNLayout layout, View weights, View x, View dy, View target) {
    Elements w = new Elements(weights);
    Elements result = new Elements(target);
    double[][] sums = new double[layout.blockRows()][layout.blockColumns()];
    for (int o = 0; o < shape.outChannels(); o++) {
      double[] gradients = gradients(shape, o, x, dy);
      for (int i = 0; i < gradients.length; i++) {
        sums[o / layout.blockOut()][i / layout.blockIn()] += w.get(o, i) * gradients[i];
      }
    }
    for (int row = 0; row < sums.length; row++) {
      result.setRow(row, sums[row]);
    }
  }

  @Override
  public void activationGradient(
      Convolution shape, View dy, Activation activation, View z, float scale, View dz, View dBias) {
    if (dBias != null) {
      biasGradient(shape, dy, activation, z, dBias);
    }
    // Last: dz may be the same memory as dy.
    new ReferenceProducts().activationGradient(dy, activation, z, scale, dz, null);
  }

  private static void biasGradient(
      Convolution shape, View dy, Activation activation, View z, View dBias) {
    double[] sums = new double[shape.outChannels()];
    Elements upstream = new Elements(dy);
    Elements preActivations = activation == Activation.IDENTITY ? null : new Elements(z);
    for (long b = 0; b < dy.rows(); b++) {
      for (int f = 0; f < shape.outFeatures(); f++) {
        double slope =
            preActivations == null
                ? 1
                : Activations.derivative(activation, preActivations.get(b, f));
        sums[f / shape.outPixels()] += upstream.get(b, f) * slope;
      }
    }
    new Elements(dBias).setRow(0, sums);
  }

  @Override
  public void maxPool(MaxPooling shape, View x, View y) {
    Elements target = new Elements(y);
    Elements inputs = new Elements(x);
    for (long b = 0; b < x.rows(); b++) {
      double[] image = inputs.row(b);
      for (int f = 0; f < shape.outFeatures(); f++) {
        target.set(b, f, image[largest(shape, image, f)]);
      }
    }
  }

  @Override
  public void maxPoolGradient(MaxPooling shape, View x, View dy, View dx) {
    Elements target = new Elements(dx);
    Elements inputs = new Elements(x);
    Elements upstream = new Elements(dy);
    for (long b = 0; b < x.rows(); b++) {
      double[] image = inputs.row(b);
      double[] gradients = new double[image.length];
      for (int f = 0; f < shape.outFeatures(); f++) {
        gradients[largest(shape, image, f)] = upstream.get(b, f);
      }
      target.setRow(b, gradients);
    }
  }

  /** The feature of x that a feature of y is. */
  private static int largest(MaxPooling shape, double[] image, int feature) {
    int line = feature / shape.outWidth();
    int channel = line / shape.outHeight();
    int top = channel * shape.height() + line % shape.outHeight() * shape.size();
    int first = top * shape.width() + feature % shape.outWidth() * shape.size();
    int best = first;
    for (int r = 0; r < shape.size(); r++) {
      for (int c = 0; c < shape.size(); c++) {
        int at = first + r * shape.width() + c;
        if (image[at] > image[best] || (Double.isNaN(image[at]) && !Double.isNaN(image[best]))) {
          best = at;
        }
      }
    }
    return best;
  }
}
