// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.host;

import io.github.kofn.internal.kernels.Buffer;
import io.github.kofn.internal.kernels.ConvolutionKernels;
import io.github.kofn.internal.kernels.Engine;
import io.github.kofn.internal.kernels.ProductKernels;
import io.github.kofn.internal.kernels.SamplingKernels;
import io.github.kofn.internal.kernels.Streams;
import java.lang.foreign.MemorySegment;

/** The half of an {@link Engine} that is the same wherever host memory is computed on. */
public abstract class HostEngine implements Engine {
  private final HostMemory memory = new HostMemory();
  private final Recorder recorder = new Recorder(memory::release);
  private final Streams streams = new HostStreams(recorder);

  /** The sampling kernels. */
  protected abstract SamplingKernels samplingKernels();

  /** The product kernels. */
  protected abstract ProductKernels productKernels();

  /** The convolution kernels. */
  protected abstract ConvolutionKernels convolutionKernels();

  @Override
  public final SamplingKernels sampling() {
    return recorder.kernels(SamplingKernels.class, samplingKernels());
  }

  @Override
  public final ProductKernels products() {
    return recorder.kernels(ProductKernels.class, productKernels());
  }

  @Override
  public final ConvolutionKernels convolutions() {
    return recorder.kernels(ConvolutionKernels.class, convolutionKernels());
  }

  @Override
  public final Streams streams() {
    return streams;
  }

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
    recorder.release(buffer);
  }

  @Override
  @SuppressWarnings("restricted") // the caller vouches for the address, as Device.tensorAt says
  public final Buffer foreign(long address, long bytes) {
    return Buffer.ofHost(MemorySegment.ofAddress(address).reinterpret(bytes));
  }

  @Override
  public final void copyIn(MemorySegment source, Buffer target, long offset) {
    recorder.requireIdle("copying from host memory");
    MemorySegment.copy(source, 0, target.host(), offset, source.byteSize());
  }

  @Override
  public final void copyOut(Buffer source, long offset, MemorySegment target) {
    recorder.requireIdle("copying to host memory");
    MemorySegment.copy(source.host(), offset, target, 0, target.byteSize());
  }

  @Override
  public final void copy(
      Buffer source, long sourceOffset, Buffer target, long targetOffset, long bytes) {
    recorder.run(
        () -> MemorySegment.copy(source.host(), sourceOffset, target.host(), targetOffset, bytes));
  }

  @Override
  public final void clear(Buffer buffer, long offset, long bytes) {
    recorder.run(() -> buffer.host().asSlice(offset, bytes).fill((byte) 0));
  }

  @Override
  public void close() {
    memory.close();
  }
}
