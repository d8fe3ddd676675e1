// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cuda;

import io.github.kofn.DType;
import io.github.kofn.sparse.Convolution;
import io.github.kofn.sparse.KofNLayout;
import java.util.Arrays;

/** A convolution of a test. */
record ConvolutionProblem(Convolution shape, KofNLayout layout, DType type) {

  /**
   * A convolution whose rows keep half of their blocks.
   *
   * @param sizes the components of a Convolution, with blanks between them
   * @param blockOut outputs of a block of weights
   * @param blockIn inputs of a block; 0: a kernel
   */
  static ConvolutionProblem of(String sizes, int blockOut, int blockIn, DType type) {
    int[] s = Arrays.stream(sizes.split(" ", -1)).mapToInt(Integer::parseInt).toArray();
    Convolution shape = new Convolution(s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7]);
    int inputs = blockIn == 0 ? shape.kernelSize() : blockIn;
    int n = Math.ceilDiv(shape.weightColumns(), inputs);
    KofNLayout layout =
        new KofNLayout(
            shape.outChannels(), shape.weightColumns(), blockOut, inputs, Math.ceilDiv(n, 2));
    return new ConvolutionProblem(shape, layout, type);
  }
}
