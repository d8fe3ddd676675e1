// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.validation;

import java.util.Locale;

/** A part of the contract. */
public enum Op {
  /** Drawing k of n: bit-identical everywhere. */
  SAMPLING,
  /** The relaxed draw and its gradient: within a derived bound. */
  RELAXATION,
  /** Products with k-of-n matrices, forward and backward: within a derived bound. */
  MATMUL;

  /**
   * The name in lower case, as the command line has it.
   *
   * @return the name
   */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }
}
