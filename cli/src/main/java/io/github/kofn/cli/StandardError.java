// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.cli;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;

/**
 * Takes standard error back from the launcher, which filters it while the JVM starts: a line that
 * announces the incubating Vector API cannot be switched off. From here on everything, the JVM's
 * own messages included, goes where the user sent it.
 */
final class StandardError {
  private static final int STANDARD_ERROR = 2;

  private StandardError() {}

  /** Does nothing unless the launcher says, in a property, which descriptor it kept. */
  @SuppressWarnings("restricted") // calls C
  static void restore() {
    Integer kept = Integer.getInteger("kofn.stderr");
    if (kept == null) {
      return;
    }
    Linker linker = Linker.nativeLinker();
    FunctionDescriptor type = FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT);
    try {
      int result =
          (int)
              linker
                  .downcallHandle(linker.defaultLookup().findOrThrow("dup2"), type)
                  .invokeExact((int) kept, STANDARD_ERROR);
      if (result != STANDARD_ERROR) {
        throw new IllegalStateException("descriptor " + kept + " cannot become standard error");
      }
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }
}
