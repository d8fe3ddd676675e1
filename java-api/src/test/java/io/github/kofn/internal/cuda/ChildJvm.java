// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.kofn.Backend;
import io.github.kofn.Device;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** A JVM of its own, for what the simulated device reads from its environment once. */
final class ChildJvm {
  private ChildJvm() {}

  /** Says in one line whether a backend is available; with a second argument, by opening it. */
  public static void main(String[] arguments) {
    Backend backend = Backend.valueOf(arguments[0]);
    String line;
    if (arguments.length == 1) {
      line = Device.unavailableReason(backend).orElse("available");
    } else {
      try (Device device = Device.open(backend)) {
        line = "opened " + device.description();
      } catch (RuntimeException e) {
        line = e.toString();
      }
    }
    System.out.println("answer: " + line);
  }

  /** Runs {@link #main} and gives its line. */
  static String run(
      Backend backend, Map<String, String> environment, List<String> options, String... arguments) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(options);
    command.add("-Dkofn.simulator=" + System.getProperty("kofn.simulator"));
    command.add("-cp");
    command.add(folderOf(Device.class) + ":" + folderOf(ChildJvm.class));
    command.add(ChildJvm.class.getName());
    command.add(backend.name());
    command.addAll(List.of(arguments));
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().putAll(environment);
    try {
      Process process = builder.start();
      String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      assertTrue(process.waitFor(1, TimeUnit.MINUTES));
      assertEquals(0, process.exitValue(), output);
      return output
          .lines()
          .filter(line -> line.startsWith("answer: "))
          .findFirst()
          .orElseThrow(() -> new AssertionError(output))
          .substring("answer: ".length());
    } catch (IOException | InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  /**
   * Where the build put a class: beside its own classes, the tests' are patched into the module.
   */
  private static Path folderOf(Class<?> type) {
    String folder = type == Device.class ? "classes" : "test-classes";
    return Path.of("target", folder).toAbsolutePath();
  }
}
