// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.validation;

/**
 * What one case came to on one path.
 *
 * @param op the part of the contract
 * @param path the kernel path's name
 * @param type the element types
 * @param shape sizes and kind of input
 * @param error the error of the value that was worst in relation to its bound; where exact values
 *     differ, how many do
 * @param bound that value's bound; 0 where values must be exact
 * @param ok whether every value was within its bound
 * @param detail the first disagreement, or an empty string
 * @param repeat the command that runs this case again, with its seed
 */
public record CaseResult(
    Op op,
    String path,
    String type,
    String shape,
    double error,
    double bound,
    boolean ok,
    String detail,
    String repeat) {

  /**
   * The error over its bound: at most 1 for a case that passed, infinite where exact values differ.
   *
   * @return the ratio, 0 for no error at all
   */
  public double ratio() {
    return Agreement.ratio(error, bound);
  }
}
