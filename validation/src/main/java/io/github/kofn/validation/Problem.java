// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.validation;

import io.github.kofn.DType;
import io.github.kofn.sparse.KofNLayout;
import java.util.Locale;

/**
 * A product's sizes, types and storage.
 *
 * @param batch examples
 * @param layout the matrix's sizes
 * @param types of the operands and the result
 * @param packed whether the matrix is packed; else in place
 * @param preferredLayout whether activations lie as the device likes best; else row-major
 * @param pattern which blocks are kept
 */
record Problem(
    int batch,
    KofNLayout layout,
    Types types,
    boolean packed,
    boolean preferredLayout,
    PatternKind pattern) {

  /**
   * The types of X, W and Y. Y's is that of the gradients with respect to activations, too.
   *
   * @param x of X
   * @param w of W
   * @param y of Y
   * @param tf32 whether F32 factors may be rounded to TF32
   */
  record Types(DType x, DType w, DType y, boolean tf32) {
    Types(DType x, DType w, DType y) {
      this(x, w, y, false);
    }

    boolean isInteger() {
      return x == DType.I8;
    }

    /** Whether a GPU may multiply these on tensor cores, to floating-point sums. */
    boolean onTensorCores(DType a, DType b) {
      return tf32 || (a != DType.F32 && b != DType.F32 && !isInteger());
    }

    @Override
    public String toString() {
      return x + "*" + w + "->" + y + (tf32 ? " by TF32" : "");
    }
  }

  /** Which blocks a row keeps. */
  enum PatternKind {
    RANDOM,
    /** The last block column is kept by every row: the longest column there is. */
    COMMON_COLUMN,
    /** Only the first k block columns are kept by any row: the others are empty. */
    EMPTY_COLUMNS,
    /** Like RANDOM; X holds NaN and infinities at one input, and dY at one output. */
    POLLUTED_INPUT;

    String label() {
      return name().toLowerCase(Locale.ROOT).replace('_', ' ');
    }
  }

  @Override
  public String toString() {
    return "%dx%d k=%d of %d, blocks %dx%d, batch %d, %s%s, %s"
        .formatted(
            layout.out(),
            layout.in(),
            layout.k(),
            layout.blockColumns(),
            layout.blockOut(),
            layout.blockIn(),
            batch,
            packed ? "packed" : "in place",
            preferredLayout ? " in the device's layout" : "",
            pattern.label());
  }
}
