// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cuda;

import io.github.kofn.DeviceOptions;
import io.github.kofn.internal.kernels.Engine;
import io.github.kofn.internal.kernels.Provider;
import java.util.Optional;

/** The way to NVIDIA GPUs, real and simulated. */
public final class CudaProvider implements Provider {
  private final String reason;

  private CudaProvider(String reason) {
    this.reason = reason;
  }

  /** The machine's own GPU. */
  public static CudaProvider ofDriver() {
    return new CudaProvider("built without kernels: this version of kofn has no CUDA backend yet");
  }

  /** The simulated device. */
  public static CudaProvider ofSimulator() {
    return ofDriver();
  }

  @Override
  public Optional<String> unavailableReason() {
    return Optional.of(reason);
  }

  @Override
  public Engine open(DeviceOptions options) {
    throw new IllegalStateException(reason);
  }
}
