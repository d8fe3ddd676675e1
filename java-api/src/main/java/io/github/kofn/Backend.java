// SPDX-License-Identifier: Apache-2.0
package io.github.kofn;

import java.util.Locale;

/**
 * What computes. {@link Device#open(Backend)} opens one, {@link Device#unavailableReason} tells why
 * one cannot be had.
 */
public enum Backend {
  /** NVIDIA GPUs through the CUDA driver API. */
  CUDA,
  /** The simulated CUDA device: the GPU's kernels, executed and sanitized on the CPU. */
  SIMULATED,
  /** The vectorised, multi-threaded CPU path. */
  CPU,
  /** Scalar Java with sums in double: slow, and the definition of correct. */
  REFERENCE;

  /**
   * Finds a backend by its name as used in the system property {@code kofn.backend} and on the
   * command line.
   *
   * @param name "cuda", "simulated", "cpu" or "reference", in any case
   * @return the backend
   * @throws IllegalArgumentException if the name is none of these
   */
  public static Backend of(String name) {
    for (Backend backend : values()) {
      if (backend.label().equalsIgnoreCase(name)) {
        return backend;
      }
    }
    throw new IllegalArgumentException(
        "backend is \"" + name + "\"; allowed: cuda, simulated, cpu, reference");
  }

  /**
   * The name in lower case, as {@link #of} accepts it.
   *
   * @return the name
   */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }
}
