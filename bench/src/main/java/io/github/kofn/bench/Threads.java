// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.bench;

/** The parameter {@code threads} of a benchmark. */
public final class Threads {
  /** The value that stands for all cores. */
  public static final String ALL = "all";

  private Threads() {}

  /**
   * The number behind a parameter's value.
   *
   * @param value a number, or "all"
   * @return the number of threads
   */
  public static int count(String value) {
    return value.equals(ALL) ? Runtime.getRuntime().availableProcessors() : Integer.parseInt(value);
  }
}
