// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.validation;

/** Hears how far a run of the suite is. */
@FunctionalInterface
public interface Progress {
  /** Hears nothing. */
  Progress SILENT = (done, total) -> {};

  /**
   * Called after each case, on the thread that runs the suite.
   *
   * @param done how many cases ran so far, each path counted
   * @param total how many will have run at the end
   */
  void update(int done, int total);
}
