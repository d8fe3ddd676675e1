// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.examples;

import io.github.kofn.Device;
import io.github.kofn.KofnException;
import io.github.kofn.Tensor;
import io.github.kofn.pruning.MaskMetrics;
import io.github.kofn.sparse.KofNLayout;
import io.github.kofn.sparse.SparseNetwork;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Function;

/**
 * Trains a network with dynamic probabilistic pruning, packs it, and writes what came out.
 *
 * <p>The same options give the same masks, losses and network on the same backend. After every
 * epoch the run is saved as {@value #CHECKPOINT}; a run that is interrupted says where. At the end
 * the folder also holds {@value #NETWORK} and {@value #REPORT}.
 */
public final class Trainer {
  /** The checkpoint's name in the output folder. */
  public static final String CHECKPOINT = "checkpoint.safetensors";

  /** The packed network's name in the output folder. */
  public static final String NETWORK = "network.safetensors";

  /** The report's name in the output folder. */
  public static final String REPORT = "report.json";

  /** Both learning rates are divided by {@value #DECAY} at this part of the epochs. */
  private static final double DECAY_AT = 0.7;

  private static final int DECAY = 5;

  /** Examples evaluated at once: whole panels. */
  private static final int EVALUATION_BATCH = 1024;

  private final TrainOptions options;
  private final TrainListener listener;
  private final Splits data;
  private final Network network;
  private final Adam adam = new Adam();
  private final List<TrainReport.Epoch> epochs = new ArrayList<>();
  private final Device device;

  private Trainer(Device device, TrainOptions options, TrainListener listener, Splits data) {
    this.device = device;
    this.options = options;
    this.listener = listener;
    this.data = data;
    this.network = new Network(device, options, data.train().features(), data.classes());
  }

  /**
   * Trains.
   *
   * @param device what computes
   * @param options what to train, and how
   * @param listener is told how it goes
   * @return what came out, as it was also written to the report
   * @throws DatasetException if the data set is absent or damaged
   * @throws KofnException if a file cannot be read or written
   */
  public static TrainReport run(Device device, TrainOptions options, TrainListener listener) {
    Splits data = options.dataset().load(options.data(), options.fetch());
    Trainer trainer = new Trainer(device, options, listener, data);
    try (trainer.network) {
      Files.createDirectories(options.out());
      trainer.resume();
      trainer.train();
      return trainer.finish();
    } catch (IOException e) {
      throw new KofnException("cannot write to " + options.out() + ": " + e, e);
    }
  }

  private void resume() {
    if (options.resume() != null) {
      epochs.addAll(Checkpoint.load(options.resume(), device, options, network, adam));
    }
  }

  private void train() {
    Path checkpoint = options.out().resolve(CHECKPOINT);
    try (Farewell farewell = new Farewell(checkpoint, options.epochs())) {
      while (epochs.size() < options.epochs()) {
        epochs.add(epoch(epochs.size()));
        Checkpoint.save(checkpoint, device, options, network, adam, epochs);
        farewell.saved(epochs.size());
        listener.epoch(epochs.size() - 1, epochs.getLast(), checkpoint);
      }
    }
  }

  private TrainReport.Epoch epoch(int epoch) {
    long start = System.nanoTime();
    double loss = steps(epoch);
    double seconds = (System.nanoTime() - start) / 1e9;
    network.layers().forEach(DppLayer::fixMask);
    double accuracy = accuracy(data.validation(), this::scores);
    List<MaskMetrics> metrics = network.maskedLayers().stream().map(DppLayer::metrics).toList();
    return new TrainReport.Epoch(
        loss,
        accuracy,
        seconds,
        metrics.stream().map(MaskMetrics::confidence).toList(),
        metrics.stream().map(MaskMetrics::diversity).toList());
  }

  /** One pass over the training split, in an order of its own; returns the mean loss. */
  private double steps(int epoch) {
    boolean late = epoch >= Math.ceil(DECAY_AT * options.epochs());
    float decay = late ? DECAY : 1;
    network.layers().forEach(layer -> layer.startEpoch(epoch, adam.steps()));
    int[] order = shuffled(data.train().size(), epoch);
    int steps = Math.ceilDiv(order.length, options.batch());
    double sum = 0;
    for (int step = 0; step < steps; step++) {
      int from = step * options.batch();
      int[] chosen =
          Arrays.copyOfRange(order, from, Math.min(order.length, from + options.batch()));
      int[] labels = Arrays.stream(chosen).map(i -> data.train().labels()[i]).toArray();
      double loss = network.lossAndGradients(data.train().pixels(chosen), labels);
      if (!Double.isFinite(loss)) {
        throw new KofnException(
            "the loss is %s in step %d of epoch %d: try lower learning rates"
                .formatted(loss, step, epoch));
      }
      network.update(adam, options.learningRate() / decay, options.logitRate() / decay);
      sum += loss * chosen.length;
      listener.step(epoch, step + 1, steps);
    }
    return sum / order.length;
  }

  private int[] shuffled(int size, int epoch) {
    SplittableRandom random = new SplittableRandom(options.seed() * 1_000_003 + epoch);
    int[] order = new int[size];
    for (int i = 0; i < size; i++) {
      int j = random.nextInt(i + 1);
      order[i] = order[j];
      order[j] = i;
    }
    return order;
  }

  /** Packs, evaluates on the test split for the first and only time, and writes. */
  private TrainReport finish() throws IOException {
    try (SparseNetwork packed = network.pack()) {
      double test = accuracy(data.test(), this::scores);
      double packedTest = accuracy(data.test(), examples -> scores(packed, examples));
      if (test != packedTest) {
        throw new KofnException(
            "the packed network's test accuracy is %s and the trained network's %s; they must agree"
                .formatted(packedTest, test));
      }
      TrainReport report = report(test, packedTest, packed);
      packed.save(options.out().resolve(NETWORK));
      report.save(options.out().resolve(REPORT));
      return report;
    }
  }

  private float[] scores(Examples examples) {
    return network.scores(examples.pixels(), examples.size());
  }

  private float[] scores(SparseNetwork packed, Examples examples) {
    try (Tensor x = device.tensorOf(examples.pixels(), examples.size(), examples.features());
        Tensor y = packed.forward(x)) {
      return y.toFloats();
    }
  }

  /** The fraction of examples that get their largest score for their label. */
  private static double accuracy(Examples examples, Function<Examples, float[]> scores) {
    int correct = 0;
    for (int from = 0; from < examples.size(); from += EVALUATION_BATCH) {
      int to = Math.min(examples.size(), from + EVALUATION_BATCH);
      Examples part = examples.range(from, to);
      correct += SoftmaxCrossEntropy.correct(scores.apply(part), part.labels());
    }
    return (double) correct / examples.size();
  }

  private TrainReport report(double test, double packedTest, SparseNetwork packed) {
    long dense = 0;
    long kept = 0;
    long bits = 0;
    for (SparseNetwork.Layer layer : packed.layers()) {
      KofNLayout layout = layer.weights().layout();
      long n = layout.blockColumns();
      long k = layout.k();
      long positions = k == n ? 0 : Math.min(k * (64 - Long.numberOfLeadingZeros(n - 1)), n);
      dense += (long) layout.out() * layout.in() + layout.out();
      kept += layout.packedElements() + layout.out();
      bits += 32 * (layout.packedElements() + layout.out()) + layout.blockRows() * positions;
    }
    return new TrainReport(test, packedTest, dense, kept, bits, List.copyOf(epochs));
  }
}
