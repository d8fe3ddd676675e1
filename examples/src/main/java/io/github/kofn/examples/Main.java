// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.examples;

import io.github.kofn.Device;
import io.github.kofn.KofnException;
import java.nio.file.Path;
import java.util.Locale;

/** Trains from the command line: {@code Main [--dataset mnist] [--seed 2] ...}. */
public final class Main {
  private static final String USAGE =
      "usage: [--dataset digits|mnist|fashion-mnist] [--data DIR] [--fetch]"
          + " [--model mlp|lenet-300-100] [--pruner dpp|random|none] [--keep FRACTION]"
          + " [--epochs N] [--batch N] [--seed S] [--learning-rate R] [--logit-rate R]"
          + " [--out DIR] [--resume CHECKPOINT]";

  private Main() {}

  /**
   * Trains, prints a line an epoch, and the result.
   *
   * @param arguments see the usage
   */
  public static void main(String[] arguments) {
    TrainOptions options;
    try {
      options = parse(arguments);
    } catch (IllegalArgumentException e) {
      System.err.println(e.getMessage() + System.lineSeparator() + USAGE);
      System.exit(2);
      return;
    }
    try (Device device = Device.open()) {
      System.out.println(device.description());
      print(Trainer.run(device, options, new Printer()), options);
    } catch (DatasetException | KofnException e) {
      System.err.println(e.getMessage());
      System.exit(1);
    }
  }

  private static void print(TrainReport report, TrainOptions options) {
    System.out.printf(
        Locale.ROOT,
        "test accuracy %.2f %%, packed %.2f %%, %d of %d parameters (%.1fx), %.2f s an epoch; see"
            + " %s%n",
        100 * report.testAccuracy(),
        100 * report.packedTestAccuracy(),
        report.keptParameters(),
        report.denseParameters(),
        report.compression(),
        report.secondsPerEpoch(),
        options.out().toAbsolutePath());
  }

  private static TrainOptions parse(String[] arguments) {
    TrainOptions options = TrainOptions.of(Dataset.DIGITS);
    for (int i = 0; i + 1 < arguments.length; i++) {
      if (arguments[i].equals("--dataset")) {
        options = TrainOptions.of(Dataset.of(arguments[i + 1]));
      }
    }
    int i = 0;
    while (i < arguments.length) {
      String name = arguments[i++];
      if (name.equals("--fetch")) {
        options = options.withFetch(true);
      } else if (i < arguments.length) {
        options = set(options, name, arguments[i++]);
      } else {
        throw new IllegalArgumentException(name + " has no value");
      }
    }
    return options;
  }

  private static TrainOptions set(TrainOptions options, String name, String value) {
    return switch (name) {
      case "--dataset" -> options;
      case "--data" -> options.withData(Path.of(value));
      case "--model" -> options.withModel(Model.of(value));
      case "--pruner" -> options.withPruner(Pruner.of(value));
      case "--keep" -> options.withKeep(Double.parseDouble(value));
      case "--epochs" -> options.withEpochs(Integer.parseInt(value));
      case "--batch" -> options.withBatch(Integer.parseInt(value));
      case "--seed" -> options.withSeed(Long.parseLong(value));
      case "--learning-rate" -> options.withLearningRate(Float.parseFloat(value));
      case "--logit-rate" -> options.withLogitRate(Float.parseFloat(value));
      case "--out" -> options.withOut(Path.of(value));
      case "--resume" -> options.withResume(Path.of(value));
      default -> throw new IllegalArgumentException("unknown option " + name);
    };
  }

  private static final class Printer implements TrainListener {
    @Override
    public void epoch(int epoch, TrainReport.Epoch result, Path checkpoint) {
      System.out.printf(
          Locale.ROOT,
          "epoch %3d  loss %.4f  validation %.2f %%  %.2f s  confidence %s%n",
          epoch + 1,
          result.loss(),
          100 * result.testAccuracy(),
          result.seconds(),
          result.confidence().stream().map(c -> "%.3f".formatted(c)).toList());
    }
  }
}
