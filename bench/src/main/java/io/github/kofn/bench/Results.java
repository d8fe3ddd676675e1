// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.bench;

import com.fasterxml.jackson.jr.ob.JSON;
import io.github.kofn.bench.report.Machine;
import io.github.kofn.bench.report.Report;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * All that was measured, in JMH's own JSON, and beside it what is to be said of the runs. A folder
 * keeps the results of suites that run one after another; a suite that runs again replaces its own.
 */
final class Results {
  private static final String PACKAGE = Results.class.getPackageName() + ".";
  private static final JSON PRETTY = JSON.std.with(JSON.Feature.PRETTY_PRINT_OUTPUT);

  private final Machine machine;
  private final Map<Suite, Run> runs = new TreeMap<>();
  private final List<Map<?, ?>> entries = new ArrayList<>();

  private Results(Machine machine) {
    this.machine = machine;
  }

  /** Nothing measured yet. */
  static Results none() {
    return new Results(Machine.here());
  }

  /**
   * What a folder has.
   *
   * @throws IllegalArgumentException if it was measured elsewhere or cannot be read
   */
  static Results of(Path folder) {
    Results results = none();
    Path facts = facts(folder);
    if (!Files.exists(facts)) {
      return results;
    }
    try {
      Map<String, Object> map = JSON.std.mapFrom(Files.readString(facts));
      Machine other = Machine.of((Map<?, ?>) map.get("machine"));
      if (!other.equals(results.machine)) {
        throw new IllegalArgumentException(
            folder
                + " has results of another machine ("
                + other
                + "); allowed: those of this one ("
                + results.machine
                + "), or a new folder");
      }
      for (Object run : (List<?>) map.get("runs")) {
        Run of = Run.of((Map<?, ?>) run);
        results.runs.put(Suite.of(of.suite()), of);
      }
      results.read(measurements(folder));
    } catch (IOException | ClassCastException | NullPointerException e) {
      throw new IllegalArgumentException(
          folder + " has results that cannot be read (" + e + "); allowed: those of ./kofn bench",
          e);
    }
    return results;
  }

  /** The file of JMH's JSON. */
  static Path measurements(Path folder) {
    return folder.resolve("results.json");
  }

  private static Path facts(Path folder) {
    return folder.resolve("runs.json");
  }

  private void read(Path json) throws IOException {
    for (Object entry : JSON.std.listFrom(Files.readString(json))) {
      entries.add((Map<?, ?>) entry);
    }
  }

  /** Takes a suite's run, and its results in place of older ones. */
  void put(Suite suite, Run run, Path json) throws IOException {
    runs.put(suite, run);
    String prefix = PACKAGE + suite.label() + ".";
    entries.removeIf(entry -> entry.get("benchmark").toString().startsWith(prefix));
    read(json);
  }

  /** Writes JMH's JSON. */
  void write(Path json) throws IOException {
    Files.writeString(json, PRETTY.asString(entries) + System.lineSeparator());
  }

  /** Writes everything, and the report. */
  void writeTo(Path folder) throws IOException {
    write(measurements(folder));
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("machine", machine.toMap());
    map.put("runs", runs.values().stream().map(Run::toMap).toList());
    Files.writeString(facts(folder), PRETTY.asString(map) + System.lineSeparator());
    Report report = report();
    Files.writeString(folder.resolve("report.md"), report.markdown());
    Files.writeString(folder.resolve("report.html"), report.html());
  }

  /** What it says. */
  Report report() {
    List<Measurement> measurements =
        runs.keySet().stream()
            .flatMap(
                suite ->
                    entries.stream()
                        .map(Measurement::of)
                        .filter(m -> m.suite().equals(suite.label())))
            .toList();
    return new Report(machine, List.copyOf(runs.values()), measurements);
  }
}
