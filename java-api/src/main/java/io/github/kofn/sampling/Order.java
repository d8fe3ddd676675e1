// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.sampling;

/** An order among the k entries drawn from a row. */
public enum Order {
  /** Ascending column. */
  INDEX,
  /**
   * Descending key, equal keys by ascending column: the order in which Plackett-Luce sampling draws
   * them.
   */
  KEY
}
