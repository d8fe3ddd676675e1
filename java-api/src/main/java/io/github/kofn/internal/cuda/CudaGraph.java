// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cuda;

import io.github.kofn.internal.kernels.Streams.Replay;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Set;

/** An executable graph. */
final class CudaGraph implements Replay {
  private final CudaContext context;
  private final Driver driver;
  private final Capture capture;
  private final Set<CudaGraph> registry;
  private final long size;
  private final long executable;
  private boolean closed;

  /**
   * Makes a captured graph executable.
   *
   * @param graph stays the caller's
   * @param capture what the graph needs; becomes this object's if the constructor returns
   * @param registry the device's graphs, from which this one removes itself
   */
  CudaGraph(
      CudaContext context, Driver driver, long graph, Capture capture, Set<CudaGraph> registry) {
    this.context = context;
    this.driver = driver;
    this.capture = capture;
    this.registry = registry;
    synchronized (context) {
      context.makeCurrent();
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment count = arena.allocate(ValueLayout.JAVA_LONG);
        driver.call(Entry.GRAPH_NODES, graph, 0, count.address());
        size = count.get(ValueLayout.JAVA_LONG, 0);
      }
      executable = driver.query(Entry.GRAPH_INSTANTIATE, graph, 0);
    }
  }

  @Override
  public long size() {
    return size;
  }

  @Override
  public void launch(int steps) {
    context.requireNoCapture("launching a graph");
    synchronized (context) {
      long stream = context.enter();
      driver.call(Entry.FILL_WORDS, capture.steps(), steps, 1, stream);
      driver.call(Entry.GRAPH_LAUNCH, executable, stream);
      context.rowStatus().use(capture.status());
    }
    context.finish();
  }

  @Override
  public void close() {
    synchronized (context) {
      if (closed) {
        return;
      }
      closed = true;
      registry.remove(this);
      context.enter();
      driver.call(Entry.GRAPH_EXEC_DESTROY, executable);
      capture.close();
    }
  }
}
