// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.cli;

import io.github.kofn.KofnException;
import io.github.kofn.examples.DatasetException;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Exactly k of n: checks this machine, validates the kernels, and trains pruned networks. */
@Command(
    name = "kofn",
    synopsisSubcommandLabel = "SUBCOMMAND",
    subcommands = {
      DoctorCommand.class,
      ValidateCommand.class,
      TrainCommand.class,
      BenchCommand.class
    },
    description = "Draws exactly k of n, and multiplies only what was drawn.",
    footer = {
      "",
      "Exit status: 0 on success, 1 when a check fails, 2 on wrong usage.",
      "Each subcommand explains itself: kofn SUBCOMMAND --help"
    },
    mixinStandardHelpOptions = true,
    versionProvider = Version.class)
public final class Main implements Runnable {
  /** Everything went well. */
  static final int SUCCESS = 0;

  /** A check failed, or something that the user's arguments are not to blame for went wrong. */
  static final int FAILURE = 1;

  /** The arguments are wrong. */
  static final int USAGE = 2;

  @Spec private CommandSpec spec;

  private Main() {}

  /**
   * Runs the command line and exits.
   *
   * @param args a subcommand and its options
   */
  public static void main(String[] args) {
    System.setProperty("java.util.logging.SimpleFormatter.format", "kofn: %5$s%n");
    StandardError.restore();
    System.exit(commandLine().execute(args));
  }

  /** The parser, which tests run without leaving the JVM. */
  static CommandLine commandLine() {
    return new CommandLine(new Main())
        .setUsageHelpWidth(100)
        .setUsageHelpAutoWidth(true)
        .setParameterExceptionHandler(Main::explain)
        .setExecutionExceptionHandler(Main::report);
  }

  @Override
  public void run() {
    throw new ParameterException(
        spec.commandLine(), "no subcommand is given; allowed: doctor, validate, train, bench");
  }

  private static int explain(ParameterException e, String[] args) {
    PrintWriter err = e.getCommandLine().getErr();
    err.println("kofn: " + e.getMessage());
    CommandLine.UnmatchedArgumentException.printSuggestions(e, err);
    err.println(
        "Try " + e.getCommandLine().getCommandSpec().qualifiedName(" ") + " --help for more.");
    err.flush();
    return USAGE;
  }

  /** Missing things need a sentence; only a defect needs a stack trace. */
  private static int report(
      Exception e, CommandLine commandLine, CommandLine.ParseResult parseResult) {
    PrintWriter err = commandLine.getErr();
    if (e instanceof KofnException
        || e instanceof DatasetException
        || e instanceof UncheckedIOException
        || e instanceof IOException) {
      err.println("kofn: " + e.getMessage());
    } else {
      e.printStackTrace(err);
    }
    err.flush();
    return FAILURE;
  }
}
