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
 * several equal operations nothing is allocated. A graph that is captured gets memory of its own,
 * for its launches may come when this memory has other uses.
 */
final class Workspace {
  private final CudaContext context;
  private final List<Buffer> pieces = new ArrayList<>();
  private final boolean ofGraph;
  private int next;

  Workspace(CudaContext context) {
    this(context, false);
  }

  private Workspace(CudaContext context, boolean ofGraph) {
    this.context = context;
    this.ofGraph = ofGraph;
  }

  /** A workspace that a graph keeps. */
  static Workspace ofGraph(CudaContext context) {
    return new Workspace(context, true);
  }

  /** All pieces may be handed out again. */
  void reset() {
    if (captured() != null) {
      captured().reset();
      return;
    }
    next = 0;
  }

  /** The counterpart in the graph that this thread captures; null outside, and for itself. */
  private Workspace captured() {
    Capture capture = context.capture();
    return capture == null || ofGraph ? null : capture.workspace(this);
  }

  /** Memory with undefined contents. */
  View matrix(DType type, long rows, long columns) {
    if (captured() != null) {
      return captured().matrix(type, rows, columns);
    }
    long bytes = rows * columns * type.bytes();
    if (next == pieces.size()) {
      pieces.add(context.allocate(bytes));
    } else if (pieces.get(next).byteSize() < bytes) {
      // In the order of the stream; a capture keeps it for the operations that it recorded.
      context.release(pieces.remove(next));
      pieces.add(next, context.allocate(bytes));
    }
    return new View(pieces.get(next++), 0, type, rows, columns, columns, Layout.ROW_MAJOR);
  }

  /** Sets a piece to zero. */
  void clear(View view) {
    context.fill(view.buffer(), 0, view.rows() * view.pitch() * view.type().bytes(), 0);
  }

  /** Gives everything back. */
  void close() {
    pieces.forEach(context::release);
    pieces.clear();
  }
}
