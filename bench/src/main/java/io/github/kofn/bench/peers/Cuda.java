// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.bench.peers;

import java.lang.foreign.Arena;
import java.lang.foreign.SymbolLookup;
import jcuda.Pointer;
import jcuda.Sizeof;
import jcuda.driver.JCudaDriver;
import jcuda.runtime.JCuda;
import jcuda.runtime.cudaMemcpyKind;

/** What products of CUDA's libraries need beside the library: a device, and memory of it. */
@SuppressWarnings("restricted") // loading the driver is a restricted operation
public final class Cuda {
  private static final String DRIVER = "libcuda.so.1";

  private Cuda() {}

  /**
   * Fails unless there is a device.
   *
   * @throws IllegalStateException if there is no driver or no device
   * @throws UnsatisfiedLinkError if JCuda's native library is not there
   * @throws jcuda.CudaException if the driver cannot be used
   */
  public static void requireDevice() {
    requireDriver();
    JCudaDriver.setExceptionsEnabled(true);
    JCuda.setExceptionsEnabled(true);
    JCudaDriver.cuInit(0);
    int[] count = new int[1];
    JCudaDriver.cuDeviceGetCount(count);
    if (count[0] == 0) {
      throw new IllegalStateException("the CUDA driver has no device");
    }
  }

  /**
   * JCuda looks for it when its classes are initialised, and none of them can be used any more once
   * that failed: neither on the driver that does nothing.
   */
  private static void requireDriver() {
    try (Arena arena = Arena.ofConfined()) {
      SymbolLookup.libraryLookup(DRIVER, arena);
    } catch (IllegalArgumentException e) {
      throw new IllegalStateException("there is no CUDA driver, " + DRIVER, e);
    }
  }

  /** Waits for everything that was queued. */
  public static void synchronize() {
    JCuda.cudaDeviceSynchronize();
  }

  /**
   * Memory of the device.
   *
   * @param bytes how much; at least one byte is allocated
   * @return where it begins
   */
  public static Pointer allocate(long bytes) {
    Pointer pointer = new Pointer();
    JCuda.cudaMalloc(pointer, Math.max(1, bytes));
    return pointer;
  }

  /**
   * Floats on the device.
   *
   * @param values what is copied
   * @return where they begin
   */
  public static Pointer copyOf(float[] values) {
    return copyOf(Pointer.to(values), (long) values.length * Sizeof.FLOAT);
  }

  /**
   * Integers on the device.
   *
   * @param values what is copied
   * @return where they begin
   */
  public static Pointer copyOf(int[] values) {
    return copyOf(Pointer.to(values), (long) values.length * Sizeof.INT);
  }

  private static Pointer copyOf(Pointer host, long bytes) {
    Pointer pointer = allocate(bytes);
    JCuda.cudaMemcpy(pointer, host, bytes, cudaMemcpyKind.cudaMemcpyHostToDevice);
    return pointer;
  }

  /**
   * Copies floats back, after everything that was queued before.
   *
   * @param pointer where they begin
   * @param count how many
   * @return them
   */
  public static float[] floats(Pointer pointer, int count) {
    float[] values = new float[count];
    JCuda.cudaMemcpy(
        Pointer.to(values),
        pointer,
        (long) count * Sizeof.FLOAT,
        cudaMemcpyKind.cudaMemcpyDeviceToHost);
    return values;
  }

  /**
   * Frees memory.
   *
   * @param pointers where it begins
   */
  public static void free(Pointer... pointers) {
    for (Pointer pointer : pointers) {
      JCuda.cudaFree(pointer);
    }
  }
}
