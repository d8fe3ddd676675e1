// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.reference;

import io.github.kofn.DType;
import io.github.kofn.Layout;
import io.github.kofn.internal.kernels.Buffer;
import io.github.kofn.internal.kernels.View;
import java.lang.foreign.MemorySegment;

/** Views over fresh heap memory, and their contents as arrays. */
final class Matrices {
  private Matrices() {}

  /** Room for a matrix, at an odd offset and, row-major, with a pitch beyond its columns. */
  static View zeros(DType type, Layout layout, long rows, long columns) {
    long pitch = layout == Layout.PANELS ? columns : columns + 3;
    int offset = 5;
    byte[] memory = new byte[Math.toIntExact(offset + rows * pitch * type.bytes())];
    Buffer buffer = Buffer.ofHost(MemorySegment.ofArray(memory));
    return new View(buffer, offset, type, rows, columns, pitch, layout);
  }

  static View zeros(DType type, long rows, long columns) {
    return zeros(type, Layout.ROW_MAJOR, rows, columns);
  }

  /** Room without gaps, as packed values need it. */
  static View dense(DType type, long rows, long columns) {
    byte[] memory = new byte[Math.toIntExact(rows * columns * type.bytes())];
    Buffer buffer = Buffer.ofHost(MemorySegment.ofArray(memory));
    return new View(buffer, 0, type, rows, columns, columns, Layout.ROW_MAJOR);
  }

  static View of(DType type, Layout layout, double[][] values, long columns) {
    View view = zeros(type, layout, values.length, columns);
    fill(view, values);
    return view;
  }

  static View floats(double[]... values) {
    return of(DType.F32, Layout.ROW_MAJOR, values, values.length == 0 ? 0 : values[0].length);
  }

  static void fill(View view, double[][] values) {
    Elements elements = new Elements(view);
    for (int row = 0; row < values.length; row++) {
      elements.setRow(row, values[row]);
    }
  }

  static double[][] values(View view) {
    Elements elements = new Elements(view);
    double[][] values = new double[Math.toIntExact(view.rows())][];
    for (int row = 0; row < values.length; row++) {
      values[row] = elements.row(row);
    }
    return values;
  }
}
