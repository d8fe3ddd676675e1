// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.bench;

import io.github.kofn.bench.report.Machine;
import io.github.kofn.bench.report.Report;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Runs suites and reports: {@code [--suite NAME] [--quick] [--out DIR]}. For a choice of one's own,
 * run {@code org.openjdk.jmh.Main} with the options of JMH.
 */
public final class Main {
  private static final int FAILURE = 1;
  private static final int USAGE = 2;

  private Main() {}

  /** What the arguments say. */
  private record Options(List<Suite> suites, boolean quick, Path out) {
    static Options of(String[] args) {
      Options options = new Options(List.of(Suite.values()), false, null);
      for (int i = 0; i < args.length; i++) {
        boolean last = i + 1 == args.length;
        if (args[i].equals("--quick")) {
          options = new Options(options.suites, true, options.out);
        } else if (args[i].equals("--suite") && !last) {
          options = new Options(List.of(Suite.of(args[++i])), options.quick, options.out);
        } else if (args[i].equals("--out") && !last) {
          options = new Options(options.suites, options.quick, Path.of(args[++i]));
        } else {
          throw new IllegalArgumentException(
              "argument is \""
                  + args[i]
                  + "\"; allowed: --suite sampling|matmul|launch|training, --quick, --out DIR");
        }
      }
      return options;
    }
  }

  /**
   * Runs.
   *
   * @param args see above
   * @throws IOException if results cannot be written
   */
  public static void main(String[] args) throws IOException {
    Options options;
    try {
      options = Options.of(args);
    } catch (IllegalArgumentException e) {
      System.err.println("kofn: " + e.getMessage());
      System.exit(USAGE);
      return;
    }
    System.exit(run(options));
  }

  private static int run(Options options) throws IOException {
    Path folder = options.out == null ? Path.of("") : Files.createDirectories(options.out);
    Path json = folder.resolve(options.out == null ? "kofn-bench.json" : "results.json");
    Path log =
        options.out == null
            ? Files.createTempFile("kofn-bench", ".log")
            : folder.resolve("jmh.log");
    Files.deleteIfExists(log);
    Session session = new Session(options.quick, log, System.out);
    session.run(options.suites);
    session.writeJson(json);
    Report report =
        new Report(
            Machine.here(session.load()),
            command(options),
            session.peers(),
            session.skipped(),
            session.failures(),
            session.measurements());
    System.out.println();
    System.out.print(report.markdown());
    System.out.println("written to " + json.toAbsolutePath());
    if (options.out == null) {
      Files.deleteIfExists(log);
    } else {
      Files.writeString(folder.resolve("report.md"), report.markdown());
      Files.writeString(folder.resolve("report.html"), report.html());
      System.out.println("report: " + folder.resolve("report.html").toAbsolutePath());
    }
    return session.failures().isEmpty() ? 0 : FAILURE;
  }

  private static String command(Options options) {
    String suite =
        options.suites.size() == 1 ? " --suite " + options.suites.getFirst().label() : "";
    return "./kofn bench" + suite + (options.quick ? " --quick" : "");
  }
}
