// SPDX-License-Identifier: Apache-2.0

/**
 * The contract suite of kofn: what every kernel path must compute, checked over shapes, types and
 * hard inputs. The tests and {@code ./kofn validate} run the same cases.
 */
module io.github.kofn.validation {
  requires transitive io.github.kofn;

  exports io.github.kofn.validation;
}
