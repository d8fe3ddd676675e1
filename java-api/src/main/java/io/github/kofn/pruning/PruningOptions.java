// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.pruning;

import io.github.kofn.internal.Check;
import io.github.kofn.sampling.Order;

/**
 * How a {@link PruningMask} draws and learns. Immutable; each method returns a changed copy.
 *
 * @param seed the run's seed
 * @param stream names the layer, so that layers with one seed draw independently
 * @param noiseScale beta, finite and at least 0. Dividing the logits by a Boltzmann temperature of
 *     beta draws the same, so there is no second knob for that
 * @param temperature tau of the relaxation, epoch by epoch
 * @param removal the relaxation's removal order
 * @param entropyWeight mu, the multiplier of the sum of the rows' entropies in the loss, finite and
 *     at least 0
 */
public record PruningOptions(
    long seed,
    int stream,
    float noiseScale,
    Schedule temperature,
    Order removal,
    float entropyWeight) {

  /**
   * Checks the options.
   *
   * @throws IllegalArgumentException if one is out of its range
   */
  public PruningOptions {
    Check.finiteAtLeast("noiseScale", noiseScale, 0);
    Check.notNull("temperature", temperature);
    Check.notNull("removal", removal);
    Check.finiteAtLeast("entropyWeight", entropyWeight, 0);
  }

  /**
   * Noise scale 1, temperature from 5 to 0.5 in equal steps, removal by key, no entropy in the
   * loss.
   *
   * @param seed the run's seed
   * @param stream names the layer
   * @param epochs the number of epochs that the temperature's way takes, at least 1
   * @return the options
   */
  public static PruningOptions of(long seed, int stream, int epochs) {
    return new PruningOptions(seed, stream, 1, Schedule.linear(5, 0.5f, epochs), Order.KEY, 0);
  }

  /**
   * With another noise scale.
   *
   * @param value beta, finite and at least 0
   * @return the copy
   */
  public PruningOptions withNoiseScale(float value) {
    return new PruningOptions(seed, stream, value, temperature, removal, entropyWeight);
  }

  /**
   * With another temperature.
   *
   * @param value tau, epoch by epoch
   * @return the copy
   */
  public PruningOptions withTemperature(Schedule value) {
    return new PruningOptions(seed, stream, noiseScale, value, removal, entropyWeight);
  }

  /**
   * With another removal order.
   *
   * @param value {@link Order#KEY}, or {@link Order#INDEX} to compare with the DPP authors' code
   * @return the copy
   */
  public PruningOptions withRemoval(Order value) {
    return new PruningOptions(seed, stream, noiseScale, temperature, value, entropyWeight);
  }

  /**
   * With entropy in the loss. It is a sum over rows: a layer of 300 rows of 784 has some 2000 nats
   * before training. Its minimum is one certain entry a row, so a large weight works against k
   * certain ones.
   *
   * @param value mu, finite and at least 0
   * @return the copy
   */
  public PruningOptions withEntropyWeight(float value) {
    return new PruningOptions(seed, stream, noiseScale, temperature, removal, value);
  }
}
