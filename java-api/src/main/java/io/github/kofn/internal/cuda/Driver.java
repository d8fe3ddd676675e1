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
import java.lang.invoke.MethodHandle;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * The CUDA driver API, as far as kofn calls it: libcuda.so.1 of a GPU's driver, or the simulated
 * one.
 *
 * <p>Device pointers, handles and the addresses of host memory travel as longs. An int travels in
 * the lower half of its register, as the calling conventions of x86-64 and aarch64 have it, so
 * every argument can be a long. Method handles belong to a shape, not to an entry point: they are
 * constants that the JIT compiler folds, whatever library was loaded. No call is linked {@code
 * critical}: any of them may block, and would then hold up every safepoint of the JVM. Results that
 * are no success become a {@link CudaException}.
 */
@SuppressWarnings("restricted") // calling native code is what this class is for
final class Driver {
  private static final Linker LINKER = Linker.nativeLinker();
  private static final int RTLD_NOW = 2;

  /** In a class of its own: a JVM that denies native access says so in the constructor first. */
  private static final class Shapes {
    static final MethodHandle L0 = longs(0);
    static final MethodHandle L1 = longs(1);
    static final MethodHandle L2 = longs(2);
    static final MethodHandle L3 = longs(3);
    static final MethodHandle L4 = longs(4);
    static final MethodHandle L8 = longs(8);
    static final MethodHandle LAUNCH =
        LINKER.downcallHandle(
            FunctionDescriptor.of(
                JAVA_INT, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT,
                JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_LONG));

    private static MethodHandle longs(int arguments) {
      MemoryLayout[] layouts = new MemoryLayout[arguments];
      Arrays.fill(layouts, JAVA_LONG);
      return LINKER.downcallHandle(FunctionDescriptor.of(JAVA_INT, layouts));
    }
  }

  private final long library;
  private final MethodHandle dlsym;
  private final Map<Entry, MemorySegment> symbols = new EnumMap<>(Entry.class);
  private final MemorySegment launch;
  private final MethodHandle lastMessage;
  private volatile CudaException lost;

