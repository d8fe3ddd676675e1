// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.bench.report;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/**
 * Where something was measured.
 *
 * @param processor the processor's name
 * @param cores cores that the JVM may use
 * @param java JVM and version
 * @param system operating system
 * @param load how busy the machine was
 */
public record Machine(String processor, int cores, String java, String system, String load) {

  /** The load average while benchmarks ran: beyond 1 for each of their threads, others ran too. */
  public static final class Load {
    private final List<Double> samples = new ArrayList<>();

    /** Nothing measured yet. */
    public Load() {}

    /** Takes the load average of the last minute. */
    public void sample() {
      samples.add(ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage());
    }

    @Override
    public String toString() {
      if (samples.isEmpty() || samples.getFirst() < 0) {
        return "unknown";
      }
      List<Double> sorted = samples.stream().sorted().toList();
      return String.format(
          Locale.ROOT,
          "load average %.1f to %.1f, median %.1f",
          sorted.getFirst(),
          sorted.getLast(),
          sorted.get(sorted.size() / 2));
    }
  }

  /**
   * This machine.
   *
   * @param load how busy it was
   * @return its description
   */
  public static Machine here(Load load) {
    return new Machine(
        processorName(),
        Runtime.getRuntime().availableProcessors(),
        System.getProperty("java.vm.name")
            + " "
            + Runtime.version()
            + " ("
            + System.getProperty("java.vendor")
            + ")",
        System.getProperty("os.name") + " " + System.getProperty("os.arch"),
        load.toString());
  }

  private static String processorName() {
    try (Stream<String> lines = Files.lines(Path.of("/proc/cpuinfo"))) {
      List<String> facts = lines.takeWhile(line -> !line.isBlank()).toList();
      return fact(facts, "model name")
          + " (family "
          + fact(facts, "cpu family")
          + ", model "
          + fact(facts, "model")
          + "), "
          + fact(facts, "cpu MHz").replaceAll("\\..*", "")
          + " MHz";
    } catch (IOException e) {
      return System.getProperty("os.arch");
    }
  }

  private static String fact(List<String> lines, String name) {
    return lines.stream()
        .filter(line -> line.replaceAll("\\s*:.*", "").equals(name))
        .map(line -> line.substring(line.indexOf(':') + 1).strip())
        .findFirst()
        .orElse("unknown");
  }
}
