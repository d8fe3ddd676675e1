// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import io.github.kofn.DeviceOptions;
import io.github.kofn.internal.kernels.Engine;
import io.github.kofn.internal.kernels.Provider;
import java.util.Optional;

/** The way to the CPU backend, which is everywhere: without the Vector API its scalar path runs. */
public final class CpuProvider implements Provider {
  @Override
  public Optional<String> unavailableReason() {
    return Optional.empty();
  }

  @Override
  public Engine open(DeviceOptions options) {
    return new CpuEngine(Lanes.choose(options.lanes()), options.threads());
  }
}