  /**
   * Loads a library by soname or path; the dynamic linker's own reason is in the exception where
   * that fails.
   */
  Driver(String nameOrPath) {
    this.library = open(nameOrPath);
    this.dlsym = standard("dlsym", FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, ADDRESS));
    for (Entry entry : Entry.values()) {
      symbols.put(entry, symbol(entry.symbol()));
    }
    this.launch = symbols.get(Entry.LAUNCH);
    this.lastMessage =
        exports("kofnSimLastMessage")
            ? extra("kofnSimLastMessage", FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_LONG))
            : null;
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

  /** A symbol's address, or null. */
  private MemorySegment symbol(String name) {
    try (Arena arena = Arena.ofConfined()) {
      long address = (long) dlsym.invokeExact(library, arena.allocateFrom(name));
      return address == 0 ? null : MemorySegment.ofAddress(address);
    } catch (Throwable t) {
      throw unexpected(t);
    }
  }

  /** Whether the library exports a symbol. */
  boolean exports(String name) {
    return symbol(name) != null;
  }

  /** A function that is not the driver API's. */
  MethodHandle extra(String name, FunctionDescriptor descriptor) {
    return LINKER.downcallHandle(symbol(name), descriptor);
  }

  /** Entry points that the library lacks. */
  List<String> missing() {
    return Arrays.stream(Entry.values())
        .filter(entry -> symbols.get(entry) == null)
        .map(Entry::symbol)
        .toList();
  }

  private MemorySegment address(Entry entry) {
    MemorySegment address = symbols.get(entry);
    if (address == null) {
      throw new UnsatisfiedLinkError("the NVIDIA driver has no " + entry.symbol());
    }
    return address;
  }

  /** Calls an entry point without arguments; this and the following throw what is no success. */
  void call(Entry entry) {
    try {
      check((int) Shapes.L0.invokeExact(address(entry)), entry, "");
    } catch (Throwable t) {
      throw unexpected(t);
    }
  }

  void call(Entry entry, long a) {
    check(result(entry, a), entry, "");
  }

  void call(Entry entry, long a, long b) {
    try {
      check((int) Shapes.L2.invokeExact(address(entry), a, b), entry, "");
    } catch (Throwable t) {
      throw unexpected(t);
    }
  }

  void call(Entry entry, long a, long b, long c) {
    try {
      check((int) Shapes.L3.invokeExact(address(entry), a, b, c), entry, "");
    } catch (Throwable t) {
      throw unexpected(t);
    }
  }

  void call(Entry entry, long a, long b, long c, long d) {
    try {
      check((int) Shapes.L4.invokeExact(address(entry), a, b, c, d), entry, "");
    } catch (Throwable t) {
      throw unexpected(t);
    }
  }

  /** The bare CUresult of a call, for those that answer a question with it. */
  int result(Entry entry, long a) {
    try {
      return (int) Shapes.L1.invokeExact(address(entry), a);
    } catch (Throwable t) {
      throw unexpected(t);
    }
  }

  /** A call whose first argument receives a value of up to 64 bits. */
  long query(Entry entry) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(JAVA_LONG);
      call(entry, out.address());
      return out.get(JAVA_LONG, 0);
    }
  }

  long query(Entry entry, long a) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(JAVA_LONG);
      call(entry, out.address(), a);
      return out.get(JAVA_LONG, 0);
    }
  }

  long query(Entry entry, long a, long b) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(JAVA_LONG);
      call(entry, out.address(), a, b);
      return out.get(JAVA_LONG, 0);
    }
  }

  long query(Entry entry, long a, long b, long c) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(JAVA_LONG);
      call(entry, out.address(), a, b, c);
      return out.get(JAVA_LONG, 0);
    }
  }

  /**
   * Loads an image as a library.
   *
   * @param image the address of a fatbin or of PTX
   * @return its handle
   */
  long load(long image) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(JAVA_LONG);
      int result =
          (int)
              Shapes.L8.invokeExact(
                  address(Entry.LIBRARY_LOAD), out.address(), image, 0L, 0L, 0L, 0L, 0L, 0L);
      check(result, Entry.LIBRARY_LOAD, "");
      return out.get(JAVA_LONG, 0);
    } catch (Throwable t) {
      throw unexpected(t);
    }
  }

  /** A call whose first argument receives text. */
  String queryText(Entry entry, long last) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(256);
      call(entry, out.address(), out.byteSize() - 1, last);
      return out.getString(0);
    }
  }

  /**
   * Launches a kernel. The driver copies the parameters before it returns.
   *
   * @param shared bytes of dynamic shared memory of a block
   * @param parameters address of an array of pointers to the parameters
   * @param kernel its name, for messages
   */
  void launch(
      long function,
      int gridX,
      int gridY,
      int gridZ,
      int threads,
      int shared,
      long stream,
      long parameters,
      String kernel) {
    int result;
    try {
      result =
          (int)
              Shapes.LAUNCH.invokeExact(
                  launch,
                  function,
                  gridX,
                  gridY,
                  gridZ,
                  threads,
                  1,
                  1,
                  shared,
                  stream,
                  parameters,
                  0L);
    } catch (Throwable t) {
      throw unexpected(t);
    }
    if (result != 0) {
      check(
          result,
          Entry.LAUNCH,
          "%s, grid %d x %d x %d, %d threads, %d bytes of dynamic shared memory"
              .formatted(kernel, gridX, gridY, gridZ, threads, shared));
    }
  }

  /** Throws a result that is no success. */
  void check(int result, Entry entry, String doing) {
    if (result == 0) {
      return;
    }
    StringBuilder detail = new StringBuilder(describe(Entry.ERROR_STRING, result));
    if (!doing.isEmpty()) {
      detail.append("; ").append(doing);
    }
    String more = lastMessage();
    if (!more.isEmpty()) {
      detail.append("; ").append(more);
    }
    CudaException error =
        new CudaException(
            result, describe(Entry.ERROR_NAME, result), entry.symbol(), detail.toString());
    if (error.deviceLost() && lost == null) {
      lost = error;
    }
    throw error;
  }

  /** The failure after which no call can succeed, or null. */
  CudaException lost() {
    return lost;
  }

  /** What the simulated device has to say about this thread's last failure. */
  private String lastMessage() {
    if (lastMessage == null) {
      return "";
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(1024);
      long length = (long) lastMessage.invokeExact(out.address(), out.byteSize());
      return length == 0 ? "" : out.getString(0);
    } catch (Throwable t) {
      throw unexpected(t);
    }
  }

  private String describe(Entry text, int result) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(ADDRESS);
      int status = (int) Shapes.L2.invokeExact(address(text), (long) result, out.address());
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
