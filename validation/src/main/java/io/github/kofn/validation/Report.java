// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.validation;

import java.util.List;

/**
 * What a run of the suite came to.
 *
 * @param results one for each case and path that ran
 * @param skips what did not run, and why
 */
public record Report(List<CaseResult> results, List<Skip> skips) {

  /**
   * Cases that did not run.
   *
   * @param path the kernel path
   * @param op the part of the contract
   * @param cases how many
   * @param reason why not
   */
  public record Skip(String path, Op op, int cases, String reason) {}

  /** Copies the lists. */
  public Report {
    results = List.copyOf(results);
    skips = List.copyOf(skips);
  }

  /**
   * Those that failed.
   *
   * @return the results that are not ok
   */
  public List<CaseResult> failures() {
    return results.stream().filter(result -> !result.ok()).toList();
  }

  /**
   * How many cases did not run.
   *
   * @return the sum over all skips
   */
  public int skipped() {
    return skips.stream().mapToInt(Skip::cases).sum();
  }
}
