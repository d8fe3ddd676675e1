// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.host;

import io.github.kofn.internal.kernels.Buffer;
import io.github.kofn.internal.kernels.Engine;
import java.lang.foreign.MemorySegment;

/** The memory half of a {@link Engine} that computes on host memory. */
public abstract class HostEngine implements Engine {
  private final HostMemory memory = new HostMemory();

  @Override
  public final boolean usesHostMemory() {
    return true;
  }

  @Override
  public final Buffer allocate(long bytes) {
    return memory.allocate(bytes);
  }

  @Override
  public final void release(Buffer buffer) {
    memory.release(buffer);
  }

  @Override
  public final void copyIn(MemorySegment source, Buffer target, long offset) {
    MemorySegment.copy(source, 0, target.host(), offset, source.byteSize());
  }

  @Override
  public final void copyOut(Buffer source, long offset, MemorySegment target) {
    MemorySegment.copy(source.host(), offset, target, 0, target.byteSize());
  }

  @Override
  public final void copy(
      Buffer source, long sourceOffset, Buffer target, long targetOffset, long bytes) {
    MemorySegment.copy(source.host(), sourceOffset, target.host(), targetOffset, bytes);
  }

  @Override
  public final void clear(Buffer buffer, long offset, long bytes) {
    buffer.host().asSlice(offset, bytes).fill((byte) 0);
  }

  @Override
  public void close() {
    memory.close();
  }
}
