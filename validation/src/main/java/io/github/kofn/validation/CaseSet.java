// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.validation;

import java.util.Locale;

/** How many cases are run. */
public enum CaseSet {
  /** Every kind of case at some sizes: under a minute for all paths of the CPU on two cores. */
  QUICK,
  /** Every kind of case at every size. */
  FULL;

  /**
   * The name in lower case, as the command line has it.
   *
   * @return the name
   */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }
}
