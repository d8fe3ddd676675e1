// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.cli;

import io.github.kofn.KofnException;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Runs the benchmarks, in a JVM of their own: they bring their peers' libraries along. */
@Command(
    name = "bench",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    versionProvider = Version.class,
    description = {
      "Measures kofn in one run with what a Java user would pick instead, by JMH, and prints",
      "tables. The results in JMH's JSON are written to kofn-bench.json, or with --out to",
      "results.json beside report.html, which has plots, and report.md. The first run fetches the",
      "peers' native libraries (320 MB); what is missing is skipped, and named."
    })
final class BenchCommand implements Callable<Integer> {
  /** The system property that holds the benchmarks' folder; the launcher sets it. */
  static final String FOLDER = "kofn.bench";

  /** The system property that names the driver that does nothing; the launcher sets it. */
  private static final String NOOP = "kofn.noop";

  private static final String JAR = "kofn-bench.jar";

  /** What OpenBLAS, MKL, and libtorch with what it brings along, read. */
  private static final Map<String, String> PEERS_TO_AVX2 =
      Map.of(
          "OPENBLAS_CORETYPE", "Haswell",
          "MKL_ENABLE_INSTRUCTIONS", "AVX2",
          "ATEN_CPU_CAPABILITY", "avx2",
          "ONEDNN_MAX_CPU_ISA", "AVX2");

  @Spec private CommandSpec spec;

  @Option(
      names = "--suite",
      paramLabel = "sampling|matmul|launch|training",
      description = "What is measured (default: everything).")
  private String suite;

  @Option(names = "--quick", description = "A few cases, in under five minutes.")
  private boolean quick;

  @Option(
      names = "--avx2",
      description = {
        "Hold everybody to vectors of 256 bits, on a machine that has wider ones: the JVM by",
        "-XX:UseAVX=2, the peers' libraries by their environment variables."
      })
  private boolean avx2;

  @Option(
      names = "--out",
      paramLabel = "DIR",
      description = {
        "Where results, report and log are written. Results of other suites that are there stay,",
        "and are in the report."
      })
  private Path out;

  @Override
  public Integer call() throws IOException, InterruptedException {
    List<String> arguments = arguments();
    Path folder = Path.of(System.getProperty(FOLDER, "bench/target"));
    if (!Files.exists(folder.resolve(JAR))) {
      throw new KofnException(
          "the benchmarks are not built: "
              + folder.resolve(JAR).toAbsolutePath()
              + " is missing; ./kofn bench builds it, or: mvn package -pl bench -am -Ppeers"
              + " -DskipTests");
    }
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("--add-modules=jdk.incubator.vector");
    command.add("--enable-native-access=ALL-UNNAMED");
    String noop = System.getProperty(NOOP);
    if (noop != null) {
      command.add("-D" + NOOP + "=" + noop);
    }
    command.add("-cp");
    command.add(folder.resolve(JAR) + File.pathSeparator + folder.resolve("peers").resolve("*"));
    command.add("io.github.kofn.bench.Main");
    command.addAll(arguments);
    ProcessBuilder process = new ProcessBuilder(command).inheritIO();
    if (avx2) {
      process.environment().putAll(PEERS_TO_AVX2);
    }
    return process.start().waitFor();
  }

  private List<String> arguments() {
    List<String> arguments = new ArrayList<>();
    if (suite != null) {
      String name = suite.toLowerCase(Locale.ROOT);
      if (!List.of("sampling", "matmul", "launch", "training").contains(name)) {
        throw new ParameterException(
            spec.commandLine(),
            "--suite is \"" + suite + "\"; allowed: sampling, matmul, launch, training");
      }
      arguments.addAll(List.of("--suite", name));
    }
    if (quick) {
      arguments.add("--quick");
    }
    if (avx2) {
      arguments.add("--avx2");
    }
    if (out != null) {
      arguments.addAll(List.of("--out", out.toString()));
    }
    return arguments;
  }
}
