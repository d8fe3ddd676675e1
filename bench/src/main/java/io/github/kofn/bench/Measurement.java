// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.bench;

import java.util.Map;
import java.util.OptionalDouble;
import java.util.TreeMap;

/**
 * What JMH measured of one benchmark with one choice of parameters.
 *
 * @param suite the package
 * @param operation the class
 * @param who the method
 * @param parameters values by name
 * @param nanoseconds mean time of a call
 * @param error half of the mean's 99.9 % confidence interval, in nanoseconds
 * @param bytes bytes allocated by a call, where that was measured
 */
public record Measurement(
    String suite,
    String operation,
    String who,
    Map<String, String> parameters,
    double nanoseconds,
    double error,
    OptionalDouble bytes) {

  /** An entry of JMH's JSON. */
  static Measurement of(Map<?, ?> entry) {
    String[] name = entry.get("benchmark").toString().split("\\.", -1);
    Map<String, String> parameters = new TreeMap<>();
    if (entry.get("params") instanceof Map<?, ?> params) {
      params.forEach((key, value) -> parameters.put(key.toString(), value.toString()));
    }
    Map<?, ?> primary = (Map<?, ?>) entry.get("primaryMetric");
    Object allocated = ((Map<?, ?>) entry.get("secondaryMetrics")).get("gc.alloc.rate.norm");
    return new Measurement(
        name[name.length - 3],
        name[name.length - 2],
        name[name.length - 1],
        parameters,
        number(primary.get("score")),
        number(primary.get("scoreError")),
        allocated instanceof Map<?, ?> metric
            ? OptionalDouble.of(number(metric.get("score")))
            : OptionalDouble.empty());
  }

  /** JMH writes what is no number as a string. */
  private static double number(Object value) {
    return value instanceof Number number ? number.doubleValue() : Double.NaN;
  }

  /**
   * Whether another measurement is of the same case: they agree in all parameters that both have.
   *
   * @param other of the same operation
   * @return true if they can be compared
   */
  public boolean matches(Measurement other) {
    return parameters.entrySet().stream()
        .allMatch(
            e -> e.getValue().equals(other.parameters.getOrDefault(e.getKey(), e.getValue())));
  }
}
