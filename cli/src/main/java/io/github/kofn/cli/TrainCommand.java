// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.cli;

import io.github.kofn.Backend;
import io.github.kofn.Device;
import io.github.kofn.DeviceOptions;
import io.github.kofn.examples.Dataset;
import io.github.kofn.examples.Model;
import io.github.kofn.examples.Pruner;
import io.github.kofn.examples.TrainListener;
import io.github.kofn.examples.TrainOptions;
import io.github.kofn.examples.TrainReport;
import io.github.kofn.examples.Trainer;
import io.github.kofn.pruning.Granularity;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/** Trains a pruned network. */
@Command(
    name = "train",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    versionProvider = Version.class,
    description = {
      "Trains a network that keeps exactly k of n weights, evaluates it with its deterministic",
      "masks, packs it, evaluates the packed network (its accuracy must be the same), and writes",
      "network and report to the output folder. Ctrl-C keeps the last epoch's checkpoint there."
    })
final class TrainCommand implements Callable<Integer> {
  private static final Pattern BLOCK = Pattern.compile("block:(\\d{1,6})x(\\d{1,6})");

  @Spec private CommandSpec spec;

  @Option(
      names = "--dataset",
      paramLabel = "digits|mnist|fashion-mnist",
      defaultValue = "digits",
      converter = DatasetConverter.class,
      description = "What is learned (default: digits, which needs no files).")
  private Dataset dataset;

  @Option(
      names = "--data",
      paramLabel = "DIR",
      description = "The folder with the data set's files.")
  private Path data;

  @Option(names = "--fetch", description = "Fetch the data set's files if they are not there.")
  private boolean fetch;

  @Option(
      names = "--model",
      paramLabel = "mlp|lenet-300-100|lenet-5",
      converter = ModelConverter.class,
      description = "The network (default: mlp for digits, else lenet-300-100).")
  private Model model;

  @Option(
      names = "--pruner",
      paramLabel = "dpp|random|none",
      converter = PrunerConverter.class,
      description = "How masks come about (default: dpp).")
  private Pruner pruner;

  @Option(
      names = "--granularity",
      paramLabel = "weight|kernel|filter|block:RxC",
      description = {
        "What one mask entry keeps or prunes (default: weight). kernel is for lenet-5: 2-D kernels",
        "of the convolutions, and weights of the layers after them."
      })
  private String granularity;

  @Option(
      names = "--keep",
      paramLabel = "FRACTION",
      description = "The fraction kept of every hidden layer (default: 0.2 for digits, else 0.1).")
  private Double keep;

  @Option(
      names = "--bits",
      paramLabel = "32",
      defaultValue = "32",
      description = "Bits of a stored weight (default, and all that this version trains: 32).")
  private int bits;

  @Option(names = "--epochs", paramLabel = "N", description = "Passes over the training split.")
  private Integer epochs;

  @Option(names = "--batch", paramLabel = "N", description = "Examples in a step (default: 64).")
  private Integer batch;

  @Option(
      names = "--seed",
      paramLabel = "S",
      description = "Makes weights, masks and batches (default: 1).")
  private Long seed;

  @Option(
      names = "--backend",
      paramLabel = "auto|cuda|simulated|cpu|reference",
      defaultValue = "auto",
      description = "What computes (default: auto, which is CUDA where there is a GPU).")
  private String backend;

  @Option(
      names = "--out",
      paramLabel = "DIR",
      description = "Where checkpoint, network and report are written (default: kofn-out).")
  private Path out;

  @Option(
      names = "--resume",
      paramLabel = "CHECKPOINT",
      description = "Continue an interrupted run with the same options.")
  private Path resume;

  @Mixin private JsonOption json;

  @Override
  public Integer call() throws IOException {
    TrainOptions options = options();
    PrintWriter text = spec.commandLine().getOut();
    try (Device device = Device.open(deviceOptions());
        Bar bar = new Bar("train")) {
      bar.println(text, "on " + device.description());
      TrainReport report = Trainer.run(device, options, new Told(bar, text, options.epochs()));
      bar.println(text, describe(report, options));
      json.writeText(report.toJson());
    }
    return Main.SUCCESS;
  }

