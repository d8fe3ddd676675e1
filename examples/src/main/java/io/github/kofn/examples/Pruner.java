// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.examples;

import java.util.Locale;

/** How a layer finds out which weights to keep. */
public enum Pruner {
  /** Dynamic probabilistic pruning: a trained mask, drawn anew each step. */
  DPP,
  /** A mask drawn once, from the seed, and never changed: what DPP has to beat. */
  RANDOM,
  /** Keeps everything. */
  NONE;

  /**
   * Finds a pruner by the name that the command line uses.
   *
   * @param name "dpp", "random" or "none", in any case
   * @return the pruner
   * @throws IllegalArgumentException if the name is none of these
   */
  public static Pruner of(String name) {
    for (Pruner pruner : values()) {
      if (pruner.label().equalsIgnoreCase(name)) {
        return pruner;
      }
    }
    throw new IllegalArgumentException("pruner is \"" + name + "\"; allowed: dpp, random, none");
  }

  /**
   * The name in lower case.
   *
   * @return the name
   */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }
}
