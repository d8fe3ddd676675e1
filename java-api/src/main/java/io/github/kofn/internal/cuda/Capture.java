// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cuda;

import io.github.kofn.internal.kernels.Buffer;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.function.Predicate;
import java.util.function.Supplier;

/**
 * What a graph keeps for itself, because its launches come whenever they like: workspaces, the
 * words for bad rows, memory that was released while it was captured, and the word that is added to
 * the step of its draws.
 */
final class Capture {
  private final CudaContext context;
  private final List<Buffer> owned = new ArrayList<>();
  private final IdentityHashMap<Workspace, Workspace> workspaces = new IdentityHashMap<>();
  private final List<RowStatus.Block> status = new ArrayList<>();
  private final Buffer steps;

  Capture(CudaContext context) {
    this.context = context;
    this.steps = context.allocate(4);
  }

  /** The address of the word that is added to the step of draws. */
  long steps() {
    return steps.address();
  }

  /** Memory that lives as long as the graph. */
  void own(Buffer buffer) {
    owned.add(buffer);
  }

  /** The graph's own counterpart of a workspace. */
  Workspace workspace(Workspace direct) {
    return workspaces.computeIfAbsent(direct, w -> Workspace.ofGraph(context));
  }

  /** A block of words with room for one more. */
  RowStatus.Block status(Predicate<RowStatus.Block> full, Supplier<RowStatus.Block> more) {
    if (status.isEmpty() || full.test(status.getLast())) {
      status.add(more.get());
    }
    return status.getLast();
  }

  List<RowStatus.Block> status() {
    return status;
  }

  /** Gives everything back, in the order of the stream. */
  void close() {
    workspaces.values().forEach(Workspace::close);
    status.forEach(RowStatus.Block::close);
    owned.forEach(context::release);
    context.release(steps);
  }
}
