// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.abort;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.kofn.Backend;
import io.github.kofn.Device;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * A device that cannot be had is said so, with what to do about it, before anything is launched.
 */
class UnavailableTest {
  private static final List<String> ALLOWED = List.of("--enable-native-access=ALL-UNNAMED");

  @BeforeEach
  void needsTheSimulatedDevice() {
    Device.unavailableReason(Backend.SIMULATED).ifPresent(reason -> abort(reason));
  }

  @Test
  void aChildFindsTheDevice() {
    assertEquals(
        "available", ChildJvm.run(Backend.SIMULATED, Map.of("KOFN_SIM_ARCH", "90"), ALLOWED));
    assertEquals(
        "available", ChildJvm.run(Backend.SIMULATED, Map.of("KOFN_SIM_ARCH", "100"), ALLOWED));
  }

  @Test
  void anOldDriver() {
    assertEquals(
        "the NVIDIA driver is too old: it supports CUDA 12.8, and the kernels need CUDA 13.0 or"
            + " newer",
        ChildJvm.run(Backend.SIMULATED, Map.of("KOFN_SIM_DRIVER", "12080"), ALLOWED));
  }

  /** A library without the entry points that came with CUDA 12. */
  @Test
  void aDriverThatLacksEntryPoints() {
    assertEquals(
        "the NVIDIA driver is too old: it supports CUDA 11.4 and has no cuLibraryLoadData, no"
            + " cuLibraryUnload, no cuLibraryGetModule, no cuLibraryGetKernel, no"
            + " cuKernelSetAttribute, and the kernels need CUDA 13.0 or newer",
        ChildJvm.run(Backend.CUDA, Map.of("LD_LIBRARY_PATH", noop("noop-11.4")), ALLOWED));
    assertEquals(
        "opened cuda, a device that does nothing, compute capability 9.0",
        ChildJvm.run(Backend.CUDA, Map.of("LD_LIBRARY_PATH", noop("noop")), ALLOWED, "open"));
  }

  /** The folder of a driver that does nothing. */
  private static String noop(String name) {
    Path folder = Path.of(System.getProperty("kofn.simulator")).resolveSibling(name);
    assumeTrue(Files.exists(folder.resolve("libcuda.so.1")), folder + " was not built");
    return folder.toString();
  }

  @Test
  void noDevice() {
    String reason = ChildJvm.run(Backend.SIMULATED, Map.of("KOFN_SIM_DEVICES", "0"), ALLOWED);
    assertTrue(reason.contains("CUDA_ERROR_NO_DEVICE"), reason);
  }

  @Test
  void noNativeAccess() {
    String reason =
        ChildJvm.run(Backend.SIMULATED, Map.of(), List.of("--illegal-native-access=deny"));
    assertTrue(reason.contains("--enable-native-access=io.github.kofn"), reason);
  }

  @Test
  void noKernelForTheGpu() {
    String thrown =
        ChildJvm.run(
            Backend.SIMULATED, Map.of("KOFN_SIM_FAIL", "cuLibraryLoadData:1:209"), ALLOWED, "open");
    assertTrue(thrown.contains("CUDA_ERROR_NO_BINARY_FOR_GPU (209)"), thrown);
    assertTrue(thrown.contains("machine code for 8.0"), thrown);
    assertTrue(thrown.contains("on a GPU of compute capability 80"), thrown);
  }
}
