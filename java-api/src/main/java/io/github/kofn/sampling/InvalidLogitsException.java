// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.sampling;

import io.github.kofn.KofnException;

/**
 * A row of logits from which k entries cannot be drawn: it holds a NaN, or too few entries above
 * -infinity.
 */
public final class InvalidLogitsException extends KofnException {
  private static final long serialVersionUID = 1L;

  /** The offending row. */
  private final long row;

  private InvalidLogitsException(String message, long row) {
    super(message);
    this.row = row;
  }

  /**
   * A NaN.
   *
   * @param row the row of the logits tensor, counted from 0
   * @param column the first column of that row that holds a NaN
   * @return the exception
   */
  public static InvalidLogitsException nan(long row, long column) {
    return new InvalidLogitsException(
        "logit [" + row + ", " + column + "] is NaN; allowed: numbers and infinities", row);
  }

  /**
   * Too few drawable entries.
   *
   * @param row the row of the logits tensor, counted from 0
   * @param drawable how many of its keys are above -infinity
   * @param k how many were to be drawn
   * @return the exception
   */
  public static InvalidLogitsException tooFew(long row, long drawable, int k) {
    return new InvalidLogitsException(
        "row " + row + " has " + drawable + " entries above -infinity; allowed: at least k = " + k,
        row);
  }

  /**
   * Logits that were changed or closed before the operation's failure was noticed, as can happen
   * inside {@link io.github.kofn.Stream#run}.
   *
   * @param row the row of the logits tensor, counted from 0
   * @return the exception
   */
  public static InvalidLogitsException changedSince(long row) {
    return new InvalidLogitsException(
        "row "
            + row
            + " held a NaN, or too few entries above -infinity, when it was drawn from; the logits"
            + " were changed or closed since",
        row);
  }

  /**
   * The offending row.
   *
   * @return the row of the logits tensor, counted from 0
   */
  public long row() {
    return row;
  }
}
