// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.bench;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Which benchmarks of an operation run, and with which parameters.
 *
 * @param operation the benchmark class
 * @param methods who performs it; empty for all
 * @param parameters values in place of the benchmark's own, by the parameter's name
 */
record Plan(Class<?> operation, List<String> methods, Map<String, List<String>> parameters) {

  /** Every benchmark of a class with its own parameters. */
  static Plan of(Class<?> operation) {
    return new Plan(operation, List.of(), Map.of());
  }

  /** Only these methods. */
  Plan by(String... names) {
    return new Plan(operation, List.of(names), parameters);
  }

  /** With values of a parameter. */
  Plan with(String name, Object... values) {
    Map<String, List<String>> more = new LinkedHashMap<>(parameters);
    more.put(name, List.of(values).stream().map(String::valueOf).toList());
    return new Plan(operation, methods, more);
  }
}
