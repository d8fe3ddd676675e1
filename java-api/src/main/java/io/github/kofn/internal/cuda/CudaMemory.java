// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cuda;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.github.kofn.CudaException;
import io.github.kofn.internal.Check;
import io.github.kofn.internal.kernels.Buffer;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * A device's memory. Where it has memory pools, allocations come from one of our own, in the order
 * of the stream and without waiting; the pool keeps what it got until the device closes. Elsewhere
 * each allocation asks the driver, which waits for the GPU.
 */
final class CudaMemory {
  private static final int ATTRIBUTE_POOLS = 115;
  private static final int POOL_PROPERTIES = 88;
  private static final int PINNED_ALLOCATIONS = 1;
  private static final int ON_DEVICE = 1;
  private static final int RELEASE_THRESHOLD = 4;
  private static final int OUT_OF_MEMORY = 2;

  /** CU_POINTER_ATTRIBUTE_*: memory type, device ordinal, start and size of the allocation. */
  private static final int[] POINTER_ATTRIBUTES = {2, 9, 11, 12};

  private static final int DEVICE_MEMORY = 2;

  /** Whether memory comes from a pool where the GPU has some. */
  enum Pools {
    AUTO,
    OFF
  }

  private final CudaContext context;
  private final Driver driver;
  private final int device;
  private final boolean pooled;
  private final long pool;
  private final Staging staging;

  /**
   * A device's memory.
   *
   * @param usePools false to do without pools even where there are some
   */
  CudaMemory(CudaContext context, Driver driver, int device, boolean usePools) {
    this.context = context;
    this.driver = driver;
    this.device = device;
    this.pooled = usePools && context.attribute(ATTRIBUTE_POOLS) != 0;
    this.pool = pooled ? createPool() : 0;
    this.staging = new Staging(driver);
  }

  private long createPool() {
    try (Arena arena = Arena.ofConfined()) {
      // CUmemPoolProps: allocation type, handle types, location (type, device), ...
      MemorySegment properties = arena.allocate(POOL_PROPERTIES, 8);
      properties.set(JAVA_INT, 0, PINNED_ALLOCATIONS);
      properties.set(JAVA_INT, 8, ON_DEVICE);
      properties.set(JAVA_INT, 12, device);
      long made = driver.query(Entry.POOL_CREATE, properties.address());
      MemorySegment everything = arena.allocate(JAVA_LONG);
      everything.set(JAVA_LONG, 0, -1L);
      try {
        driver.call(Entry.POOL_SET, made, RELEASE_THRESHOLD, everything.address());
      } catch (CudaException e) {
        driver.call(Entry.POOL_DESTROY, made);
        throw e;
      }
      return made;
    }
  }

  /** Zeroed memory. While a graph is captured it is there, and zeroed, at once. */
  Buffer allocate(long bytes) {
    synchronized (context) {
      boolean captured = context.capture() != null;
      long stream = captured ? context.enterOwn() : context.enter();
      Buffer buffer = Buffer.ofDevice(allocate(Math.max(1, bytes), stream), bytes);
      try {
        if (bytes > 0) {
          driver.call(Entry.FILL_BYTES, buffer.address(), 0, bytes, stream);
        }
        if (captured) {
          driver.call(Entry.STREAM_SYNCHRONIZE, stream);
        }
        return buffer;
      } catch (CudaException e) {
        free(buffer, stream);
        throw e;
      }
    }
  }

  private long allocate(long bytes, long stream) {
    try {
      return pooled
          ? driver.query(Entry.POOL_ALLOCATE, bytes, pool, stream)
          : driver.query(Entry.MEMORY_ALLOCATE, bytes);
    } catch (CudaException e) {
      throw e.code() == OUT_OF_MEMORY ? e.with(wanted(bytes)) : e;
    }
  }

