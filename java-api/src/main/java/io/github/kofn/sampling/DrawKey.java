// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.sampling;

import io.github.kofn.internal.Check;

/**
 * Names one draw. The noise of column c in row r of a tensor is a function of (seed, stream, step,
 * firstRow + r, c) and of nothing else: not of the batch's size or split, the backend, the number
 * of threads or the GPU model. Two draws with different keys are independent.
 *
 * @param seed the run's seed: the key of Philox4x32-10
 * @param stream names the layer, any 32 bits
 * @param step names the draw, usually the training step, any 32 bits
 * @param firstRow the global index of the tensor's first row, 0 to 2^32 - 1: a caller that holds
 *     rows 1000 to 1999 of a larger matrix passes 1000 and gets the noise that the whole matrix
 *     would have got
 */
public record DrawKey(long seed, int stream, int step, long firstRow) {

  /**
   * Checks the key.
   *
   * @throws IllegalArgumentException if firstRow is out of its range
   */
  public DrawKey {
    Check.range("firstRow", firstRow, 0, 0xffffffffL);
  }

  /**
   * The first draw of a stream, for a tensor that holds all rows.
   *
   * @param seed the run's seed
   * @param stream names the layer
   * @return the key of step 0
   */
  public static DrawKey of(long seed, int stream) {
    return new DrawKey(seed, stream, 0, 0);
  }

  /**
   * The same stream at another step.
   *
   * @param value the step
   * @return the key
   */
  public DrawKey atStep(int value) {
    return new DrawKey(seed, stream, value, firstRow);
  }

  /**
   * The same draw for a tensor that begins at another row.
   *
   * @param value the global index of the tensor's first row, 0 to 2^32 - 1
   * @return the key
   */
  public DrawKey fromRow(long value) {
    return new DrawKey(seed, stream, step, value);
  }
}
