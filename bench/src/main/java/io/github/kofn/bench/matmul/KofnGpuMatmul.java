// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.bench.matmul;

import io.github.kofn.Backend;
import io.github.kofn.DeviceOptions;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;

/** kofn's CUDA backend. Operations are queued, like those of {@link GpuMatmul}. */
@State(Scope.Benchmark)
public class KofnGpuMatmul extends KofnProducts {
  /** For JMH. */
  public KofnGpuMatmul() {}

  /** What computes. */
  Backend backend() {
    return Backend.CUDA;
  }

  @Override
  DeviceOptions options() {
    return DeviceOptions.defaults().withBackend(backend());
  }

  /** Queues an operation {@link GpuMatmul#QUEUED} times, and waits. */
  void run(Runnable operation) {
    queue(
        () -> {
          for (int i = 0; i < GpuMatmul.QUEUED; i++) {
            operation.run();
          }
        });
  }
}