  private String wanted(long bytes) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment info = arena.allocate(JAVA_LONG, 2);
      driver.call(Entry.MEMORY_INFO, info.address(), info.address() + 8);
      return "%d bytes of device memory were wanted, %d of %d are free"
          .formatted(bytes, info.getAtIndex(JAVA_LONG, 0), info.getAtIndex(JAVA_LONG, 1));
    }
  }

  /** Gives memory back, in the order of the stream. */
  void release(Buffer buffer) {
    synchronized (context) {
      Capture capture = context.capture();
      if (capture != null) {
        capture.own(buffer);
        return;
      }
      rowStatusForgets(buffer);
      free(buffer, context.enter());
    }
  }

  private void free(Buffer buffer, long stream) {
    if (pooled) {
      driver.call(Entry.POOL_FREE, buffer.address(), stream);
    } else {
      driver.call(Entry.MEMORY_FREE, buffer.address());
    }
  }

  private void rowStatusForgets(Buffer buffer) {
    RowStatus status = context.rowStatus();
    if (status != null) {
      status.forget(buffer);
    }
  }

  /** Sets bytes. */
  void fill(Buffer buffer, long offset, long bytes, int value) {
    synchronized (context) {
      if (bytes > 0) {
        long stream = context.enter();
        driver.call(Entry.FILL_BYTES, buffer.address() + offset, value, bytes, stream);
      }
    }
  }

  /** Copies host memory in. When it returns, the host memory may be changed. */
  void copyIn(MemorySegment source, Buffer target, long offset) {
    context.requireNoCapture("copying from host memory");
    synchronized (context) {
      staging.copyIn(source, target.address() + offset, context.enter());
    }
    context.finish();
  }

  /** Copies to host memory, and waits. */
  void copyOut(Buffer source, long offset, MemorySegment target) {
    context.requireNoCapture("copying to host memory");
    synchronized (context) {
      staging.copyOut(source.address() + offset, target, context.enter());
      context.synchronize();
    }
  }

  /** Copies on the device. */
  void copy(Buffer source, long sourceOffset, Buffer target, long targetOffset, long bytes) {
    synchronized (context) {
      if (bytes > 0) {
        long stream = context.enter();
        long from = source.address() + sourceOffset;
        driver.call(Entry.COPY, target.address() + targetOffset, from, bytes, stream);
      }
    }
  }

  /** Sees that memory from elsewhere is this device's, as far as the driver knows. */
  void checkForeign(long address, long bytes) {
    long type;
    int ordinal;
    long start;
    long end;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment attributes = arena.allocateFrom(JAVA_INT, POINTER_ATTRIBUTES);
      MemorySegment values = arena.allocate(JAVA_LONG, POINTER_ATTRIBUTES.length);
      MemorySegment pointers = arena.allocate(JAVA_LONG, POINTER_ATTRIBUTES.length);
      for (int i = 0; i < POINTER_ATTRIBUTES.length; i++) {
        pointers.setAtIndex(JAVA_LONG, i, values.address() + 8L * i);
      }
      synchronized (context) {
        context.makeCurrent();
        int count = POINTER_ATTRIBUTES.length;
        driver.call(
            Entry.POINTER_ATTRIBUTES, count, attributes.address(), pointers.address(), address);
      }
      type = values.getAtIndex(JAVA_LONG, 0);
      ordinal = (int) values.getAtIndex(JAVA_LONG, 1);
      start = values.getAtIndex(JAVA_LONG, 2);
      end = start + values.getAtIndex(JAVA_LONG, 3);
    }
    Check.that(
        type == DEVICE_MEMORY && ordinal == device,
        "address is 0x%x, which is no memory of this GPU (type %d, device %d); allowed: memory of"
            + " device %d",
        address,
        type,
        ordinal,
        device);
    Check.that(
        address + bytes <= end,
        "%d bytes at address 0x%x end behind their allocation, which is 0x%x to 0x%x",
        bytes,
        address,
        start,
        end);
  }

  void close() {
    staging.close();
    if (pooled) {
      driver.call(Entry.POOL_DESTROY, pool);
    }
  }
}
