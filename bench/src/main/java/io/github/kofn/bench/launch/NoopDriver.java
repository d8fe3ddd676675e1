// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.bench.launch;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * native-build's driver that does nothing: a libcuda.so.1 which the system property {@code
 * kofn.noop} names. It notes a launch's blocks and first parameter.
 */
@SuppressWarnings("restricted") // loading native code is what this class is for
public final class NoopDriver {
  private NoopDriver() {}

  /**
   * Why it cannot be had.
   *
   * @return the reason, or nothing if it can
   */
  public static Optional<String> whyNot() {
    return Files.isReadable(Path.of(path()))
        ? Optional.empty()
        : Optional.of(
            "the driver that does nothing is not built; sh native-build/build.sh noop does, where"
                + " CMake and a C++ compiler are");
  }

  /**
   * Where it lies.
   *
   * @return a path
   */
  public static String path() {
    return System.getProperty("kofn.noop", "native-build/target/cmake/lib/noop/libcuda.so.1");
  }

  /**
   * Loads it. The dynamic linker then gives it to JCuda's native library, which needs a
   * libcuda.so.1.
   *
   * @throws UnsatisfiedLinkError with the reason where it cannot be had
   */
  public static void load() {
    whyNot()
        .ifPresent(
            reason -> {
              throw new UnsatisfiedLinkError(reason);
            });
    System.load(Path.of(path()).toAbsolutePath().toString());
  }

  /**
   * Checks that the latest launch arrived.
   *
   * @param blocks how many blocks it had
   * @param first its first parameter
   * @throws IllegalStateException if it did not
   */
  public static void requireLaunched(int blocks, int first) {
    if (note("kofnNoopBlocks") != blocks || note("kofnNoopFirst") != first) {
      throw new IllegalStateException("the launch did not reach the driver as it was called");
    }
  }

  private static int note(String function) {
    SymbolLookup library = SymbolLookup.libraryLookup(path(), Arena.global());
    try {
      return (int)
          Linker.nativeLinker()
              .downcallHandle(
                  library.findOrThrow(function), FunctionDescriptor.of(ValueLayout.JAVA_INT))
              .invokeExact();
    } catch (Throwable t) {
      throw new IllegalStateException(t);
    }
  }
}
