// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.kernels;

import io.github.kofn.DType;
import io.github.kofn.Layout;
import java.lang.foreign.MemorySegment;

/**
 * Typed elements in a buffer, seen as a matrix. A tensor of any other rank is seen with its leading
 * dimensions flattened into rows.
 *
 * @param buffer the memory
 * @param offset where the first element lies, in bytes
 * @param type the element type
 * @param rows number of rows
 * @param columns number of columns
 * @param pitch from the start of a row to the start of the next, in elements; equals columns in
 *     panels
 * @param layout row-major or panels
 */
public record View(
    Buffer buffer, long offset, DType type, long rows, long columns, long pitch, Layout layout) {

  /** The host memory of this view, beginning at its first element. */
  public MemorySegment segment() {
    return buffer.host().asSlice(offset);
  }

  /** The position of an element, in elements from the first. */
  public long index(long row, long column) {
    if (layout == Layout.ROW_MAJOR) {
      return row * pitch + column;
    }
    long first = row - row % Layout.PANEL;
    long width = Math.min(Layout.PANEL, rows - first);
    return first * columns + column * width + (row - first);
  }
}
