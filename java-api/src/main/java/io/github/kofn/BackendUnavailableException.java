// SPDX-License-Identifier: Apache-2.0
package io.github.kofn;

/** A backend was asked for by name and cannot be had; the message holds every reason. */
public class BackendUnavailableException extends KofnException {
  private static final long serialVersionUID = 1L;

  /**
   * Creates an exception.
   *
   * @param message which backend, and every reason why it is not there
   */
  public BackendUnavailableException(String message) {
    super(message);
  }
}
