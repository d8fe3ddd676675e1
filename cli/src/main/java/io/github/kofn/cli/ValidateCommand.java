// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.cli;

import io.github.kofn.Backend;
import io.github.kofn.validation.CaseSet;
import io.github.kofn.validation.ContractSuite;
import io.github.kofn.validation.Op;
import io.github.kofn.validation.Plan;
import io.github.kofn.validation.Report;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.EnumSet;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Runs the contract suite. */
@Command(
    name = "validate",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    versionProvider = Version.class,
    description = {
      "Runs every kernel path over shapes, types and hard inputs, and compares with the contract:",
      "sampling in every bit, the relaxation and the products within derived error bounds.",
      "Prints each path's worst error over its bound."
    })
final class ValidateCommand implements Callable<Integer> {
  /** What --backend takes. */
  private enum BackendChoice {
    CPU,
    SIMULATED,
    CUDA,
    REFERENCE,
    ALL;

    Set<Backend> backends() {
      return this == ALL ? EnumSet.allOf(Backend.class) : EnumSet.of(Backend.valueOf(name()));
    }
  }

  /** What --op takes. */
  private enum OpChoice {
    SAMPLING,
    RELAXATION,
    MATMUL,
    ALL;

    Set<Op> ops() {
      return this == ALL ? EnumSet.allOf(Op.class) : EnumSet.of(Op.valueOf(name()));
    }
  }

  private static final class BackendConverter extends Choice<BackendChoice> {
    BackendConverter() {
      super(BackendChoice.class);
    }
  }

  private static final class OpConverter extends Choice<OpChoice> {
    OpConverter() {
      super(OpChoice.class);
    }
  }

  private static final class CasesConverter extends Choice<CaseSet> {
    CasesConverter() {
      super(CaseSet.class);
    }
  }

  @Spec private CommandSpec spec;

  @Option(
      names = "--backend",
      paramLabel = "cpu|simulated|cuda|reference|all",
      defaultValue = "all",
      converter = BackendConverter.class,
      description = "Whose paths to run (default: all).")
  private BackendChoice backend;

  @Option(
      names = "--op",
      paramLabel = "sampling|relaxation|matmul|all",
      defaultValue = "all",
      converter = OpConverter.class,
      description = "What to run (default: all).")
  private OpChoice op;

  @Option(
      names = "--seed",
      paramLabel = "S",
      defaultValue = "1",
      description = "What all inputs are made from (default: 1).")
  private long seed;

  @Option(
      names = "--cases",
      paramLabel = "quick|full",
      defaultValue = "quick",
      converter = CasesConverter.class,
      description =
          "How many cases to run (default: quick, under a minute for the CPU's paths on two"
              + " cores).")
  private CaseSet cases;

  @Mixin private JsonOption json;

  @Override
  public Integer call() throws IOException {
    Plan plan = new Plan(backend.backends(), op.ops(), seed, cases);
    Report report;
    try (Bar bar = new Bar("validate")) {
      report = ContractSuite.run(plan, bar::update);
    }
    PrintWriter out = spec.commandLine().getOut();
    new ValidationText(report, seed).print(out);
    out.flush();
    json.write(ValidationText.toJson(report));
    if (report.results().isEmpty()) {
      PrintWriter err = spec.commandLine().getErr();
      err.println("kofn: nothing was validated: " + report.skips().getFirst().reason());
      err.flush();
      return Main.FAILURE;
    }
    return report.failures().isEmpty() ? Main.SUCCESS : Main.FAILURE;
  }
}
