// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cuda;

import io.github.kofn.CudaException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Two blocks of pinned host memory through which everything between host and device goes. A GPU
 * copies pinned memory by itself while the CPU fills or empties the other block; pageable memory
 * the driver would have to stage likewise, and a Java array it cannot reach at all. The caller's
 * memory is never touched after a call returns. Used under the context's lock.
 */
final class Staging {
  /** Large enough to reach the bus's full rate. */
  static final long BLOCK = 4L << 20;

  private static final int WITHOUT_TIMING = 2;

  private final Driver driver;
  private final Block[] blocks = new Block[2];
  private int next;

  /** Pinned memory, and when the GPU is done with it. */
  private record Block(MemorySegment memory, long done) {}

  Staging(Driver driver) {
    this.driver = driver;
  }

  /** Pinned memory of a size, until {@link #unpin}. */
  @SuppressWarnings("restricted") // the driver gives as many bytes as it was asked for
  static MemorySegment pin(Driver driver, long bytes) {
    long address;
    try {
      address = driver.query(Entry.HOST_ALLOCATE, bytes, 0);
    } catch (CudaException e) {
      throw e.with(bytes + " bytes of pinned host memory were wanted");
    }
    return MemorySegment.ofAddress(address).reinterpret(bytes, Arena.global(), null);
  }

  static void unpin(Driver driver, MemorySegment memory) {
    driver.call(Entry.HOST_FREE, memory.address());
  }

  private Block block(int index) {
    if (blocks[index] == null) {
      long done = driver.query(Entry.EVENT_CREATE, WITHOUT_TIMING);
      try {
        blocks[index] = new Block(pin(driver, BLOCK), done);
      } catch (CudaException e) {
        driver.call(Entry.EVENT_DESTROY, done);
        throw e;
      }
    }
    Block block = blocks[index];
    driver.call(Entry.EVENT_SYNCHRONIZE, block.done());
    return block;
  }

  /** The block whose turn it is, once the GPU is done with it. */
  private Block take() {
    Block block = block(next);
    next ^= 1;
    return block;
  }

  void copyIn(MemorySegment source, long target, long stream) {
    for (long at = 0; at < source.byteSize(); at += BLOCK) {
      long bytes = Math.min(BLOCK, source.byteSize() - at);
      Block block = take();
      MemorySegment.copy(source, at, block.memory(), 0, bytes);
      driver.call(Entry.COPY_IN, target + at, block.memory().address(), bytes, stream);
      driver.call(Entry.EVENT_RECORD, block.done(), stream);
    }
  }

  /** One block is emptied into the caller's memory while the GPU fills the other. */
  void copyOut(long source, MemorySegment target, long stream) {
    Block filled = null;
    for (long at = 0; at < target.byteSize(); at += BLOCK) {
      Block block = take();
      long bytes = Math.min(BLOCK, target.byteSize() - at);
      driver.call(Entry.COPY_OUT, block.memory().address(), source + at, bytes, stream);
      driver.call(Entry.EVENT_RECORD, block.done(), stream);
      if (filled != null) {
        empty(filled, target, at - BLOCK);
      }
      filled = block;
    }
    if (filled != null) {
      empty(filled, target, (target.byteSize() - 1) / BLOCK * BLOCK);
    }
  }

  private void empty(Block block, MemorySegment target, long at) {
    driver.call(Entry.EVENT_SYNCHRONIZE, block.done());
    MemorySegment.copy(block.memory(), 0, target, at, Math.min(BLOCK, target.byteSize() - at));
  }

  void close() {
    for (Block block : blocks) {
      if (block != null) {
        driver.call(Entry.EVENT_DESTROY, block.done());
        unpin(driver, block.memory());
      }
    }
  }
}
