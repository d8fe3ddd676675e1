// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.bench.report;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;
import jdk.incubator.vector.FloatVector;

/**
 * Where something was measured.
 *
 * @param processor the processor's name
 * @param cores cores that the JVM may use
 * @param java JVM and version
 * @param system operating system
 */
public record Machine(String processor, int cores, String java, String system) {
  private static final int LANE_BITS = 32;
  private static final int AVX2_BITS = 256;

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
   * @return its description
   */
  public static Machine here() {
    return new Machine(
        processorName(),
        Runtime.getRuntime().availableProcessors(),
        System.getProperty("java.vm.name")
            + " "
            + Runtime.version()
            + " ("
            + System.getProperty("java.vendor")
            + ")",
        System.getProperty("os.name") + " " + System.getProperty("os.arch"));
  }

  /**
   * The widest vectors that this JVM uses, or one that is held to AVX2.
   *
   * @param avx2 whether it is
   * @return for people
   */
  public static String vectors(boolean avx2) {
    int bits = LANE_BITS * FloatVector.SPECIES_PREFERRED.length();
    return avx2
        ? Math.min(bits, AVX2_BITS) + " bits (the JVM held to them, with -XX:UseAVX=2)"
        : bits + " bits";
  }

  /**
   * As JSON has it.
   *
   * @return a component by its name
   */
  public Map<String, Object> toMap() {
    return Map.of("processor", processor, "cores", cores, "java", java, "system", system);
  }

  /**
   * What {@link #toMap} made.
   *
   * @param map a component by its name
   * @return the machine
   */
  public static Machine of(Map<?, ?> map) {
    return new Machine(
        (String) map.get("processor"),
        ((Number) map.get("cores")).intValue(),
        (String) map.get("java"),
        (String) map.get("system"));
  }

  private static String processorName() {
    try (Stream<String> lines = Files.lines(Path.of("/proc/cpuinfo"))) {
      List<String> facts = lines.takeWhile(line -> !line.isBlank()).toList();
      return fact(facts, "model name")
          + " (family "
          + fact(facts, "cpu family")
          + ", model "
          + fact(facts, "model")
          + ")";
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
