// SPDX-License-Identifier: Apache-2.0
package io.github.kofn;

import io.github.kofn.internal.Check;

/**
 * How a device is opened. Immutable; each method returns a changed copy.
 *
 * @param backend what computes, or null for the best that is there: CUDA, else the CPU
 * @param threads threads of the CPU backend, 0 for one a core
 * @param lanes vector width of the CPU backend in floats: 16, 8 or 4, 1 for the scalar path, 0 for
 *     the widest the machine has
 * @param ordinal which of the backend's devices, counted from 0
 */
public record DeviceOptions(Backend backend, int threads, int lanes, int ordinal) {

  /**
   * Checks the options.
   *
   * @throws IllegalArgumentException if one is out of its range
   */
  public DeviceOptions {
    Check.range("threads", threads, 0, 4096);
    Check.range("ordinal", ordinal, 0, 1023);
    Check.that(
        lanes == 0 || lanes == 1 || lanes == 4 || lanes == 8 || lanes == 16,
        "lanes is %d; allowed: 0 (widest), 1 (scalar), 4, 8, 16",
        lanes);
  }

  /**
   * Options with everything left to kofn, save what the system properties {@code kofn.backend}
   * (auto, cuda, simulated, cpu, reference), {@code kofn.cpu.threads} and {@code kofn.cpu.lanes}
   * say.
   *
   * @return the defaults
   * @throws IllegalArgumentException if a property has a value that is not allowed
   */
  public static DeviceOptions defaults() {
    String backend = System.getProperty("kofn.backend", "auto");
    return new DeviceOptions(
        backend.equalsIgnoreCase("auto") ? null : Backend.of(backend),
        number("kofn.cpu.threads"),
        number("kofn.cpu.lanes"),
        0);
  }

  /**
   * The same options with a backend.
   *
   * @param value what computes
   * @return the copy
   */
  public DeviceOptions withBackend(Backend value) {
    return new DeviceOptions(value, threads, lanes, ordinal);
  }

  /**
   * The same options with a number of threads.
   *
   * @param value 1 to 4096, or 0 for one a core
   * @return the copy
   */
  public DeviceOptions withThreads(int value) {
    return new DeviceOptions(backend, value, lanes, ordinal);
  }

  /**
   * The same options with a vector width.
   *
   * @param value 16, 8, 4, or 1 for the scalar path, or 0 for the widest
   * @return the copy
   */
  public DeviceOptions withLanes(int value) {
    return new DeviceOptions(backend, threads, value, ordinal);
  }

  /**
   * The same options with another of the backend's devices.
   *
   * @param value the device, counted from 0
   * @return the copy
   */
  public DeviceOptions withOrdinal(int value) {
    return new DeviceOptions(backend, threads, lanes, value);
  }

  private static int number(String property) {
    String value = System.getProperty(property, "0");
    try {
      return Integer.parseInt(value);
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(
          "system property " + property + " is \"" + value + "\"; allowed: a whole number", e);
    }
  }
}
