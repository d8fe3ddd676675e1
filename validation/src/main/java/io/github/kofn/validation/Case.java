// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.validation;

import io.github.kofn.Device;

/**
 * Inputs, what must come out, and how to run them. A case is made from a seed and runs on any
 * device; what it expects is computed here, in double or exactly, by none of the backends.
 */
interface Case {
  /** The part of the contract. */
  Op op();

  /** The element types, such as "F32" or "BF16*F16-&gt;F32". */
  String type();

  /** Sizes and kind of input: unique among the cases of an operation. */
  String shape();

  /** About how many multiplications or keys this takes. */
  long work();

  /** Makes the inputs and what must come out of them, once for all devices. */
  Check prepare();

  /** A prepared case. */
  @FunctionalInterface
  interface Check {
    /** Computes on a device and compares. */
    void run(Device device, Agreement agreement);
  }
}
