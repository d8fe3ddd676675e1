// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import io.github.kofn.DeviceOptions;
import io.github.kofn.internal.kernels.Provider;
import io.github.kofn.internal.kernels.Runtime;
import java.util.Optional;

/** The way to the CPU backend, which is everywhere: without the Vector API its scalar path runs. */
public final class CpuProvider implements Provider {
  @Override
  public Optional<String> unavailableReason() {
    return Optional.empty();
  }

  @Override
  public Runtime open(DeviceOptions options) {
    return new CpuRuntime(Lanes.choose(options.lanes()), options.threads());
  }
}
