// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.bench;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What is to be said of one run of one suite beside its measurements.
 *
 * @param suite the suite's label
 * @param command what was run
 * @param when date and time at the start
 * @param minutes how long it took
 * @param vectors the widest vectors that benchmarks could use
 * @param load how busy the machine was
 * @param peers who was measured, with versions
 * @param skipped who was not, and why
 * @param failures benchmarks that failed
 */
public record Run(
    String suite,
    String command,
    String when,
    double minutes,
    String vectors,
    String load,
    List<String> peers,
    Map<String, String> skipped,
    List<String> failures) {

  /** As JSON has it. */
  Map<String, Object> toMap() {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("suite", suite);
    map.put("command", command);
    map.put("when", when);
    map.put("minutes", minutes);
    map.put("vectors", vectors);
    map.put("load", load);
    map.put("peers", peers);
    map.put("skipped", skipped);
    map.put("failures", failures);
    return map;
  }

  /** What {@link #toMap} made. */
  static Run of(Map<?, ?> map) {
    Map<String, String> skipped = new LinkedHashMap<>();
    ((Map<?, ?>) map.get("skipped")).forEach((k, v) -> skipped.put((String) k, (String) v));
    return new Run(
        (String) map.get("suite"),
        (String) map.get("command"),
        (String) map.get("when"),
        ((Number) map.get("minutes")).doubleValue(),
        (String) map.get("vectors"),
        (String) map.get("load"),
        texts(map.get("peers")),
        skipped,
        texts(map.get("failures")));
  }

  private static List<String> texts(Object list) {
    List<String> texts = new ArrayList<>();
    ((List<?>) list).forEach(text -> texts.add((String) text));
    return texts;
  }
}
