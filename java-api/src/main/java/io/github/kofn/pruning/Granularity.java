// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.pruning;

/** What a mask entry keeps or prunes. */
public enum Granularity {
  /** Single weights: k of the n inputs of every output neuron. */
  WEIGHT
}
