// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.examples;

/** A data set that is absent or damaged; the message says which file, and how to get it. */
public final class DatasetException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /**
   * Creates an exception.
   *
   * @param message which file, what was expected of it, and how to get it
   */
  public DatasetException(String message) {
    super(message);
  }

  /**
   * Creates an exception with a cause.
   *
   * @param message which file, what was expected of it, and how to get it
   * @param cause what was caught
   */
  public DatasetException(String message, Throwable cause) {
    super(message, cause);
  }
}
