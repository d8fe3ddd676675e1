// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.cli;

import java.io.PrintWriter;
import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;

/** Progress of long work: a bar on a terminal, nothing elsewhere. */
final class Bar implements AutoCloseable {
  private static final int WIDTH = 79;
  private static final int UPDATE_MILLIS = 200;

  private final ProgressBar bar;

  /** A bar with a task's name; the launcher says whether standard error is a terminal. */
  Bar(String task) {
    bar = Boolean.getBoolean("kofn.terminal") ? onTerminal(task) : null;
  }

  private static ProgressBar onTerminal(String task) {
    return new ProgressBarBuilder()
        .setTaskName(task)
        .setInitialMax(-1)
        .setUpdateIntervalMillis(UPDATE_MILLIS)
        .setConsumer(new ConsoleProgressBarConsumer(System.err, WIDTH))
        .build();
  }

  /** So much is done. */
  void update(long done, long total) {
    if (bar != null) {
      bar.maxHint(total);
      bar.stepTo(done);
    }
  }

  /** Writes a line elsewhere, clear of the bar, which is drawn anew below. */
  void println(PrintWriter out, String line) {
    if (bar != null) {
      System.err.print('\r' + " ".repeat(WIDTH) + '\r');
    }
    out.println(line);
    out.flush();
  }

  @Override
  public void close() {
    if (bar != null) {
      bar.close();
    }
  }
}
