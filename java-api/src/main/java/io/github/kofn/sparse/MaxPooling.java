// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.sparse;

import io.github.kofn.Tensor;
import io.github.kofn.internal.Access;
import io.github.kofn.internal.Check;

/**
 * Keeps the largest of every size x size window of an image; windows lie side by side, and what is
 * left over at the lower and right border is dropped. A NaN counts as larger than any number; of
 * equals the first counts, row by row. Images are features in the order channel, row, column, as in
 * {@link Convolution}. Results are exact.
 *
 * @param channels feature maps, at least 1
 * @param height rows of x, at least size
 * @param width columns of x, at least size
 * @param size rows and columns of a window, at least 1
 */
public record MaxPooling(int channels, int height, int width, int size) {

  /**
   * Checks the sizes.
   *
   * @throws IllegalArgumentException if one is out of its range, or x has more than 2^31 - 1
   *     features
   */
  public MaxPooling {
    Check.atLeast("channels", channels, 1);
    Check.atLeast("size", size, 1);
    Check.atLeast("height", height, size);
    Check.atLeast("width", width, size);
    Check.that(
        (long) height * width <= Integer.MAX_VALUE / channels,
        "channels * height * width is %d * %d * %d; allowed: products up to %d",
        channels,
        height,
        width,
        Integer.MAX_VALUE);
  }

  /**
   * The rows of y.
   *
   * @return height / size, rounded down
   */
  public int outHeight() {
    return height / size;
  }

  /**
   * The columns of y.
   *
   * @return width / size, rounded down
   */
  public int outWidth() {
    return width / size;
  }

  /**
   * The features of x.
   *
   * @return channels * height * width
   */
  public int inFeatures() {
    return channels * height * width;
  }

  /**
   * The features of y.
   *
   * @return channels * outHeight * outWidth
   */
  public int outFeatures() {
    return channels * outHeight() * outWidth();
  }

  /**
   * Pools.
   *
   * @param x [batch, inFeatures], F32, BF16 or F16, in either layout
   * @param y [batch, outFeatures], F32, BF16 or F16, in either layout, overwritten; must not
   *     overlap x
   */
  public void pool(Tensor x, Tensor y) {
    Check.notNull("x", x);
    check("x", x, x.rows(), inFeatures());
    check("y", y, x.rows(), outFeatures());
    Check.that(x != y, "y is x; allowed: another tensor");
    Access.engine(x.device()).convolutions().maxPool(this, Access.view(x), Access.view(y));
  }

  /**
   * The way back: each window's gradient goes to the pixel that was kept, all others get 0.
   *
   * @param x as it was pooled
   * @param dy [batch, outFeatures], F32, BF16 or F16: the loss's gradient with respect to y
   * @param dx [batch, inFeatures], F32, BF16 or F16, overwritten; must not overlap x or dy
   */
  public void gradient(Tensor x, Tensor dy, Tensor dx) {
    Check.notNull("x", x);
    check("x", x, x.rows(), inFeatures());
    check("dy", dy, x.rows(), outFeatures());
    check("dx", dx, x.rows(), inFeatures());
    Check.that(dx != x && dx != dy, "dx is x or dy; allowed: another tensor");
    Access.engine(x.device())
        .convolutions()
        .maxPoolGradient(this, Access.view(x), Access.view(dy), Access.view(dx));
  }

  private static void check(String name, Tensor tensor, long batch, int features) {
    Shapes.matrix(name, tensor, batch, features);
    Shapes.floating(name, tensor);
  }
}
