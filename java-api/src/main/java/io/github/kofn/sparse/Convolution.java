// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.sparse;

import io.github.kofn.internal.Check;

/**
 * The sizes of a two-dimensional convolution (cross-correlation, as is usual for networks):
 *
 * <pre>
 * y[b, o, p, q] = sum over c, u, v of w[o, c, u, v] x[b, c, p stride + u - padding, q stride + v - padding]
 * </pre>
 *
 * with 0 for x outside the image. As activations, images are features in the order channel, row,
 * column (NCHW): x is [batch, inChannels * height * width] and y [batch, outChannels * outHeight *
 * outWidth]. As a matrix, the weights are [outChannels, inChannels * kernelHeight * kernelWidth],
 * that is, row-major [outChannels, inChannels, kernelHeight, kernelWidth].
 *
 * @param inChannels feature maps of x, at least 1
 * @param height rows of x, at least 1
 * @param width columns of x, at least 1
 * @param outChannels feature maps of y, at least 1
 * @param kernelHeight rows of a kernel, at least 1 and at most height + 2 * padding
 * @param kernelWidth columns of a kernel, at least 1 and at most width + 2 * padding
 * @param stride rows and columns from one position of the kernel to the next, at least 1
 * @param padding rows and columns of zeros on each side of x, at least 0
 */
public record Convolution(
    int inChannels,
    int height,
    int width,
    int outChannels,
    int kernelHeight,
    int kernelWidth,
    int stride,
    int padding) {

  /**
   * Checks the sizes.
   *
   * @throws IllegalArgumentException if one is out of its range, or x, y or the weights of one
   *     feature map have more than 2^31 - 1 elements
   */
  public Convolution {
    Check.atLeast("inChannels", inChannels, 1);
    Check.atLeast("height", height, 1);
    Check.atLeast("width", width, 1);
    Check.atLeast("outChannels", outChannels, 1);
    Check.range("stride", stride, 1, 1 << 20);
    Check.range("padding", padding, 0, 1 << 20);
    Check.range("kernelHeight", kernelHeight, 1, height + 2L * padding);
    Check.range("kernelWidth", kernelWidth, 1, width + 2L * padding);
    size("inChannels * height * width", inChannels, height, width);
    size("inChannels * kernelHeight * kernelWidth", inChannels, kernelHeight, kernelWidth);
    size(
        "outChannels * outHeight * outWidth",
        outChannels,
        positions(height, kernelHeight, stride, padding),
        positions(width, kernelWidth, stride, padding));
  }

  private static void size(String name, int channels, int rows, int columns) {
    // The product of the last two is below 2^62, that of all three may wrap.
    long plane = (long) rows * columns;
    Check.that(
        plane <= Integer.MAX_VALUE / channels,
        "%s is %d * %d * %d; allowed: products up to %d",
        name,
        channels,
        rows,
        columns,
        Integer.MAX_VALUE);
  }

  private static int positions(int size, int kernel, int stride, int padding) {
    return (int) ((size + 2L * padding - kernel) / stride) + 1;
  }

  /**
   * The rows of y.
   *
   * @return (height + 2 * padding - kernelHeight) / stride + 1, rounded down
   */
  public int outHeight() {
    return positions(height, kernelHeight, stride, padding);
  }

  /**
   * The columns of y.
   *
   * @return (width + 2 * padding - kernelWidth) / stride + 1, rounded down
   */
  public int outWidth() {
    return positions(width, kernelWidth, stride, padding);
  }

  /**
   * The features of x.
   *
   * @return inChannels * height * width
   */
  public int inFeatures() {
    return inChannels * height * width;
  }

  /**
   * The features of y.
   *
   * @return outChannels * outHeight * outWidth
   */
  public int outFeatures() {
    return outChannels * outPixels();
  }

  /**
   * The pixels of a feature map of y.
   *
   * @return outHeight * outWidth
   */
  public int outPixels() {
    return outHeight() * outWidth();
  }

  /**
   * The weights of one 2-D kernel.
   *
   * @return kernelHeight * kernelWidth
   */
  public int kernelSize() {
    return kernelHeight * kernelWidth;
  }

  /**
   * The weights of one feature map of y: the columns of the weight matrix.
   *
   * @return inChannels * kernelHeight * kernelWidth
   */
  public int weightColumns() {
    return inChannels * kernelSize();
  }

  /**
   * The layout of weights pruned by kernels: every feature map of y keeps k of its 2-D kernels.
   *
   * @param k kernels kept for each feature map, 0 to inChannels
   * @return blocks of 1 x (kernelHeight * kernelWidth)
   */
  public KofNLayout kernels(int k) {
    return new KofNLayout(outChannels, weightColumns(), 1, kernelSize(), k);
  }
}
