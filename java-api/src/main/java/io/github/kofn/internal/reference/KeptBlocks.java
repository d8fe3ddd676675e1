// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.reference;

import io.github.kofn.internal.kernels.ProductKernels.Pattern;
import io.github.kofn.internal.kernels.View;
import io.github.kofn.sparse.KofNLayout;

/**
 * The elements of a k-of-n matrix that exist: those of the kept blocks, as far as the matrix
 * reaches. Element (output, input) of the kept block in slot s of block row r lies at [output,
 * input] of dense values, and at {@code ((r k + s) bo + output % bo) bi + input % bi} of packed
 * ones.
 */
final class KeptBlocks {
  /** Does something with one kept element. */
  interface Visitor {
    void visit(int input, long position);
  }

  private final KofNLayout layout;
  private final Elements indices;
  private final boolean packed;
  private final View values;

  KeptBlocks(Pattern pattern) {
    this.layout = pattern.layout();
    this.indices = new Elements(pattern.indices());
    this.packed = pattern.packed();
    this.values = pattern.values();
  }

  /** Visits the kept elements of an output: its inputs, ascending, and where the values lie. */
  void forEach(int output, Visitor visitor) {
    for (int slot = 0; slot < layout.k(); slot++) {
      int first = indices.getInt(output / layout.blockOut(), slot) * layout.blockIn();
      int end = first + Math.min(layout.blockIn(), layout.in() - first);
      for (int input = first; input < end; input++) {
        visitor.visit(input, position(output, slot, input));
      }
    }
  }

  private long position(int output, int slot, int input) {
    if (!packed) {
      return values.index(output, input);
    }
    int blockRow = output / layout.blockOut();
    long block = (long) blockRow * layout.k() + slot;
    long row = block * layout.blockOut() + output % layout.blockOut();
    return row * layout.blockIn() + input % layout.blockIn();
  }
}
