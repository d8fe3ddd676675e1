// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.simulated;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

/** The library loads by path into a JVM and runs a kernel, without any binding between. */
@SuppressWarnings("restricted") // naming native functions is what this test does
class PanamaTest {
  private final SymbolLookup driver =
      SymbolLookup.libraryLookup(Simulator.library(), Arena.global());

  /** A driver call by name; arguments are Integer, Long or MemorySegment. */
  private Object call(String name, Object... arguments) {
    MemoryLayout[] layouts = new MemoryLayout[arguments.length];
    Arrays.setAll(
        layouts,
        i ->
            arguments[i] instanceof Integer
                ? JAVA_INT
                : arguments[i] instanceof Long ? JAVA_LONG : ADDRESS);
    MethodHandle handle =
        Linker.nativeLinker()
            .downcallHandle(
                driver.find(name).orElseThrow(), FunctionDescriptor.of(JAVA_INT, layouts));
    try {
      return handle.invokeWithArguments(arguments);
    } catch (Throwable t) {
      throw new AssertionError(name, t);
    }
  }

  private void succeed(String name, Object... arguments) {
    assertEquals(0, call(name, arguments), name);
  }

  @Test
  void runsAKernel() {
    int n = 300;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(8, 8);
      call("kofnSimResetReports");
      succeed("cuInit", 0);
      succeed("cuDevicePrimaryCtxRetain", out, 0);
      succeed("cuCtxSetCurrent", out.get(JAVA_LONG, 0));
      succeed("cuModuleLoadData", out, arena.allocateFrom(Simulator.SAXPY));
      long module = out.get(JAVA_LONG, 0);
      succeed("cuModuleGetFunction", out, module, arena.allocateFrom("saxpy"));
      long function = out.get(JAVA_LONG, 0);
      succeed("cuStreamCreate", out, 1);
      long stream = out.get(JAVA_LONG, 0);
      succeed("cuMemAlloc_v2", out, 4L * n);
      long x = out.get(JAVA_LONG, 0);
      succeed("cuMemAlloc_v2", out, 4L * n);
      long y = out.get(JAVA_LONG, 0);
      MemorySegment host = arena.allocate(JAVA_FLOAT, n);
      for (int i = 0; i < n; i++) {
        host.setAtIndex(JAVA_FLOAT, i, i);
      }
      succeed("cuMemcpyHtoDAsync_v2", x, host, 4L * n, stream);
      succeed("cuMemsetD32Async", y, 0, (long) n, stream);

      MemorySegment values = arena.allocate(32, 8);
      values.set(JAVA_INT, 0, n);
      values.set(JAVA_FLOAT, 8, 2f);
      values.set(JAVA_LONG, 16, x);
      values.set(JAVA_LONG, 24, y);
      MemorySegment parameters = arena.allocate(32, 8);
      for (int i = 0; i < 4; i++) {
        parameters.setAtIndex(ADDRESS, i, values.asSlice(8L * i));
      }
      succeed(
          "cuLaunchKernel",
          function,
          3,
          1,
          1,
          128,
          1,
          1,
          0,
          stream,
          parameters,
          MemorySegment.NULL);
      values.fill((byte) 0);
      succeed("cuMemcpyDtoHAsync_v2", host, y, 4L * n, stream);
      succeed("cuStreamSynchronize", stream);
      for (int i = 0; i < n; i++) {
        assertEquals(2f * i, host.getAtIndex(JAVA_FLOAT, i));
      }
      assertTrue((int) call("kofnSimVersion") >= 1000);
      succeed("cuMemFree_v2", x);
      succeed("cuMemFree_v2", y);
      succeed("cuStreamDestroy_v2", stream);
      succeed("cuModuleUnload", module);
      succeed("cuCtxSetCurrent", 0L);
      succeed("cuDevicePrimaryCtxRelease_v2", 0);
      assertEquals(0, call("kofnSimReportCount"));
    }
  }
}
