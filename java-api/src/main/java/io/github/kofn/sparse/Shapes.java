// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.sparse;

import io.github.kofn.DType;
import io.github.kofn.Layout;
import io.github.kofn.Tensor;
import io.github.kofn.internal.Check;

/** Checks of the tensors that products take. */
final class Shapes {
  private Shapes() {}

  static void activations(String name, Tensor tensor, long batch, long features) {
    matrix(name, tensor, batch, features);
    Check.that(
        tensor.type().isFloating() || tensor.type() == DType.I8,
        "%s is %s; allowed: F32, BF16, F16 or I8",
        name,
        tensor);
  }

  static void matrix(String name, Tensor tensor, long rows, long columns) {
    Check.notNull(name, tensor);
    Check.that(
        tensor.rows() == rows && tensor.columns() == columns,
        "%s is %s; allowed: [%d, %d]",
        name,
        tensor,
        rows,
        columns);
  }

  static void rowMajor(String name, Tensor tensor) {
    Check.that(tensor.layout() == Layout.ROW_MAJOR, "%s is %s; allowed: row-major", name, tensor);
  }

  static void f32(String name, Tensor tensor) {
    Check.that(tensor.type() == DType.F32, "%s is %s; allowed: F32", name, tensor);
  }

  static void floating(String name, Tensor tensor) {
    Check.that(tensor.type().isFloating(), "%s is %s; allowed: F32, BF16 or F16", name, tensor);
  }

  static void vector(String name, Tensor tensor, long length) {
    Check.notNull(name, tensor);
    Check.that(
        tensor.size() == length && tensor.columns() == length,
        "%s is %s; allowed: [%d]",
        name,
        tensor,
        length);
    f32(name, tensor);
    rowMajor(name, tensor);
  }
}
