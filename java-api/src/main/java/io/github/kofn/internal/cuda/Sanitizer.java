// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cuda;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.github.kofn.KofnException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * What the simulated device's checks found: races, uninitialised reads, leaks and the like become
 * exceptions, because a kernel that has them is wrong even where its results are right. A real
 * driver has no such functions, and then nothing is checked.
 */
final class Sanitizer {
  private final MethodHandle count;
  private final MethodHandle text;
  private final MethodHandle reset;

  Sanitizer(Driver driver) {
    boolean there = driver.exports("kofnSimReportCount");
    count = there ? driver.extra("kofnSimReportCount", FunctionDescriptor.of(JAVA_LONG)) : null;
    text =
        there
            ? driver.extra(
                "kofnSimReportText",
                FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG))
            : null;
    reset = there ? driver.extra("kofnSimResetReports", FunctionDescriptor.ofVoid()) : null;
  }

  /** Throws the first report, and forgets all. */
  void check() {
    if (count == null) {
      return;
    }
    try (Arena arena = Arena.ofConfined()) {
      long reports = (long) count.invokeExact();
      if (reports == 0) {
        return;
      }
      MemorySegment buffer = arena.allocate(4096);
      long length = (long) text.invokeExact(0L, buffer.address(), buffer.byteSize());
      reset.invokeExact();
      throw new KofnException(
          "the simulated device has %d reports, the first (%d characters): %s"
              .formatted(reports, length, buffer.getString(0)));
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable t) {
      throw new IllegalStateException(t);
    }
  }
}
