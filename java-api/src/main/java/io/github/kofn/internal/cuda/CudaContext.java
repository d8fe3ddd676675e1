// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cuda;

import io.github.kofn.CudaException;
import io.github.kofn.internal.cuda.LoadedKernels.Kernel;
import io.github.kofn.internal.kernels.Buffer;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * One GPU's primary context (shared with the CUDA runtime, PyTorch and JCuda, so that pointers are
 * shared too), and its kernels. A context is current per operating-system thread, a virtual thread
 * moves between those, and other libraries set what they like: every entry sets it again, but for
 * launches, which need none.
 *
 * <p>Work goes to the calling thread's stream: the one that {@link CudaStreams#on} names, a
 * capture's, or the device's own. Operations share workspaces, so whatever their streams are they
 * run in the order of the calls: a stream first waits for the one that was used before it. Methods
 * are synchronized: the parameter block is shared.
 */
final class CudaContext implements AutoCloseable {
  private static final int ATTRIBUTE_MULTIPROCESSORS = 16;
  private static final int ATTRIBUTE_MAJOR = 75;
  private static final int ATTRIBUTE_MINOR = 76;
  private static final int NON_BLOCKING = 1;

  private static final int WITHOUT_TIMING = 2;

  /** Handles up to this one are no streams but the driver's names for default streams. */
  private static final long LAST_DEFAULT_STREAM = 2;

  private final Driver driver;
  private final Sanitizer sanitizer;
  private final int device;
  private final long context;
  private final long own;
  private final long order;
  private final int multiprocessors;
  private final Arena arena = Arena.ofShared();

  /** How to give back what was taken, the latest first. */
  private final Deque<Runnable> undo = new ArrayDeque<>();

  private final Parameters parameters = new Parameters(arena);
  private final LoadedKernels kernels;

  @SuppressWarnings("ThreadLocalUsage") // one a context, removed when the scope ends
  private final ThreadLocal<Scope> scope = new ThreadLocal<>();

  private final CudaMemory memory;
  private final Buffer noSteps;
  private final RowStatus rowStatus;
  private final CudaStreams streams;

  /** The stream that was used last; it counts until {@link #leave} has marked its end. */
  private long last;

  private boolean marked;
  private boolean closed;

  /**
   * Where a thread's work goes.
   *
   * @param stream the stream
   * @param capture what records it, or null if it runs
   */
  record Scope(long stream, Capture capture) {}

  /**
   * Opens a device.
   *
   * @param images the kernels
   * @param usePools whether memory comes from a pool where the GPU has some
   */
  CudaContext(Driver driver, int ordinal, KernelImages images, boolean usePools) {
    this.driver = driver;
    this.sanitizer = new Sanitizer(driver);
    driver.call(Entry.INIT, 0);
    this.device = (int) driver.query(Entry.DEVICE_GET, ordinal);
    this.context = driver.query(Entry.CONTEXT_RETAIN, device);
    // A lost device answers with its error.
    undo.push(() -> driver.result(Entry.CONTEXT_RELEASE, device));
    try {
      driver.call(Entry.CONTEXT_SET, context);
      this.multiprocessors = attribute(ATTRIBUTE_MULTIPROCESSORS);
      this.kernels = new LoadedKernels(driver, device, images);
      undo.push(kernels::close);
      this.own = driver.query(Entry.STREAM_CREATE, NON_BLOCKING);
      undo.push(() -> driver.call(Entry.STREAM_DESTROY, own));
      this.last = own;
      this.order = driver.query(Entry.EVENT_CREATE, WITHOUT_TIMING);
      undo.push(() -> driver.call(Entry.EVENT_DESTROY, order));
      this.memory = new CudaMemory(this, driver, device, usePools);
      undo.push(memory::close);
      this.noSteps = memory.allocate(4);
      undo.push(() -> memory.release(noSteps));
      this.rowStatus = new RowStatus(this);
      undo.push(rowStatus::close);
      this.streams = new CudaStreams(this, driver);
      undo.push(streams::close);
    } catch (RuntimeException e) {
      undoAll(e);
      arena.close();
      throw e;
    }
  }

