// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.kernels;

import io.github.kofn.DeviceOptions;
import java.util.Optional;

/** A way to a backend. */
public interface Provider {
  /** Every reason why this backend cannot be had here, or nothing if it can. */
  Optional<String> unavailableReason();

  /** Opens the backend; only called where {@link #unavailableReason} is empty. */
  Engine open(DeviceOptions options);
}
