// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cuda;

import io.github.kofn.internal.kernels.Buffer;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * One GPU's primary context (shared with the CUDA runtime, PyTorch and JCuda, so that pointers are
 * shared too), one stream of our own in it, and the module with the kernels. A context is current
 * per operating-system thread, and a virtual thread moves between those: every entry sets it again.
 * Methods are synchronized: the parameter block and the stream are shared.
 */
final class CudaContext implements AutoCloseable {
  private static final int ATTRIBUTE_MULTIPROCESSORS = 16;
  private static final int ATTRIBUTE_MAJOR = 75;
  private static final int ATTRIBUTE_MINOR = 76;
  private static final int NON_BLOCKING = 1;

  private final Driver driver;
  private final Sanitizer sanitizer;
  private final int device;
  private final long context;
  private final long stream;
  private final Map<String, Long> modules = new LinkedHashMap<>();
  private final Arena arena = Arena.ofShared();
  private final Parameters parameters = new Parameters(arena);
  private final Map<String, Long> functions = new HashMap<>();
  private boolean closed;

  /**
   * Opens a device.
   *
   * @param fatbins kernels by the prefix of their names; the longest that fits an entry is its own
   */
  CudaContext(Driver driver, int ordinal, Map<String, byte[]> fatbins) {
    this.driver = driver;
    this.sanitizer = new Sanitizer(driver);
    driver.call("cuInit", 0);
    this.device = (int) driver.query("cuDeviceGet", ordinal);
    this.context = driver.query("cuDevicePrimaryCtxRetain", device);
    try {
      driver.call("cuCtxSetCurrent", context);
      this.stream = driver.query("cuStreamCreate", NON_BLOCKING);
      fatbins.forEach((prefix, image) -> modules.put(prefix, load(image)));
    } catch (RuntimeException e) {
      driver.call("cuDevicePrimaryCtxRelease_v2", device);
      throw e;
    }
  }

  private long load(byte[] fatbin) {
    MemorySegment image = arena.allocate(fatbin.length, 16);
    MemorySegment.copy(fatbin, 0, image, ValueLayout.JAVA_BYTE, 0, fatbin.length);
    return driver.query("cuModuleLoadData", image.address());
  }

  int multiprocessors() {
    return attribute(ATTRIBUTE_MULTIPROCESSORS);
  }

  Map<String, String> facts() {
    Map<String, String> facts = new LinkedHashMap<>();
    facts.put("device", driver.queryText("cuDeviceGetName", device));
    facts.put("computeCapability", attribute(ATTRIBUTE_MAJOR) + "." + attribute(ATTRIBUTE_MINOR));
    facts.put("multiprocessors", Integer.toString(multiprocessors()));
    facts.put("memoryBytes", Long.toString(driver.query("cuDeviceTotalMem_v2", device)));
    facts.put("driverVersion", Integer.toString((int) driver.query("cuDriverGetVersion")));
    return facts;
  }

  private int attribute(int attribute) {
    return (int) driver.query("cuDeviceGetAttribute", attribute, device);
  }

  synchronized Buffer allocate(long bytes) {
    enter();
    long address = driver.query("cuMemAlloc_v2", Math.max(1, bytes));
    Buffer buffer = Buffer.ofDevice(address, bytes);
    fill(buffer, 0, bytes, 0);
    return buffer;
  }

  synchronized void release(Buffer buffer) {
    enter();
    driver.call("cuMemFree_v2", buffer.address());
  }

  synchronized void fill(Buffer buffer, long offset, long bytes, int value) {
    if (bytes > 0) {
      enter();
      driver.call("cuMemsetD8Async", buffer.address() + offset, value, bytes, stream);
    }
  }

  /**
   * Copies host memory in; heap memory goes through a native block, since the call takes an
   * address.
   */
  synchronized void copyIn(MemorySegment source, Buffer target, long offset) {
    if (source.byteSize() == 0) {
      return;
    }
    enter();
    try (Arena staging = Arena.ofConfined()) {
      MemorySegment host =
          source.isNative() ? source : staging.allocate(source.byteSize(), 64).copyFrom(source);
      driver.call(
          "cuMemcpyHtoDAsync_v2",
          target.address() + offset,
          host.address(),
          host.byteSize(),
          stream);
      synchronize();
    }
  }

  synchronized void copyOut(Buffer source, long offset, MemorySegment target) {
    if (target.byteSize() == 0) {
      return;
    }
    enter();
    try (Arena staging = Arena.ofConfined()) {
      MemorySegment host = target.isNative() ? target : staging.allocate(target.byteSize(), 64);
      driver.call(
          "cuMemcpyDtoHAsync_v2",
          host.address(),
          source.address() + offset,
          host.byteSize(),
          stream);
      synchronize();
      if (host != target) {
        target.copyFrom(host);
      }
    }
  }

  synchronized void copy(
      Buffer source, long sourceOffset, Buffer target, long targetOffset, long bytes) {
    if (bytes > 0) {
      enter();
      driver.call(
          "cuMemcpyDtoDAsync_v2",
          target.address() + targetOffset,
          source.address() + sourceOffset,
          bytes,
          stream);
      synchronize();
    }
  }

  /** Writes a launch's parameters. */
  interface Writer {
    void write(Parameters parameters);
  }

  /** Queues a kernel. */
  synchronized void launch(String entry, long gridX, long gridY, int threads, Writer writer) {
    if (gridX == 0 || gridY == 0) {
      return;
    }
    enter();
    writer.write(parameters.begin());
    driver.launch(
        functions.computeIfAbsent(entry, this::function),
        Math.toIntExact(gridX),
        Math.toIntExact(gridY),
        threads,
        stream,
        parameters.address(),
        entry);
  }

  private long function(String entry) {
    long module =
        modules.entrySet().stream()
            .filter(m -> entry.startsWith(m.getKey()))
            .max(Comparator.comparingInt(m -> m.getKey().length()))
            .orElseThrow()
            .getValue();
    try (Arena names = Arena.ofConfined()) {
      return driver.query("cuModuleGetFunction", module, names.allocateFrom(entry).address());
    }
  }

  /** Waits for everything that was queued. */
  synchronized void synchronize() {
    enter();
    driver.call("cuStreamSynchronize", stream);
    sanitizer.check();
  }

  private void enter() {
    if (closed) {
      throw new IllegalStateException("the CUDA context is closed");
    }
    driver.call("cuCtxSetCurrent", context);
  }

  @Override
  public synchronized void close() {
    if (closed) {
      return;
    }
    enter();
    closed = true;
    try {
      modules.values().forEach(module -> driver.call("cuModuleUnload", module));
      driver.call("cuStreamDestroy_v2", stream);
    } finally {
      driver.call("cuDevicePrimaryCtxRelease_v2", device);
      arena.close();
    }
  }
}