  /** A device's compute capability, as 10 * major + minor. */
  static int capability(Driver driver, int device) {
    long major = driver.query(Entry.DEVICE_ATTRIBUTE, ATTRIBUTE_MAJOR, device);
    return (int) (10 * major + driver.query(Entry.DEVICE_ATTRIBUTE, ATTRIBUTE_MINOR, device));
  }

  int multiprocessors() {
    return multiprocessors;
  }

  CudaMemory memory() {
    return memory;
  }

  CudaStreams streams() {
    return streams;
  }

  RowStatus rowStatus() {
    return rowStatus;
  }

  Map<String, String> facts() {
    Map<String, String> facts = new LinkedHashMap<>();
    facts.put("device", driver.queryText(Entry.DEVICE_NAME, device));
    facts.put("computeCapability", attribute(ATTRIBUTE_MAJOR) + "." + attribute(ATTRIBUTE_MINOR));
    facts.put("multiprocessors", Integer.toString(multiprocessors));
    facts.put("memoryBytes", Long.toString(driver.query(Entry.DEVICE_MEMORY, device)));
    facts.put("driverVersion", Integer.toString((int) driver.query(Entry.DRIVER_VERSION)));
    return facts;
  }

  int attribute(int attribute) {
    return (int) driver.query(Entry.DEVICE_ATTRIBUTE, attribute, device);
  }

  // Memory, as the kernels' Java side uses it.

  Buffer allocate(long bytes) {
    return memory.allocate(bytes);
  }

  void release(Buffer buffer) {
    memory.release(buffer);
  }

  void fill(Buffer buffer, long offset, long bytes, int value) {
    memory.fill(buffer, offset, bytes, value);
  }

  void copyOut(Buffer source, long offset, MemorySegment target) {
    memory.copyOut(source, offset, target);
  }

  /** Writes a launch's parameters. */
  interface Writer {
    void write(Parameters parameters);
  }

  /** Queues a kernel of one-dimensional blocks. */
  void launch(String entry, long gridX, long gridY, int threads, Writer writer) {
    launch(entry, gridX, gridY, 1, threads, 0, writer);
  }

  /**
   * Queues a kernel.
   *
   * @param shared bytes of dynamic shared memory of a block
   */
  synchronized void launch(
      String entry, long gridX, long gridY, long gridZ, int threads, int shared, Writer writer) {
    if (gridX == 0 || gridY == 0 || gridZ == 0) {
      return;
    }
    Kernel kernel = kernels.known(entry);
    if (kernel == null || kernel.needs(shared)) {
      kernel = prepare(entry, shared);
    }
    long stream = enterForLaunch();
    writer.write(parameters.begin());
    driver.launch(
        kernel.handle(),
        Math.toIntExact(gridX),
        Math.toIntExact(gridY),
        Math.toIntExact(gridZ),
        threads,
        shared,
        stream,
        parameters.address(),
        entry);
  }

  private Kernel prepare(String entry, int shared) {
    makeCurrent();
    Kernel known = kernels.known(entry);
    Kernel kernel = known == null ? kernels.find(entry) : known;
    if (kernel.needs(shared)) {
      kernels.allow(kernel, shared);
    }
    return kernel;
  }

  /**
   * Prepares a launch in this thread's stream, which it returns. The kernel runs in the stream's
   * context, whatever is current, so that none is made current here; but a default stream has no
   * context but the current one.
   */
  private long enterForLaunch() {
    Scope now = scope.get();
    long stream = now == null ? own : now.stream();
    boolean isNext = (stream == last && !marked) || (now != null && now.capture() != null);
    if (!isNext || stream <= LAST_DEFAULT_STREAM) {
      return enter();
    }
    requireUsable();
    return stream;
  }

  /** Where this thread's work goes; null for the device's own stream, and waiting at every end. */
  Scope scope() {
    return scope.get();
  }

