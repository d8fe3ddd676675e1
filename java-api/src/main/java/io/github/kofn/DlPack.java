// SPDX-License-Identifier: Apache-2.0
package io.github.kofn;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import io.github.kofn.internal.Check;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * Tensors of other libraries without a copy, through <a
 * href="https://dmlc.github.io/dlpack/latest/">DLPack</a>, which PyTorch, JAX, CuPy and others
 * speak. A library hands out the address of a structure that describes memory and says how to give
 * it back.
 *
 * <p>A tensor from here takes that structure over: {@link Tensor#close} waits for what the device
 * has queued, and then calls the structure's deleter, once. Where a method here throws, nothing was
 * taken over, and the deleter was not called.
 *
 * <p>What is taken: memory of the host ({@code kDLCPU}, {@code kDLCUDAHost}) on devices that
 * compute there, of the GPU ({@code kDLCUDA}, {@code kDLCUDAManaged}) on CUDA devices; float of 32
 * and 16 bits, bfloat of 16, int of 8, 32 and 64, uint of 8 and 16 bits, and bool as {@link
 * DType#U8}; one dimension or more, row-major, where rows may lie further apart than they are long.
 *
 * <p>Whoever wrote the memory must be done, or must have written it in the stream in which the
 * operations are queued, see {@link Stream#run} and {@link Stream#await}.
 */
@SuppressWarnings("restricted") // reading a structure behind an address is what this class does
public final class DlPack {
  // DLTensor, and what surrounds it, in bytes: dlpack.h of DLPack 1.1, 64-bit pointers.
  private static final long TENSOR_BYTES = 48;
  private static final long DEVICE_TYPE = 8;
  private static final long DIMENSIONS = 16;
  private static final long CODE = 20;
  private static final long BITS = 21;
  private static final long LANES = 22;
  private static final long SHAPE = 24;
  private static final long STRIDES = 32;
  private static final long OFFSET = 40;

  private static final long MANAGED_BYTES = TENSOR_BYTES + 16;
  private static final long MANAGED_DELETER = TENSOR_BYTES + 8;
  private static final long VERSIONED_BYTES = TENSOR_BYTES + 32;
  private static final long VERSIONED_DELETER = 16;
  private static final long VERSIONED_FLAGS = 24;
  private static final long VERSIONED_TENSOR = 32;
  private static final int MAJOR = 1;
  private static final long READ_ONLY = 1;

  private static final int MOST_DIMENSIONS = 64;

  private final MemorySegment tensor;

  private DlPack(MemorySegment tensor) {
    this.tensor = tensor;
  }

  /**
   * Takes a {@code DLManagedTensor} over, which Python's capsules of the name "dltensor" hold.
   *
   * @param device whose memory it is
   * @param managed the structure's address; a wrong one ends the JVM
   * @return a tensor that <em>is</em> the memory
   * @throws IllegalArgumentException if kofn cannot take it, or the driver knows that the memory is
   *     not this device's
   */
  public static Tensor tensor(Device device, long managed) {
    MemorySegment all = structure(managed, MANAGED_BYTES);
    return new DlPack(all.asSlice(0, TENSOR_BYTES))
        .on(device, () -> delete(all.get(JAVA_LONG, MANAGED_DELETER), managed));
  }

  /**
   * Takes a {@code DLManagedTensorVersioned} over, which Python's capsules of the name
   * "dltensor_versioned" hold.
   *
   * @param device whose memory it is
   * @param managed the structure's address; a wrong one ends the JVM
   * @return a tensor that <em>is</em> the memory
   * @throws IllegalArgumentException if kofn cannot take it, it is read-only, its major version is
   *     not 1, or the driver knows that the memory is not this device's
   */
  public static Tensor tensorVersioned(Device device, long managed) {
    MemorySegment all = structure(managed, VERSIONED_BYTES);
    int major = all.get(JAVA_INT, 0);
    Check.that(major == MAJOR, "the DLPack version is %d; allowed: %d", major, MAJOR);
    Check.that(
        (all.get(JAVA_LONG, VERSIONED_FLAGS) & READ_ONLY) == 0,
        "the DLPack tensor is read-only; allowed: writable ones");
    return new DlPack(all.asSlice(VERSIONED_TENSOR, TENSOR_BYTES))
        .on(device, () -> delete(all.get(JAVA_LONG, VERSIONED_DELETER), managed));
  }

  private static MemorySegment structure(long address, long bytes) {
    Check.that(
        address != 0 && address % 8 == 0,
        "managed is 0x%x; allowed: the address of a DLPack structure, a multiple of 8",
        address);
    return MemorySegment.ofAddress(address).reinterpret(bytes);
  }

  private static void delete(long deleter, long managed) {
    if (deleter == 0) {
      return;
    }
    try {
      Linker.nativeLinker()
          .downcallHandle(MemorySegment.ofAddress(deleter), FunctionDescriptor.ofVoid(JAVA_LONG))
          .invokeExact(managed);
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable t) {
      throw new IllegalStateException(t);
    }
  }

  private Tensor on(Device device, Runnable delete) {
    Check.notNull("device", device);
    requireMemoryOf(device);
    DType type = type();
    int dimensions = tensor.get(JAVA_INT, DIMENSIONS);
    Check.range("number of dimensions", dimensions, 1, MOST_DIMENSIONS);
    long[] shape = numbers(SHAPE, dimensions);
    long elements = Tensor.elements(shape);
    long pitch = elements == 0 ? shape[dimensions - 1] : pitch(shape);
    long address = elements == 0 ? 0 : tensor.get(JAVA_LONG, 0) + tensor.get(JAVA_LONG, OFFSET);
    return device.tensorAt(address, type, pitch, shape, delete);
  }

  private void requireMemoryOf(Device device) {
    int type = tensor.get(JAVA_INT, DEVICE_TYPE);
    boolean fits = device.usesHostMemory() ? type == 1 || type == 3 : type == 2 || type == 13;
    Check.that(
        fits,
        "the DLPack device type is %d; allowed on %s: %s",
        type,
        device.description(),
        device.usesHostMemory()
            ? "1 (kDLCPU), 3 (kDLCUDAHost)"
            : "2 (kDLCUDA), 13 (kDLCUDAManaged)");
  }

  private DType type() {
    int code = tensor.get(JAVA_BYTE, CODE);
    int bits = Byte.toUnsignedInt(tensor.get(JAVA_BYTE, BITS));
    int lanes = Short.toUnsignedInt(tensor.get(JAVA_SHORT, LANES));
    DType type =
        switch (code) {
          case 0 -> bits == 8 ? DType.I8 : bits == 32 ? DType.I32 : bits == 64 ? DType.I64 : null;
          case 1 -> bits == 8 ? DType.U8 : bits == 16 ? DType.U16 : null;
          case 2 -> bits == 32 ? DType.F32 : bits == 16 ? DType.F16 : null;
          case 4 -> bits == 16 ? DType.BF16 : null;
          case 6 -> bits == 8 ? DType.U8 : null;
          default -> null;
        };
    Check.that(
        type != null && lanes == 1,
        "the DLPack type has code %d, %d bits and %d lanes; allowed: float32, float16, bfloat16,"
            + " int8, int32, int64, uint8, uint16 and bool of one lane",
        code,
        bits,
        lanes);
    return type;
  }

  private long[] numbers(long field, int count) {
    long address = tensor.get(JAVA_LONG, field);
    return MemorySegment.ofAddress(address).reinterpret(8L * count).toArray(JAVA_LONG);
  }

  /** From row to row; where there are no strides, rows follow each other at once. */
  private long pitch(long[] shape) {
    int last = shape.length - 1;
    if (tensor.get(JAVA_LONG, STRIDES) == 0) {
      return shape[last];
    }
    long[] strides = numbers(STRIDES, shape.length);
    boolean fits = shape[last] == 1 || strides[last] == 1;
    // The innermost dimension of rows that has more than one of them says how far they are apart.
    long pitch = shape[last];
    long next = 0;
    for (int i = last - 1; i >= 0; i--) {
      if (shape[i] > 1) {
        if (next == 0) {
          pitch = strides[i];
          next = pitch;
        }
        fits &= strides[i] == next;
      }
      next *= shape[i];
    }
    Check.that(
        fits && pitch >= shape[last],
        "the DLPack tensor has shape %s and strides %s; allowed: row-major, with one distance from"
            + " each row to the next",
        Arrays.toString(shape),
        Arrays.toString(strides));
    return pitch;
  }
}
