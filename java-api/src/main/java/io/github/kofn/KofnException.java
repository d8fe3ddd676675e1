// SPDX-License-Identifier: Apache-2.0
package io.github.kofn;

/** What kofn throws when something other than an argument or a closed resource is at fault. */
public class KofnException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /**
   * Creates an exception.
   *
   * @param message what went wrong, with what, and what can be done
   */
  public KofnException(String message) {
    super(message);
  }

  /**
   * Creates an exception with a cause.
   *
   * @param message what went wrong, with what, and what can be done
   * @param cause what was caught
   */
  public KofnException(String message, Throwable cause) {
    super(message, cause);
  }
}
