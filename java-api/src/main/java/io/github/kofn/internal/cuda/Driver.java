// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cuda;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.github.kofn.CudaException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * The CUDA driver API, as far as kofn calls it: libcuda.so.1 of a GPU's driver, or the simulated
 * one.
 *
 * <p>Symbols carry their version suffix: the bare names are the 32-bit interface of before CUDA
 * 3.2. Device pointers, handles and the addresses of host memory travel as longs. No call is linked
 * {@code critical}: any of them may block, and would then hold up every safepoint of the JVM.
 * Results that are no success become a {@link CudaException}.
 */
@SuppressWarnings("restricted") // calling native code is what this class is for
final class Driver {
  private static final Linker LINKER = Linker.nativeLinker();
  private static final int RTLD_NOW = 2;

  private final SymbolLookup library;
  private final Map<String, MethodHandle> handles = new HashMap<>();
  private final MethodHandle errorName;
  private final MethodHandle errorString;
  private final MethodHandle launch;

  /**
   * Loads a library by soname or path; the dynamic linker's own reason is in the exception where
   * that fails.
   */
  Driver(String nameOrPath) {
    long handle = open(nameOrPath);
    MethodHandle dlsym = standard("dlsym", FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, ADDRESS));
    this.library =
        name -> {
          try (Arena arena = Arena.ofConfined()) {
            long address = (long) dlsym.invokeExact(handle, arena.allocateFrom(name));
            return address == 0 ? Optional.empty() : Optional.of(MemorySegment.ofAddress(address));
          } catch (Throwable t) {
            throw unexpected(t);
          }
        };
    this.errorName = link("cuGetErrorName", JAVA_INT, ADDRESS);
    this.errorString = link("cuGetErrorString", JAVA_INT, ADDRESS);
    this.launch =
        link(
            "cuLaunchKernel",
            JAVA_LONG,
            JAVA_INT,
            JAVA_INT,
            JAVA_INT,
            JAVA_INT,
            JAVA_INT,
            JAVA_INT,
            JAVA_INT,
            JAVA_LONG,
            JAVA_LONG,
            JAVA_LONG);
  }

  private static long open(String nameOrPath) {
    MethodHandle dlopen = standard("dlopen", FunctionDescriptor.of(JAVA_LONG, ADDRESS, JAVA_INT));
    MethodHandle dlerror = standard("dlerror", FunctionDescriptor.of(ADDRESS));
    try (Arena arena = Arena.ofConfined()) {
      long handle = (long) dlopen.invokeExact(arena.allocateFrom(nameOrPath), RTLD_NOW);
      if (handle == 0) {
        MemorySegment reason = (MemorySegment) dlerror.invokeExact();
        throw new UnsatisfiedLinkError(text(reason));
      }
      return handle;
    } catch (Throwable t) {
      throw unexpected(t);
    }
  }

  private static MethodHandle standard(String name, FunctionDescriptor descriptor) {
    MemorySegment symbol =
        LINKER
            .defaultLookup()
            .find(name)
            .orElseThrow(() -> new UnsatisfiedLinkError("no " + name + " on this system"));
    return LINKER.downcallHandle(symbol, descriptor);
  }

  private MethodHandle link(String name, MemoryLayout... arguments) {
    MemorySegment symbol =
        library
            .find(name)
            .orElseThrow(
                () -> new UnsatisfiedLinkError("the driver has no " + name + ": it is too old"));
    return LINKER.downcallHandle(symbol, FunctionDescriptor.of(JAVA_INT, arguments));
  }

  private MethodHandle handle(String name, MemoryLayout... arguments) {
    synchronized (handles) {
      return handles.computeIfAbsent(name, n -> link(n, arguments));
    }
  }

  /** A function that is not the driver API's. */
  MethodHandle extra(String name, FunctionDescriptor descriptor) {
    return LINKER.downcallHandle(library.find(name).orElseThrow(), descriptor);
  }

  /** Whether the library exports a symbol. */
  boolean exports(String name) {
    return library.find(name).isPresent();
  }

  /**
   * A call of at most 4 integer arguments. An int travels in the lower half of its register, as the
   * calling conventions of x86-64 and aarch64 have it, so every argument can be a long.
   */
  void call(String name, long... arguments) {
    MemoryLayout[] layouts = new MemoryLayout[arguments.length];
    Arrays.fill(layouts, JAVA_LONG);
    MethodHandle handle = handle(name, layouts);
    int result;
    try {
      result =
          switch (arguments.length) {
            case 0 -> (int) handle.invokeExact();
            case 1 -> (int) handle.invokeExact(arguments[0]);
            case 2 -> (int) handle.invokeExact(arguments[0], arguments[1]);
            case 3 -> (int) handle.invokeExact(arguments[0], arguments[1], arguments[2]);
            case 4 ->
                (int) handle.invokeExact(arguments[0], arguments[1], arguments[2], arguments[3]);
            default -> throw new IllegalArgumentException(name + " with " + arguments.length);
          };
    } catch (Throwable t) {
      throw unexpected(t);
    }
    check(result, name, "");
  }

  /** A call whose first argument receives a 64-bit value. */
  long query(String name, long... arguments) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(JAVA_LONG);
      long[] all = new long[arguments.length + 1];
      all[0] = out.address();
      System.arraycopy(arguments, 0, all, 1, arguments.length);
      call(name, all);
      return out.get(JAVA_LONG, 0);
    }
  }

  /** A call whose first argument receives text. */
  String queryText(String name, long last) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(256);
      call(name, out.address(), out.byteSize() - 1, last);
      return out.getString(0);
    }
  }

  /**
   * Launches a kernel. The driver copies the parameters before it returns.
   *
   * @param parameters address of an array of pointers to the parameters
   */
  void launch(
      long function,
      int gridX,
      int gridY,
      int threads,
      long stream,
      long parameters,
      String kernel) {
    int result;
    try {
      result =
          (int)
              launch.invokeExact(
                  function, gridX, gridY, 1, threads, 1, 1, 0, stream, parameters, 0L);
    } catch (Throwable t) {
      throw unexpected(t);
    }
    check(result, "cuLaunchKernel", kernel);
  }

  private void check(int result, String call, String doing) {
    if (result == 0) {
      return;
    }
    String detail = describe(errorString, result) + (doing.isEmpty() ? "" : ", " + doing);
    CudaException error = new CudaException(result, describe(errorName, result), call, detail);
    throw error;
  }

  private static String describe(MethodHandle text, int result) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(ADDRESS);
      int status = (int) text.invokeExact(result, out);
      return status == 0 ? text(out.get(ADDRESS, 0)) : "unknown result";
    } catch (Throwable t) {
      throw unexpected(t);
    }
  }

  private static String text(MemorySegment address) {
    return address.address() == 0 ? "" : address.reinterpret(4096).getString(0);
  }

  /** What a handle throws that it should not. */
  private static RuntimeException unexpected(Throwable t) {
    return switch (t) {
      case RuntimeException e -> e;
      case Error e -> throw e;
      default -> new IllegalStateException(t);
    };
  }
}
