// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cuda;

import io.github.kofn.DType;
import io.github.kofn.sparse.KofNLayout;

/**
 * A product, as far as the choice of its kernel depends on it.
 *
 * @param operation which product
 * @param layout the matrix's sizes
 * @param batch examples
 * @param first the type of X forward, else of dY
 * @param second the type of W, of a gradient with respect to W or the mask the type of X
 * @param tf32 whether F32 factors may be rounded to TF32
 */
record ProductProblem(
    Operation operation, KofNLayout layout, long batch, DType first, DType second, boolean tf32) {

  /** The products. */
  enum Operation {
    FORWARD,
    INPUT_GRADIENT,
    WEIGHT_GRADIENT,
    MASK_GRADIENT
  }

  /** What share of the matrix is kept. */
  double density() {
    int n = layout.blockColumns();
    return n == 0 ? 0 : (double) layout.k() / n;
  }

  /** Whether sums are integers. */
  boolean isInteger() {
    return first == DType.I8;
  }

  /** The type's name on tensor cores; null where they take none of these types, or they differ. */
  String tensorType() {
    if (first != second) {
      return null;
    }
    return switch (first) {
      case BF16 -> "bf16";
      case F16 -> "f16";
      case I8 -> "i8";
      case F32 -> tf32 ? "tf32" : null;
      case U8, U16, I32, I64 -> null;
    };
  }
}
