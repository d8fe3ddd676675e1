// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Runs suites and reports: {@code [--suite NAME] [--quick] [--avx2] [--out DIR]}. For a choice of
 * one's own, run {@code org.openjdk.jmh.Main} with the options of JMH.
 */
public final class Main {
  private static final int FAILURE = 1;
  private static final int USAGE = 2;

  private Main() {}

  /**
   * Runs.
   *
   * @param args see above
   * @throws IOException if results cannot be written
   */
  public static void main(String[] args) throws IOException {
    Options options;
    Results results;
    try {
      options = Options.of(args);
      results = options.out() == null ? Results.none() : Results.of(options.out());
    } catch (IllegalArgumentException e) {
      System.err.println("kofn: " + e.getMessage());
      System.exit(USAGE);
      return;
    }
    System.exit(run(options, results));
  }

  private static int run(Options options, Results results) throws IOException {
    Path folder = options.out() == null ? null : Files.createDirectories(options.out());
    Path log =
        folder == null ? Files.createTempFile("kofn-bench", ".log") : folder.resolve("jmh.log");
    Files.deleteIfExists(log);
    Session session = new Session(options, log, System.out);
    List<String> failures = new ArrayList<>();
    // Written after each suite, so that a run that is interrupted keeps what it measured.
    session.run(
        (suite, run, json) -> {
          failures.addAll(run.failures());
          results.put(suite, run, json);
          if (folder != null) {
            results.writeTo(folder);
          }
        });
    System.out.println();
    System.out.print(results.report().markdown());
    if (folder == null) {
      Path json = Path.of("kofn-bench.json");
      results.write(json);
      Files.deleteIfExists(log);
      System.out.println("written to " + json.toAbsolutePath());
    } else {
      System.out.println("report: " + folder.resolve("report.html").toAbsolutePath());
    }
    return failures.isEmpty() ? 0 : FAILURE;
  }
}
