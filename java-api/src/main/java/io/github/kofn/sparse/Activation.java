// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.sparse;

/** Activation functions that products apply to their result, with their derivatives. */
public enum Activation {
  /** f(z) = z. */
  IDENTITY,
  /** f(z) = max(z, 0); its derivative at 0 is 0. */
  RELU,
  /**
   * f(z) = z Phi(z) with the exact normal distribution function (Hendrycks and Gimpel, arXiv
   * 1606.08415).
   */
  GELU,
  /** f(z) = z / (1 + exp(-z)), also called swish (Elfwing et al., arXiv 1702.03118). */
  SILU
}
