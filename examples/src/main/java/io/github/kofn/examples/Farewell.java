// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.examples;

import java.nio.file.Path;

/** Says, when the JVM is stopped in the middle of training, where the last checkpoint is. */
final class Farewell implements AutoCloseable {
  private final Thread hook;
  private volatile int saved;

  Farewell(Path checkpoint, int epochs) {
    hook = Thread.ofPlatform().unstarted(() -> System.err.println(text(checkpoint, epochs)));
    Runtime.getRuntime().addShutdownHook(hook);
  }

  /** Takes note of the epochs that the checkpoint holds. */
  void saved(int epochs) {
    saved = epochs;
  }

  private String text(Path checkpoint, int epochs) {
    return saved == 0
        ? "Stopped in the first epoch, before there was a checkpoint."
        : "Stopped. %s holds %d of %d epochs; give it to --resume to continue."
            .formatted(checkpoint.toAbsolutePath(), saved, epochs);
  }

  @Override
  public void close() {
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException e) {
      // The JVM is stopping, and the hook has its say.
      return;
    }
  }
}
