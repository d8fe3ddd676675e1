// SPDX-License-Identifier: Apache-2.0
package io.github.kofn;

import java.nio.file.Path;

/** A file that was cut off, altered, or is none of kofn's. Nothing was loaded from it. */
public final class InvalidFileException extends KofnException {
  private static final long serialVersionUID = 1L;

  /**
   * Creates an exception.
   *
   * @param file the file
   * @param field the part of the file that is wrong
   * @param problem what that part is, and what is allowed
   */
  public InvalidFileException(Path file, String field, String problem) {
    super(file + ": " + field + " " + problem);
  }
}
