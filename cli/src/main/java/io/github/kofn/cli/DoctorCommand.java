// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.cli;

import io.github.kofn.Backend;
import io.github.kofn.Device;
import io.github.kofn.KofnException;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Says what kofn finds on this machine. */
@Command(
    name = "doctor",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    description = {
      "Says what kofn finds on this machine: every backend, available or the reason why not,",
      "with its facts (CPU threads and vector lanes; CUDA driver, device and memory); Java; OS."
    })
final class DoctorCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;
  @Mixin private JsonOption json;

  /** What is known of one backend. */
  private record Finding(
      Backend backend, Optional<String> whyNot, String description, Map<String, String> facts) {

    static Finding of(Backend backend) {
      Optional<String> whyNot = Device.unavailableReason(backend);
      if (whyNot.isPresent()) {
        return new Finding(backend, whyNot, "", Map.of());
      }
      try (Device device = Device.open(backend)) {
        return new Finding(backend, whyNot, device.description(), new TreeMap<>(device.facts()));
      } catch (KofnException e) {
        return new Finding(backend, Optional.of(e.getMessage()), "", Map.of());
      }
    }

    Map<String, Object> toJson() {
      Map<String, Object> map = new LinkedHashMap<>();
      map.put("backend", backend.label());
      map.put("available", whyNot.isEmpty());
      whyNot.ifPresentOrElse(
          reason -> map.put("reason", reason), () -> map.put("description", description));
      map.put("facts", facts);
      return map;
    }
  }

  @Override
  public Integer call() throws IOException {
    int cores = Runtime.getRuntime().availableProcessors();
    String java =
        Runtime.version() + " (" + System.getProperty("java.vendor", "vendor unknown") + ")";
    String os =
        String.join(
            " ",
            System.getProperty("os.name"),
            System.getProperty("os.version"),
            System.getProperty("os.arch"));
    List<Finding> findings = Stream.of(Backend.values()).map(Finding::of).toList();

    PrintWriter out = spec.commandLine().getOut();
    line(out, "kofn", new Version().getVersion()[0].replace("kofn ", ""));
    line(out, "Java", java);
    line(out, "OS", os);
    line(out, "CPU", cores + (cores == 1 ? " core" : " cores"));
    findings.forEach(finding -> print(out, finding));
    out.flush();

    Map<String, Object> result = new LinkedHashMap<>();
    result.put("version", new Version().getVersion()[0].replace("kofn ", ""));
    result.put("java", java);
    result.put("os", os);
    result.put("cores", cores);
    result.put("backends", findings.stream().map(Finding::toJson).toList());
    json.write(result);
    return Main.SUCCESS;
  }

  private static void print(PrintWriter out, Finding finding) {
    line(
        out,
        finding.backend().label(),
        finding.whyNot().map(reason -> "unavailable: " + reason).orElse(finding.description()));
    finding.facts().forEach((name, value) -> out.printf("%-12s  %s: %s%n", "", name, value));
  }

  private static void line(PrintWriter out, String name, String value) {
    out.printf("%-12s%s%n", name, value);
  }
}
