// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.kofn.DType;
import io.github.kofn.Device;
import io.github.kofn.Graph;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * A convolution's forward operation and gradients have the same bits in every run, in every order
 * of blocks and warps, and when a graph replays them, with every family of kernels.
 */
class ConvolutionBitsTest {
  /** More than one chunk of the weights' gradients. */
  private static final int BATCH = 19;

  private static final String[] NAMES = {"y", "z", "dX", "dW", "dMask"};

  @ParameterizedTest
  @CsvSource({
    "4 9 8 5 3 3 1 1, 1, 0, F32, window_1_3_3_8 window_back_1_3_3_8 weight_gradient_1_3_3_8",
    "3 9 10 4 5 4 1 1, 1, 0, F32, window_1_5_0_4 window_back_1_5_0_4 weight_gradient_1_5_0_4",
    "6 8 7 5 1 1 1 0, 1, 0, BF16, window_1_1_1_8 window_back_1_1_1_8 weight_gradient_1_1_0_8",
    "4 9 11 3 3 3 2 1, 1, 0, F32, window_2_3_3_4 taps_back_2 weight_gradient_2_3_3_8",
    "3 10 9 4 3 3 3 2, 1, 0, F16, taps_4 taps_back_4 weight_gradient_taps",
    "4 9 8 5 3 3 1 1, 1, 1, F32, taps_4 taps_back_4 weight_gradient_taps",
    "4 9 8 5 3 2 2 1, 1, 1, BF16, taps_2 taps_back_2 weight_gradient_taps",
    "9 8 8 6 1 1 1 0, 1, 1, F32, window_1_1_1_8 window_back_1_1_1_8 weight_gradient_1_1_0_8",
    "3 8 9 5 3 3 1 1, 2, 4, F32, taps_4 taps_back_4 weight_gradient_taps"
  })
  void bitsAreThoseOfEveryOtherRun(
      String sizes, int blockOut, int blockIn, DType type, String kernels) {
    ConvolutionProblem problem = ConvolutionProblem.of(sizes, blockOut, blockIn, type);
    try (Device device = SimulatedDevice.open();
        ConvolutionOperands direct = operands(device, problem);
        ConvolutionOperands captured = operands(device, problem)) {
      direct.fill(3);
      SimulatedDevice.resetCounters();
      List<float[]> first = run(direct, 1);
      assertRan(kernels);
      for (int seed : new int[] {1, 2, 3}) {
        compare(first, run(direct, seed), "with seed " + seed);
      }
      captured.fill(3);
      captured.run(); // allocates what a graph may not
      try (Graph graph = device.capture(captured::run)) {
        for (int fill : new int[] {3, 7}) {
          direct.fill(fill);
          captured.fill(fill);
          direct.run();
          graph.launch();
          compare(direct.results(), captured.results(), "replayed, operands " + fill);
        }
      }
      assertEquals(List.of(), SimulatedDevice.reports());
    }
  }

  private static ConvolutionOperands operands(Device device, ConvolutionProblem problem) {
    return new ConvolutionOperands(device, problem, BATCH, ConvolutionOperands.NORMAL);
  }

  /** The results of one run in an order that a seed makes. */
  private static List<float[]> run(ConvolutionOperands operands, int seed) {
    SimulatedDevice.set("seed", Integer.toString(seed));
    operands.run();
    return operands.results();
  }

  private static void compare(List<float[]> expected, List<float[]> actual, String what) {
    for (int i = 0; i < expected.size(); i++) {
      assertArrayEquals(expected.get(i), actual.get(i), NAMES[i] + " " + what);
    }
  }

  private static void assertRan(String kernels) {
    for (String kernel : kernels.split(" ", -1)) {
      long ran =
          SimulatedDevice.counters("kofn_convolution_" + kernel)
              .getOrDefault("warpInstructions", 0L);
      assertTrue(ran > 0, kernel + " did not run");
    }
  }
}
