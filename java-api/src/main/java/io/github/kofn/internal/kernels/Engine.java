// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.kernels;

import io.github.kofn.Layout;
import java.lang.foreign.MemorySegment;
import java.util.Map;

/** A backend at work on one device: its memory and its kernels. Safe for use by several threads. */
public interface Engine extends AutoCloseable {

  /** One line for people: what computes, with how many threads or lanes, or on which GPU. */
  String description();

  /** The facts behind {@link #description}, by name, for programs. */
  Map<String, String> facts();

  /** Whether buffers are host memory, which {@link Buffer#host} then gives. */
  boolean usesHostMemory();

  /** The layout of activations that the product kernels like best. */
  Layout activationLayout();

  /** Zeroed memory, aligned to 64 bytes or more; 0 bytes are allowed. */
  Buffer allocate(long bytes);

  /** Gives memory from {@link #allocate} back. */
  void release(Buffer buffer);

  /** Copies host memory into a buffer. */
  void copyIn(MemorySegment source, Buffer target, long offset);

  /** Copies from a buffer into host memory, as many bytes as the target holds. */
  void copyOut(Buffer source, long offset, MemorySegment target);

  /** Copies between two buffers of this device. */
  void copy(Buffer source, long sourceOffset, Buffer target, long targetOffset, long bytes);

  /** Sets bytes to zero. */
  void clear(Buffer buffer, long offset, long bytes);

  /** The sampling kernels. */
  SamplingKernels sampling();

  /** The product kernels. */
  ProductKernels products();

  /** The convolution kernels. */
  ConvolutionKernels convolutions();

  /** The order of work. */
  Streams streams();

  /**
   * Memory that somebody else allocated and frees.
   *
   * @throws IllegalArgumentException if it is known not to be this device's
   */
  Buffer foreign(long address, long bytes);

  @Override
  void close();
}
