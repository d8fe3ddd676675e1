// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.examples;

import java.nio.file.Path;

/** Is told how training goes, on the training thread. */
public interface TrainListener {
  /** Listens to nothing. */
  TrainListener NONE = new TrainListener() {};

  /**
   * After every training step.
   *
   * @param epoch the epoch, counted from 0
   * @param step steps done in this epoch
   * @param steps steps of this epoch in all
   */
  default void step(int epoch, int step, int steps) {}

  /**
   * After every epoch, when its checkpoint has been written.
   *
   * @param epoch the epoch, counted from 0
   * @param result how it went
   * @param checkpoint the checkpoint
   */
  default void epoch(int epoch, TrainReport.Epoch result, Path checkpoint) {}
}
