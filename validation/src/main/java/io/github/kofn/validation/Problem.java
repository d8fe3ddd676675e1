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

  /** The types of X, W and Y. */
  record Types(DType x, DType w, DType y) {
    boolean isInteger() {
      return x == DType.I8;
    }

    /** Whether a GPU multiplies these on tensor cores. */
    boolean isHalf() {
      return x != DType.F32 && w != DType.F32 && !isInteger();
    }

    @Override
    public String toString() {
      return x + "*" + w + "->" + y;
    }
  }

  /** Which blocks a row keeps. */
  enum PatternKind {
    RANDOM,
    /** The last block column is kept by every row: the longest column there is. */
    COMMON_COLUMN,
    /** Only the first k block columns are kept by any row: the others are empty. */
    EMPTY_COLUMNS,
    /** Like RANDOM; X holds NaN and infinities at one input. */
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
