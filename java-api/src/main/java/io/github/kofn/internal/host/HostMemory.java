// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.host;

import io.github.kofn.KofnException;
import io.github.kofn.internal.kernels.Buffer;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;

/**
 * The memory of backends that compute on host memory: native, zeroed, aligned to 64 bytes (a cache
 * line, a full vector).
 *
 * <p>Closing a shared arena stops every thread of the JVM for tens of microseconds, so only large
 * buffers have an arena of their own. Small ones are rounded up to a power of two, kept when
 * released, and handed out again.
 */
public final class HostMemory implements AutoCloseable {
  private static final long ALIGNMENT = 64;
  private static final long LARGE = 1 << 20;

  private final Arena small = Arena.ofShared();
  private final Map<Long, Deque<MemorySegment>> free = new HashMap<>();
  private final Map<Long, MemorySegment> whole = new HashMap<>();
  private final Map<Long, Arena> large = new HashMap<>();

  /** Zeroed memory of a size; 0 bytes are allowed. */
  public synchronized Buffer allocate(long bytes) {
    try {
      return bytes >= LARGE ? allocateLarge(bytes) : allocateSmall(bytes);
    } catch (OutOfMemoryError e) {
      throw new KofnException("no native memory for a tensor of " + bytes + " bytes", e);
    }
  }

  private Buffer allocateLarge(long bytes) {
    Arena arena = Arena.ofShared();
    Buffer buffer;
    try {
      buffer = Buffer.ofHost(arena.allocate(bytes, ALIGNMENT));
    } catch (OutOfMemoryError e) {
      arena.close();
      throw e;
    }
    large.put(buffer.address(), arena);
    return buffer;
  }

  private Buffer allocateSmall(long bytes) {
    long capacity = capacity(bytes);
    MemorySegment segment = free.computeIfAbsent(capacity, c -> new ArrayDeque<>()).poll();
    if (segment == null) {
      segment = small.allocate(capacity, ALIGNMENT);
      whole.put(segment.address(), segment);
    } else {
      segment.fill((byte) 0);
    }
    return Buffer.ofHost(segment.asSlice(0, bytes));
  }

  /** Takes memory back. */
  public synchronized void release(Buffer buffer) {
    if (buffer.byteSize() >= LARGE) {
      large.remove(buffer.address()).close();
      return;
    }
    long capacity = capacity(buffer.byteSize());
    free.get(capacity).push(whole.get(buffer.address()));
  }

  private static long capacity(long bytes) {
    return Math.max(ALIGNMENT, Long.highestOneBit(Math.max(1, bytes - 1)) << 1);
  }

  /** Frees everything, released or not. */
  @Override
  public synchronized void close() {
    large.values().forEach(Arena::close);
    large.clear();
    free.clear();
    small.close();
  }
}
