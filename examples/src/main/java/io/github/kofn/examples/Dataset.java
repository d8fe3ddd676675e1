// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.examples;

import java.nio.file.Path;
import java.util.Locale;

/** What can be learned. */
public enum Dataset {
  /** 1797 handwritten digits of 8 x 8 pixels, see {@link Digits}: inside the jar. */
  DIGITS,
  /** 70000 handwritten digits of 28 x 28 pixels: IDX files. */
  MNIST,
  /** 70000 pieces of clothing of 28 x 28 pixels: IDX files. */
  FASHION_MNIST;

  /**
   * Finds a data set by the name that the command line uses.
   *
   * @param name "digits", "mnist" or "fashion-mnist", in any case
   * @return the data set
   * @throws IllegalArgumentException if the name is none of these
   */
  public static Dataset of(String name) {
    for (Dataset dataset : values()) {
      if (dataset.label().equalsIgnoreCase(name)) {
        return dataset;
      }
    }
    throw new IllegalArgumentException(
        "dataset is \"" + name + "\"; allowed: digits, mnist, fashion-mnist");
  }

  /**
   * The name in lower case, with hyphens.
   *
   * @return the name
   */
  public String label() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  /** Reads the data set; see {@link TrainOptions} for the arguments. */
  Splits load(Path data, boolean fetch) {
    return this == DIGITS ? Digits.load() : IdxFiles.load(this, data, fetch);
  }
}
