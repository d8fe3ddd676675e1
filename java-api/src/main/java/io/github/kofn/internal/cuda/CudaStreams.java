// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cuda;

import io.github.kofn.internal.kernels.Streams;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HashSet;
import java.util.Set;

/** Streams, events and graphs of the driver. */
final class CudaStreams implements Streams {
  private static final int NON_BLOCKING = 1;
  private static final int NOT_READY = 600;

  /**
   * The mode of captures in which calls that a capture does not record, such as allocations, are
   * carried out at once; what they may disturb is other threads' use of the captured stream, and
   * nobody else knows it.
   */
  private static final int RELAXED = 2;

  private final CudaContext context;
  private final Driver driver;
  private final Set<Long> streams = new HashSet<>();
  private final Set<Long> events = new HashSet<>();
  private final Set<CudaGraph> graphs = new HashSet<>();

  CudaStreams(CudaContext context, Driver driver) {
    this.context = context;
    this.driver = driver;
  }

  @Override
  public long own() {
    return context.own();
  }

  @Override
  public long create() {
    synchronized (context) {
      context.makeCurrent();
      long stream = driver.query(Entry.STREAM_CREATE, NON_BLOCKING);
      streams.add(stream);
      return stream;
    }
  }

  @Override
  public void destroy(long stream) {
    synchronized (context) {
      if (streams.remove(stream)) {
        context.makeCurrent();
        context.leave(stream);
        driver.call(Entry.STREAM_DESTROY, stream);
      }
    }
  }

  @Override
  public void check(long stream) {
    synchronized (context) {
      context.makeCurrent();
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment out = arena.allocate(ValueLayout.JAVA_LONG);
        driver.call(Entry.STREAM_CONTEXT, stream, out.address());
        long owner = out.get(ValueLayout.JAVA_LONG, 0);
        if (owner != context.handle()) {
          throw new IllegalArgumentException(
              "stream 0x%x belongs to CUDA context 0x%x; allowed: streams of the device's primary context, 0x%x"
                  .formatted(stream, owner, context.handle()));
        }
      }
    }
  }

  @Override
  public void on(long stream, Runnable work) {
    context.requireNoCapture("changing the stream");
    CudaContext.Scope before = context.scope();
    context.setScope(new CudaContext.Scope(stream, null));
    try {
      work.run();
    } finally {
      context.setScope(before);
      // From here on the stream may go away.
      synchronized (context) {
        context.makeCurrent();
        context.leave(stream);
      }
    }
  }

  @Override
  public void synchronize(long stream) {
    context.requireNoCapture("waiting for a stream");
    context.synchronize(stream);
  }

  @Override
  public boolean isIdle(long stream) {
    synchronized (context) {
      context.makeCurrent();
      return isReady(Entry.STREAM_QUERY, stream);
    }
  }

  private boolean isReady(Entry question, long handle) {
    int result = driver.result(question, handle);
    if (result == NOT_READY) {
      return false;
    }
    driver.check(result, question, "");
    return true;
  }

  @Override
  public void await(long stream, long event) {
    context.requireNoCapture("waiting for an event");
    synchronized (context) {
      context.enter(stream);
      driver.call(Entry.STREAM_WAIT, stream, event, 0);
    }
  }

  @Override
  public long createEvent() {
    synchronized (context) {
      context.makeCurrent();
      long event = driver.query(Entry.EVENT_CREATE, 0);
      events.add(event);
      return event;
    }
  }

  @Override
  public void destroyEvent(long event) {
    synchronized (context) {
      if (events.remove(event)) {
        context.makeCurrent();
        driver.call(Entry.EVENT_DESTROY, event);
      }
    }
  }

  @Override
  public void record(long event, long stream) {
    context.requireNoCapture("recording an event");
    synchronized (context) {
      context.enter(stream);
      driver.call(Entry.EVENT_RECORD, event, stream);
    }
  }

  @Override
  public void synchronizeEvent(long event) {
    context.requireNoCapture("waiting for an event");
    synchronized (context) {
      context.makeCurrent();
      driver.call(Entry.EVENT_SYNCHRONIZE, event);
    }
  }

  @Override
  public boolean hasHappened(long event) {
    synchronized (context) {
      context.makeCurrent();
      return isReady(Entry.EVENT_QUERY, event);
    }
  }

  @Override
  public double milliseconds(long from, long to) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(ValueLayout.JAVA_FLOAT);
      synchronized (context) {
        context.makeCurrent();
        driver.call(Entry.EVENT_ELAPSED, out.address(), from, to);
      }
      return out.get(ValueLayout.JAVA_FLOAT, 0);
    }
  }

  @Override
  public Replay capture(Runnable work) {
    context.requireNoCapture("capturing");
    CudaContext.Scope before = context.scope();
    Capture capture = new Capture(context);
    long stream;
    synchronized (context) {
      context.makeCurrent();
      stream = driver.query(Entry.STREAM_CREATE, NON_BLOCKING);
      driver.call(Entry.CAPTURE_BEGIN, stream, RELAXED);
    }
    context.setScope(new CudaContext.Scope(stream, capture));
    long graph = 0;
    try {
      try {
        work.run();
      } finally {
        context.setScope(before);
        graph = end(stream);
      }
      CudaGraph made = new CudaGraph(context, driver, graph, capture, graphs);
      graphs.add(made);
      return made;
    } catch (RuntimeException | Error e) {
      capture.close();
      throw e;
    } finally {
      if (graph != 0) {
        driver.call(Entry.GRAPH_DESTROY, graph);
      }
    }
  }

  private long end(long stream) {
    synchronized (context) {
      context.makeCurrent();
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment out = arena.allocate(ValueLayout.JAVA_LONG);
        driver.call(Entry.CAPTURE_END, stream, out.address());
        return out.get(ValueLayout.JAVA_LONG, 0);
      } finally {
        driver.call(Entry.STREAM_DESTROY, stream);
      }
    }
  }

  /** Gives back what the users of the device left open. */
  void close() {
    Set.copyOf(graphs).forEach(CudaGraph::close);
    Set.copyOf(events).forEach(this::destroyEvent);
    Set.copyOf(streams).forEach(this::destroy);
  }
}
