// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.cli;

import com.fasterxml.jackson.jr.ob.JSON;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The option --json, which every subcommand has. */
final class JsonOption {
  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  private Path file;

  @Option(
      names = "--json",
      paramLabel = "FILE",
      description = "Also write the result to FILE, for programs.")
  void setFile(Path value) {
    Path folder = value.toAbsolutePath().getParent();
    if (Files.isDirectory(value) || folder == null || !Files.isWritable(folder)) {
      throw new ParameterException(
          spec.commandLine(),
          "--json is " + value + "; allowed: a file in an existing, writable folder");
    }
    file = value;
  }

  /** Writes the result, if it was asked for: maps, lists, strings and numbers. */
  void write(Object result) throws IOException {
    if (file != null) {
      writeText(JSON.std.with(JSON.Feature.PRETTY_PRINT_OUTPUT).asString(result));
    }
  }

  /** Writes a result that is JSON already, if it was asked for. */
  void writeText(String result) throws IOException {
    if (file != null) {
      Files.writeString(file, result + System.lineSeparator());
    }
  }
}
