// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.reference;

import io.github.kofn.DeviceOptions;
import io.github.kofn.internal.kernels.Engine;
import io.github.kofn.internal.kernels.Provider;
import java.util.Optional;

/** The way to the reference backend, which is everywhere. */
public final class ReferenceProvider implements Provider {
  @Override
  public Optional<String> unavailableReason() {
    return Optional.empty();
  }

  @Override
  public Engine open(DeviceOptions options) {
    return new ReferenceEngine();
  }
}
