// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.bench.matmul;

import io.github.kofn.Backend;
import io.github.kofn.DeviceOptions;
import io.github.kofn.bench.Threads;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;

/** kofn's CPU backend. */
@State(Scope.Benchmark)
public class KofnMatmul extends KofnProducts {
  /** A number, or all. */
  @Param({"1", "all"})
  public String threads;

  /** For JMH. */
  public KofnMatmul() {}

  /** The vector width to force, or 0 for the widest. */
  int lanes() {
    return 0;
  }

  @Override
  DeviceOptions options() {
    return DeviceOptions.defaults()
        .withBackend(Backend.CPU)
        .withThreads(Threads.count(threads))
        .withLanes(lanes());
  }

  /** The same with vectors of 256 bits, as on a machine with AVX2. */
  public static class Bits256 extends KofnMatmul {
    /** For JMH. */
    public Bits256() {}

    @Override
    int lanes() {
      return 8;
    }
  }
}
