// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.validation;

import io.github.kofn.Backend;
import io.github.kofn.Device;
import io.github.kofn.DeviceOptions;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * One way through a backend's kernels, such as the CPU's vectors of 8 floats on 2 threads.
 *
 * @param name for people and programs, such as "cpu-8x2" (lanes x threads)
 * @param family equal for paths whose results must agree in every bit, because they differ in the
 *     number of threads alone
 * @param options how its device is opened
 * @param whyNot why it cannot run here, or nothing if it can
 */
public record KernelPath(
    String name, String family, DeviceOptions options, Optional<String> whyNot) {
  private static final int[] LANES = {1, 4, 8, 16};
  private static final int[] THREADS = {1, 2};

  /**
   * Every path of a backend, those that cannot run here included.
   *
   * @param backend the backend
   * @return the paths
   */
  public static List<KernelPath> of(Backend backend) {
    if (backend == Backend.CPU) {
      return ofCpu();
    }
    DeviceOptions options = new DeviceOptions(backend, 0, 0, 0);
    return List.of(
        new KernelPath(
            backend.label(), backend.label(), options, Device.unavailableReason(backend)));
  }

  private static List<KernelPath> ofCpu() {
    int widest = widestLanes();
    List<KernelPath> paths = new ArrayList<>();
    for (int lanes : LANES) {
      String family = "cpu-" + (lanes == 1 ? "scalar" : lanes);
      for (int threads : THREADS) {
        paths.add(
            new KernelPath(
                family + "x" + threads,
                family,
                new DeviceOptions(Backend.CPU, threads, lanes, 0),
                whyNot(lanes, widest)));
      }
    }
    return paths;
  }

  private static int widestLanes() {
    try (Device cpu = Device.open(new DeviceOptions(Backend.CPU, 1, 0, 0))) {
      return Integer.parseInt(cpu.facts().get("lanes"));
    }
  }

  private static Optional<String> whyNot(int lanes, int widest) {
    if (lanes <= widest) {
      return Optional.empty();
    }
    return Optional.of(
        widest == 1
            ? "the JVM runs without --add-modules jdk.incubator.vector"
            : "the widest vector of this machine has " + widest + " lanes");
  }
}