  /** Sends this thread's work elsewhere; null for the device's own stream. */
  void setScope(Scope value) {
    if (value == null) {
      scope.remove();
    } else {
      scope.set(value);
    }
  }

  /** What records this thread's work, or null if it runs. */
  Capture capture() {
    Scope now = scope.get();
    return now == null ? null : now.capture();
  }

  /** The address of the word that is added to the step of this thread's draws. */
  long steps() {
    Capture capture = capture();
    return capture == null ? noSteps.address() : capture.steps();
  }

  /** Throws if this thread's work is recorded. */
  void requireNoCapture(String what) {
    if (capture() != null) {
      throw new IllegalStateException(what + " is not possible inside Device.capture");
    }
  }

  /** Prepares a call in this thread's stream, which it returns. */
  synchronized long enter() {
    Scope now = scope.get();
    if (now != null && now.capture() != null) {
      makeCurrent();
      return now.stream();
    }
    return enter(now == null ? own : now.stream());
  }

  /** Prepares a call in a stream, which from now on comes after all that was queued before. */
  synchronized long enter(long stream) {
    makeCurrent();
    if (stream != last || marked) {
      leave(last);
      driver.call(Entry.STREAM_WAIT, stream, order, 0);
      last = stream;
      marked = false;
    }
    return stream;
  }

  /** Prepares a call in the stream that is never captured. */
  synchronized long enterOwn() {
    return enter(own);
  }

  /** Marks the end of what was queued in a stream, which may then go away. */
  synchronized void leave(long stream) {
    if (stream == last && !marked) {
      driver.call(Entry.EVENT_RECORD, order, stream);
      marked = true;
    }
  }

  /** Prepares a call that concerns no stream. */
  synchronized void makeCurrent() {
    requireUsable();
    driver.call(Entry.CONTEXT_SET, context);
  }

  private void requireUsable() {
    if (closed) {
      throw new IllegalStateException("the CUDA context is closed");
    }
    CudaException lost = driver.lost();
    if (lost != null) {
      throw new CudaException(
          lost.code(),
          lost.name(),
          lost.call(),
          "the device was lost by this, and stays so until the process ends; first reported as: "
              + lost.getMessage());
    }
  }

  long own() {
    return own;
  }

  /** The context's handle. */
  long handle() {
    return context;
  }

  /** The end of an operation: waits, unless the thread chose a stream of its own. */
  void finish() {
    if (scope.get() == null) {
      synchronize();
    }
  }

  /** Waits for everything that was queued, and throws what went wrong. */
  void synchronize() {
    requireNoCapture("waiting for the device");
    synchronize(enter());
  }

  /** Waits for a stream, and with it for everything that was queued before. */
  synchronized void synchronize(long stream) {
    enter(stream);
    rowStatus.read(stream);
    driver.call(Entry.STREAM_SYNCHRONIZE, stream);
    sanitizer.check();
    rowStatus.check();
  }

  Driver driver() {
    return driver;
  }

  /** Whether no call can succeed any more. */
  boolean isLost() {
    return driver.lost() != null;
  }

  /** Gives everything back in the opposite order; failures join the one that is there. */
  private RuntimeException undoAll(RuntimeException failure) {
    RuntimeException first = failure;
    while (!undo.isEmpty()) {
      try {
        undo.pop().run();
      } catch (RuntimeException e) {
        if (first == null) {
          first = e;
        } else {
          first.addSuppressed(e);
        }
      }
    }
    return first;
  }

  @Override
  public synchronized void close() {
    if (closed) {
      return;
    }
    if (isLost()) {
      // Nothing can be given back but the claim on the context.
      undo.getLast().run();
      closed = true;
      arena.close();
      return;
    }
    enterOwn();
    driver.call(Entry.STREAM_SYNCHRONIZE, own);
    RuntimeException failure = undoAll(null);
    closed = true;
    arena.close();
    if (failure != null) {
      throw failure;
    }
    sanitizer.check();
  }
}