  private TrainOptions options() {
    if (bits != 32) {
      throw new ParameterException(
          spec.commandLine(), "--bits is " + bits + "; allowed: 32, all that this version trains");
    }
    try {
      TrainOptions options = TrainOptions.of(dataset).withData(data).withFetch(fetch);
      options = with(options, model, options::withModel);
      options = with(options, pruner, options::withPruner);
      if (granularity != null) {
        options = options.withGranularity(granularity(granularity, options.model()));
      }
      options = with(options, keep, options::withKeep);
      options = with(options, epochs, options::withEpochs);
      options = with(options, batch, options::withBatch);
      options = with(options, seed, options::withSeed);
      options = with(options, out, options::withOut);
      return options.withResume(resume);
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), e.getMessage(), e);
    }
  }

  private static Granularity granularity(String value, Model model) {
    String name = value.toLowerCase(Locale.ROOT);
    Matcher block = BLOCK.matcher(name);
    if (block.matches()) {
      return Granularity.block(Integer.parseInt(block.group(1)), Integer.parseInt(block.group(2)));
    }
    if (name.equals("kernel") && model != Model.LENET_5) {
      throw new IllegalArgumentException(
          "granularity is \"kernel\", and model %s has no convolutions; allowed: --model lenet-5, or weight, filter, block:RxC"
              .formatted(model.label()));
    }
    return switch (name) {
      case "weight" -> Granularity.WEIGHT;
      case "kernel" -> Model.KERNELS;
      case "filter" -> Granularity.filter(1, 1);
      default ->
          throw new IllegalArgumentException(
              "granularity is \"%s\"; allowed: weight, kernel, filter, block:RxC".formatted(value));
    };
  }

  private static <T> TrainOptions with(
      TrainOptions options, T value, Function<T, TrainOptions> change) {
    return value == null ? options : change.apply(value);
  }

  private DeviceOptions deviceOptions() {
    try {
      DeviceOptions defaults = DeviceOptions.defaults();
      return backend.equalsIgnoreCase("auto")
          ? defaults
          : defaults.withBackend(Backend.of(backend));
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), e.getMessage(), e);
    }
  }

  private static String describe(TrainReport report, TrainOptions options) {
    return String.format(
        Locale.ROOT,
        "test accuracy %.2f %%, packed %.2f %%%n"
            + "%d of %d parameters kept (%.1fx), %.2f s an epoch%nwritten to %s",
        100 * report.testAccuracy(),
        100 * report.packedTestAccuracy(),
        report.keptParameters(),
        report.denseParameters(),
        report.compression(),
        report.secondsPerEpoch(),
        options.out().toAbsolutePath());
  }

  /** Tells how training goes. */
  private record Told(Bar bar, PrintWriter text, int epochs) implements TrainListener {
    @Override
    public void step(int epoch, int step, int steps) {
      bar.update((long) epoch * steps + step, (long) epochs * steps);
    }

    @Override
    public void epoch(int epoch, TrainReport.Epoch result, Path checkpoint) {
      bar.println(
          text,
          String.format(
              Locale.ROOT,
              "epoch %d/%d  loss %.4f  validation accuracy %.2f %%  %.2f s%s",
              epoch + 1,
              epochs,
              result.loss(),
              100 * result.testAccuracy(),
              result.seconds(),
              confidence(result.confidence())));
    }

    private static String confidence(List<Double> layers) {
      return layers.isEmpty()
          ? ""
          : "  confidence "
              + String.join(
                  " ", layers.stream().map(c -> String.format(Locale.ROOT, "%.3f", c)).toList());
    }
  }

  /** Says in a sentence why a value is not allowed. */
  private abstract static class Converter<T> implements ITypeConverter<T> {
    private final Function<String, T> parse;

    Converter(Function<String, T> parse) {
      this.parse = parse;
    }

    @Override
    public T convert(String value) {
      try {
        return parse.apply(value);
      } catch (IllegalArgumentException e) {
        throw new TypeConversionException(e.getMessage());
      }
    }
  }

  private static final class DatasetConverter extends Converter<Dataset> {
    DatasetConverter() {
      super(Dataset::of);
    }
  }

  private static final class ModelConverter extends Converter<Model> {
    ModelConverter() {
      super(Model::of);
    }
  }

  private static final class PrunerConverter extends Converter<Pruner> {
    PrunerConverter() {
      super(Pruner::of);
    }
  }
}
