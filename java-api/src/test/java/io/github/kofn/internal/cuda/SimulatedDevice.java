// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cuda;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.github.kofn.Backend;
import io.github.kofn.Device;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Assumptions;

/** The simulated device, and what its library offers beside the driver API. */
final class SimulatedDevice {
  private SimulatedDevice() {}

  /** Opens it, or skips the test where it was not built. */
  static Device open() {
    Device.unavailableReason(Backend.SIMULATED).ifPresent(Assumptions::abort);
    return Device.open(Backend.SIMULATED);
  }

  /** The library without a device, as another library in the process has it. */
  static Driver driver() {
    Device.unavailableReason(Backend.SIMULATED).ifPresent(Assumptions::abort);
    return new Driver(System.getProperty("kofn.simulator"));
  }

  /** A setting, for this process. */
  static void set(String name, String value) {
    MethodHandle option =
        driver().extra("kofnSimSetOption", FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG));
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment key = arena.allocateFrom(name);
      MemorySegment text = arena.allocateFrom(value);
      assertEquals(0, (int) option.invokeExact(key.address(), text.address()));
    } catch (Throwable t) {
      throw new AssertionError(t);
    }
  }

  /** What the sanitizer found, as "KIND: TEXT". */
  static List<String> reports() {
    Driver driver = driver();
    MethodHandle count = driver.extra("kofnSimReportCount", FunctionDescriptor.of(JAVA_LONG));
    MethodHandle text =
        driver.extra(
            "kofnSimReportText", FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG));
    List<String> reports = new ArrayList<>();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment buffer = arena.allocate(4096);
      long reported = (long) count.invokeExact();
      for (long i = 0; i < reported; i++) {
        long length = (long) text.invokeExact(i, buffer.address(), buffer.byteSize());
        reports.add(buffer.getString(0) + (length < buffer.byteSize() ? "" : "..."));
      }
      return reports;
    } catch (Throwable t) {
      throw new AssertionError(t);
    }
  }

  /** Forgets what the sanitizer found, where a test provoked it. */
  static void forgetReports() {
    try {
      driver().extra("kofnSimResetReports", FunctionDescriptor.ofVoid()).invokeExact();
    } catch (Throwable t) {
      throw new AssertionError(t);
    }
  }

  /** Forgets what was counted. */
  static void resetCounters() {
    try {
      driver().extra("kofnSimResetCounters", FunctionDescriptor.ofVoid()).invokeExact();
    } catch (Throwable t) {
      throw new AssertionError(t);
    }
  }

  /**
   * What was counted, by the counters' names.
   *
   * @param kernel a kernel's name, or "*" for all
   */
  @SuppressWarnings("restricted") // a name ends with a zero byte
  static Map<String, Long> counters(String kernel) {
    Driver driver = driver();
    MethodHandle all =
        driver.extra(
            "kofnSimCounters", FunctionDescriptor.of(JAVA_LONG, ADDRESS, ADDRESS, JAVA_LONG));
    MethodHandle name =
        driver.extra("kofnSimCounterName", FunctionDescriptor.of(ADDRESS, JAVA_LONG));
    Map<String, Long> counters = new HashMap<>();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment values = arena.allocate(JAVA_LONG, 256);
      long count = (long) all.invokeExact(arena.allocateFrom(kernel), values, 256L);
      for (long i = 0; i < count; i++) {
        MemorySegment text = (MemorySegment) name.invokeExact(i);
        counters.put(text.reinterpret(256).getString(0), values.getAtIndex(JAVA_LONG, i));
      }
    } catch (Throwable t) {
      throw new AssertionError(t);
    }
    return counters;
  }
}
