// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cuda;

import io.github.kofn.DType;
import io.github.kofn.Layout;
import io.github.kofn.internal.kernels.Buffer;
import io.github.kofn.internal.kernels.View;
import java.util.ArrayList;
import java.util.List;

/**
 * Device memory for what lies between the launches of one operation. It is kept from operation to
 * operation and only grows: pieces are handed out in a fixed order, so that after the first of
 * several equal operations nothing is allocated.
 */
final class Workspace {
  private final CudaContext context;
  private final List<Buffer> pieces = new ArrayList<>();
  private int next;

  Workspace(CudaContext context) {
    this.context = context;
  }

  /** All pieces may be handed out again. */
  void reset() {
    next = 0;
  }

  /** Memory with undefined contents. */
  View matrix(DType type, long rows, long columns) {
    long bytes = rows * columns * type.bytes();
    if (next == pieces.size()) {
      pieces.add(context.allocate(bytes));
    } else if (pieces.get(next).byteSize() < bytes) {
      context.synchronize();
      context.release(pieces.get(next));
      pieces.set(next, context.allocate(bytes));
    }
    return new View(pieces.get(next++), 0, type, rows, columns, columns, Layout.ROW_MAJOR);
  }

  /** Sets a piece to zero. */
  void clear(View view) {
    context.fill(view.buffer(), 0, view.rows() * view.columns() * view.type().bytes(), 0);
  }

  /** Gives everything back. */
  void close() {
    pieces.forEach(context::release);
    pieces.clear();
  }
}
