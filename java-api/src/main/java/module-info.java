// SPDX-License-Identifier: Apache-2.0

/**
 * kofn: exactly k of n, drawn differentiably and multiplied sparsely.
 *
 * <p>A user holds a {@link io.github.kofn.Device} and {@link io.github.kofn.Tensor}s; {@link
 * io.github.kofn.sampling} draws, {@link io.github.kofn.sparse} multiplies, and {@link
 * io.github.kofn.pruning} puts both together to train pruned networks.
 */
module io.github.kofn {
  // Optional: with --add-modules jdk.incubator.vector the CPU backend uses vectors, without it
  // scalars.
  requires static jdk.incubator.vector;

  exports io.github.kofn;
  exports io.github.kofn.pruning;
  exports io.github.kofn.sampling;
  exports io.github.kofn.sparse;
}
