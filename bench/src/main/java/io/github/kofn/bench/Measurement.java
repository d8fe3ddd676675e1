// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.bench;

import java.util.Map;
import java.util.OptionalDouble;
import java.util.TreeMap;
import org.openjdk.jmh.results.Result;
import org.openjdk.jmh.results.RunResult;

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

  static Measurement of(RunResult result) {
    String[] name = result.getParams().getBenchmark().split("\\.", -1);
    Result<?> primary = result.getPrimaryResult();
    Result<?> allocated = result.getSecondaryResults().get("gc.alloc.rate.norm");
    return new Measurement(
        name[name.length - 3],
        name[name.length - 2],
        name[name.length - 1],
        parameters(result),
        primary.getScore(),
        primary.getScoreError(),
        allocated == null ? OptionalDouble.empty() : OptionalDouble.of(allocated.getScore()));
  }

  static Map<String, String> parameters(RunResult result) {
    Map<String, String> map = new TreeMap<>();
    for (String key : result.getParams().getParamsKeys()) {
      map.put(key, result.getParams().getParam(key));
    }
    return map;
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
