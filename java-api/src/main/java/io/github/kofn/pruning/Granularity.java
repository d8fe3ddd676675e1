// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.pruning;

import io.github.kofn.internal.Check;
import io.github.kofn.sparse.KofNLayout;

/**
 * What one mask entry keeps or prunes: a block of the weight matrix [out, in].
 *
 * <table>
 * <caption>Granularities, the mask's shape and what is counted exactly</caption>
 * <tr><th>granularity</th><th>block</th><th>mask [rows, n]</th><th>exactly k of</th></tr>
 * <tr><td>{@link #WEIGHT}</td><td>1 x 1</td><td>[out, in]</td><td>the inputs of each output</td></tr>
 * <tr><td>{@link #kernel}</td><td>1 x (kh * kw)</td><td>[cOut, cIn]</td><td>the 2-D kernels of each
 * output feature map</td></tr>
 * <tr><td>{@link #filter}</td><td>out x (kh * kw)</td><td>[1, cIn]</td><td>the layer's input feature
 * maps: a map is kept for all outputs or for none</td></tr>
 * <tr><td>{@link #block}</td><td>r x c</td><td>[ceil(out / r), ceil(in / c)]</td><td>the blocks of
 * each block row</td></tr>
 * </table>
 *
 * <p>A convolution's weights are the matrix [cOut, cIn * kh * kw], that is, row-major [cOut, cIn,
 * kh, kw]. Weights in another order must be <em>transposed</em> into this one; a reshape gives
 * masks whose totals are right and whose groups are not.
 *
 * @param blockOut outputs in a block, at least 1; 0 for all of a layer's
 * @param blockIn inputs in a block, at least 1
 */
public record Granularity(int blockOut, int blockIn) {
  /** Single weights: k of the n inputs of every output neuron. */
  public static final Granularity WEIGHT = new Granularity(1, 1);

  /**
   * Checks the sizes.
   *
   * @throws IllegalArgumentException if one is out of its range
   */
  public Granularity {
    Check.atLeast("blockOut", blockOut, 0);
    Check.atLeast("blockIn", blockIn, 1);
  }

  /**
   * Convolution kernels: k of the n 2-D kernels of every output feature map.
   *
   * @param height height of a kernel, at least 1
   * @param width width of a kernel, at least 1
   * @return the granularity
   */
  public static Granularity kernel(int height, int width) {
    return new Granularity(1, area(height, width));
  }

  /**
   * Feature maps: k of the n input maps of a layer, the same for all its outputs. For a fully
   * connected layer, 1 x 1, these are its input neurons.
   *
   * @param height height of a kernel, at least 1
   * @param width width of a kernel, at least 1
   * @return the granularity
   */
  public static Granularity filter(int height, int width) {
    return new Granularity(0, area(height, width));
  }

  /**
   * Blocks, as tensor cores like them.
   *
   * @param outputs outputs in a block, at least 1
   * @param inputs inputs in a block, at least 1
   * @return the granularity
   */
  public static Granularity block(int outputs, int inputs) {
    Check.atLeast("outputs", outputs, 1);
    return new Granularity(outputs, inputs);
  }

  /**
   * The layout of a matrix that is pruned this way.
   *
   * @param out number of outputs, at least 1
   * @param in number of inputs, at least 1
   * @param keep the fraction of the n blocks that each block row keeps, above 0 and at most 1; k is
   *     {@code keep * n} rounded to the nearest whole number, and at least 1
   * @return the layout
   */
  public KofNLayout layout(int out, int in, double keep) {
    Check.atLeast("out", out, 1);
    Check.atLeast("in", in, 1);
    Check.that(keep > 0 && keep <= 1, "keep is %s; allowed: above 0 and at most 1", keep);
    int n = Math.ceilDiv(in, blockIn);
    return new KofNLayout(
        out,
        in,
        blockOut == 0 ? out : blockOut,
        blockIn,
        Math.toIntExact(Math.max(1, Math.round(keep * n))));
  }

  private static int area(int height, int width) {
    Check.atLeast("height", height, 1);
    Check.atLeast("width", width, 1);
    return Math.multiplyExact(height, width);
  }
}
