// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.bench.matmul;

import static org.junit.jupiter.api.Assertions.assertThrows;

import io.github.kofn.Backend;
import io.github.kofn.Device;
import java.util.Optional;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What runs on a GPU, on the simulated device. */
class KofnGpuMatmulTest {
  private static final class Simulated extends KofnGpuMatmul {
    @Override
    Backend backend() {
      return Backend.SIMULATED;
    }
  }

  @BeforeEach
  void needsTheSimulatedDevice() {
    Optional<String> reason = Device.unavailableReason(Backend.SIMULATED);
    Assumptions.assumeTrue(reason.isEmpty(), () -> reason.orElse(""));
  }

  private static Simulated state(String block) {
    Simulated state = new Simulated();
    state.block = block;
    state.sparsity = 50;
    state.n = 64;
    state.batch = 5;
    state.open();
    return state;
  }

  @ParameterizedTest
  @ValueSource(strings = {"1x1", "16x16"})
  void queuesProductsAndChecksThem(String block) {
    Simulated state = state(block);
    state.run(state::forward);
    state.run(state::inputGradient);
    state.run(state::weightGradient);
    state.check();
  }

  /** The check is of what was computed: with a weight altered behind its back it fails. */
  @ParameterizedTest
  @ValueSource(strings = {"1x1", "16x16"})
  void noticesWrongProducts(String block) {
    Simulated state = state(block);
    state.spoil();
    assertThrows(IllegalStateException.class, state::check);
  }
}
