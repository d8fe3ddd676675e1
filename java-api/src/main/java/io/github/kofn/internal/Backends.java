// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal;

import io.github.kofn.Backend;
import io.github.kofn.BackendUnavailableException;
import io.github.kofn.DeviceOptions;
import io.github.kofn.internal.cpu.CpuProvider;
import io.github.kofn.internal.cuda.CudaProvider;
import io.github.kofn.internal.kernels.Engine;
import io.github.kofn.internal.kernels.Provider;
import io.github.kofn.internal.reference.ReferenceProvider;
import java.util.Optional;

/** The one place that knows every backend. */
public final class Backends {
  private Backends() {}

  /** Why a backend cannot be had, or nothing if it can. */
  public static Optional<String> unavailableReason(Backend backend) {
    return provider(backend).unavailableReason();
  }

  /** Opens a backend; the options name one. */
  public static Engine open(DeviceOptions options) {
    Provider provider = provider(options.backend());
    provider
        .unavailableReason()
        .ifPresent(
            reason -> {
              throw new BackendUnavailableException(
                  "backend " + options.backend().label() + " is unavailable: " + reason);
            });
    return provider.open(options);
  }

  private static Provider provider(Backend backend) {
    return switch (backend) {
      case CUDA -> CudaProvider.ofDriver();
      case SIMULATED -> CudaProvider.ofSimulator();
      case CPU -> new CpuProvider();
      case REFERENCE -> new ReferenceProvider();
    };
  }
}
