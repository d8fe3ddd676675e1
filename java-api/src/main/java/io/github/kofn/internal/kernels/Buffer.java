// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.kernels;

import java.lang.foreign.MemorySegment;

/**
 * A stretch of memory that kernels read and write: host memory as a segment, device memory as a
 * bare address. Device memory never becomes a segment, because a segment can be dereferenced and a
 * device address must not be.
 *
 * @param host the memory, or null if it lies on a device of its own
 * @param address the address: of device memory, or of a native host segment, or 0 for a heap array
 * @param byteSize the size in bytes
 */
public record Buffer(MemorySegment host, long address, long byteSize) {
  /** Host memory, on or off heap. */
  public static Buffer ofHost(MemorySegment segment) {
    return new Buffer(segment, segment.isNative() ? segment.address() : 0, segment.byteSize());
  }

  /** Device memory. */
  public static Buffer ofDevice(long address, long byteSize) {
    return new Buffer(null, address, byteSize);
  }
}
