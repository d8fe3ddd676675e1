// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cuda;

import io.github.kofn.CudaException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;

/**
 * The kernels in the jar, loaded. They are loaded as libraries, whose kernels (CUkernel, in place
 * of a CUfunction) belong to no context: a launch runs in the context of its stream, so that none
 * has to be made current for it (CUDA driver API, cuLaunchKernel; since CUDA 12.0).
 */
final class LoadedKernels {
  /** Kernels by the prefix of their names; the longest that fits an entry is its own. */
  private static final Map<String, String> FATBINS =
      Map.of(
          "kofn_",
          "sampling.fatbin",
          "kofn_matmul_",
          "matmul.fatbin",
          "kofn_tensor_",
          "tensor.fatbin",
          "kofn_gathered_",
          "gathered.fatbin",
          "kofn_convolution_",
          "convolution.fatbin");

  private static final int MAX_DYNAMIC_SHARED = 8;

  /** What a block may have without asking. */
  private static final int ORDINARY_SHARED = 48 << 10;

  private final Driver driver;
  private final int device;
  private final Map<String, Long> libraries = new HashMap<>();
  private final Map<String, Kernel> kernels = new HashMap<>();

  /** How to give back what was loaded, the latest first. */
  private final Deque<Runnable> undo = new ArrayDeque<>();

  /** A kernel, found once. */
  static final class Kernel {
    private final long handle;
    private int shared = ORDINARY_SHARED;

    Kernel(long handle) {
      this.handle = handle;
    }

    long handle() {
      return handle;
    }

    /** Whether a block may not have so much dynamic shared memory yet. */
    boolean needs(int bytes) {
      return bytes > shared;
    }
  }

  /** Loads into the context that is current. */
  LoadedKernels(Driver driver, int device, KernelImages images) {
    this.driver = driver;
    this.device = device;
    try {
      FATBINS.forEach((prefix, name) -> libraries.put(prefix, load(images, name)));
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  private long load(KernelImages images, String name) {
    byte[] fatbin = images.read(name);
    try (Arena image = Arena.ofConfined()) {
      MemorySegment aligned = image.allocate(fatbin.length, 16);
      MemorySegment.copy(fatbin, 0, aligned, ValueLayout.JAVA_BYTE, 0, fatbin.length);
      long library = driver.load(aligned.address());
      undo.push(() -> driver.call(Entry.LIBRARY_UNLOAD, library));
      // The driver may put off what it can; what does not fit this GPU must be known now.
      driver.query(Entry.LIBRARY_MODULE, library);
      return library;
    } catch (CudaException e) {
      throw e.with(
          "loading %s, which holds %s, on a GPU of compute capability %d"
              .formatted(name, images.contents(), CudaContext.capability(driver, device)));
    }
  }

  /** The names of the fatbins. */
  static Collection<String> fatbins() {
    return FATBINS.values();
  }

  /** A kernel that was asked for before, or null. */
  Kernel known(String entry) {
    return kernels.get(entry);
  }

  /** A kernel by its entry's name. */
  Kernel find(String entry) {
    try (Arena names = Arena.ofConfined()) {
      long library =
          libraries.entrySet().stream()
              .filter(l -> entry.startsWith(l.getKey()))
              .max(Comparator.comparingInt(l -> l.getKey().length()))
              .orElseThrow()
              .getValue();
      long name = names.allocateFrom(entry).address();
      Kernel kernel = new Kernel(driver.query(Entry.LIBRARY_KERNEL, library, name));
      kernels.put(entry, kernel);
      return kernel;
    }
  }

  /** Lets a kernel's blocks have more dynamic shared memory than what needs no asking. */
  void allow(Kernel kernel, int bytes) {
    driver.call(Entry.KERNEL_ATTRIBUTE, MAX_DYNAMIC_SHARED, bytes, kernel.handle, device);
    kernel.shared = bytes;
  }

  void close() {
    while (!undo.isEmpty()) {
      undo.pop().run();
    }
  }
}
