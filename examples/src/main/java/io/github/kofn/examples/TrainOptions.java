// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.examples;

import io.github.kofn.pruning.Granularity;
import java.nio.file.Path;

/**
 * What to train, and how. Immutable; {@link #of} gives the defaults of a data set, each other
 * method a changed copy.
 *
 * @param dataset what is learned
 * @param data a folder with the data set's files, or null to look in the usual places
 * @param fetch whether to fetch the files if they are not there
 * @param model the network's shape
 * @param pruner how masks come about
 * @param granularity what one mask entry keeps or prunes in the hidden layers
 * @param keep the fraction kept of every hidden layer, above 0 and at most 1
 * @param epochs passes over the training split, at least 1
 * @param batch examples in a step, at least 1
 * @param seed makes weights, masks and batches
 * @param learningRate Adam's rate for weights and biases, above 0
 * @param logitRate Adam's rate for the masks' logits, above 0
 * @param noiseScale beta of the masks' noise, at least 0
 * @param entropyWeight mu of the masks' entropy regulariser, at least 0
 * @param out the folder for checkpoint, network and report; created if absent
 * @param resume a checkpoint of a run with the same options to continue, or null
 */
public record TrainOptions(
    Dataset dataset,
    Path data,
    boolean fetch,
    Model model,
    Pruner pruner,
    Granularity granularity,
    double keep,
    int epochs,
    int batch,
    long seed,
    float learningRate,
    float logitRate,
    float noiseScale,
    float entropyWeight,
    Path out,
    Path resume) {

  /**
   * Checks the options.
   *
   * @throws IllegalArgumentException if one is out of its range
   */
  public TrainOptions {
    require(dataset != null, "dataset", null, "a data set");
    require(model != null, "model", null, "a model");
    require(pruner != null, "pruner", null, "a pruner");
    require(granularity != null, "granularity", null, "a granularity");
    require(out != null, "out", null, "a folder");
    require(keep > 0 && keep <= 1, "keep", keep, "above 0 and at most 1");
    require(epochs >= 1, "epochs", epochs, "at least 1");
    require(batch >= 1, "batch", batch, "at least 1");
    require(positive(learningRate), "learningRate", learningRate, "finite and above 0");
    require(positive(logitRate), "logitRate", logitRate, "finite and above 0");
    require(noiseScale >= 0 && Float.isFinite(noiseScale), "noiseScale", noiseScale, "at least 0");
    require(
        entropyWeight >= 0 && Float.isFinite(entropyWeight),
        "entropyWeight",
        entropyWeight,
        "at least 0");
  }

  private static boolean positive(float value) {
    return value > 0 && Float.isFinite(value);
  }

  private static void require(boolean ok, String name, Object value, String allowed) {
    if (!ok) {
      throw new IllegalArgumentException(name + " is " + value + "; allowed: " + allowed);
    }
  }

  /**
   * A data set's defaults: on digits an MLP that keeps 20 % of its hidden weights, else
   * LeNet-300-100 that keeps 10 %, pruned by DPP.
   *
   * @param dataset what is learned
   * @return the options
   */
  public static TrainOptions of(Dataset dataset) {
    boolean small = dataset == Dataset.DIGITS;
    return new TrainOptions(
        dataset,
        null,
        false,
        small ? Model.MLP : Model.LENET_300_100,
        Pruner.DPP,
        Granularity.WEIGHT,
        small ? 0.2 : 0.1,
        small ? 60 : 15,
        64,
        1,
        1e-3f,
        5e-2f,
        1,
        0,
        Path.of("kofn-out"),
        null);
  }

  /**
   * With another data folder.
   *
   * @param value a folder with the data set's files, or null
   * @return the copy
   */
  public TrainOptions withData(Path value) {
    return new TrainOptions(
        dataset,
        value,
        fetch,
        model,
        pruner,
        granularity,
        keep,
        epochs,
        batch,
        seed,
        learningRate,
        logitRate,
        noiseScale,
        entropyWeight,
        out,
        resume);
  }

  /**
   * With another choice about fetching.
   *
   * @param value whether to fetch absent files
   * @return the copy
   */
  public TrainOptions withFetch(boolean value) {
    return new TrainOptions(
        dataset,
        data,
        value,
        model,
        pruner,
        granularity,
        keep,
        epochs,
        batch,
        seed,
        learningRate,
        logitRate,
        noiseScale,
        entropyWeight,
        out,
        resume);
  }

  /**
   * With another model.
   *
   * @param value the network's shape
   * @return the copy
   */
  public TrainOptions withModel(Model value) {
    return new TrainOptions(
        dataset,
        data,
        fetch,
        value,
        pruner,
        granularity,
        keep,
        epochs,
        batch,
        seed,
        learningRate,
        logitRate,
        noiseScale,
        entropyWeight,
        out,
        resume);
  }

  /**
   * With another pruner.
   *
   * @param value how masks come about
   * @return the copy
   */
  public TrainOptions withPruner(Pruner value) {
    return new TrainOptions(
        dataset,
        data,
        fetch,
        model,
        value,
        granularity,
        keep,
        epochs,
        batch,
        seed,
        learningRate,
        logitRate,
        noiseScale,
        entropyWeight,
        out,
        resume);
  }

  /**
   * With another granularity.
   *
   * @param value what one mask entry keeps or prunes
   * @return the copy
   */
  public TrainOptions withGranularity(Granularity value) {
    return new TrainOptions(
        dataset,
        data,
        fetch,
        model,
        pruner,
        value,
        keep,
        epochs,
        batch,
        seed,
        learningRate,
        logitRate,
        noiseScale,
        entropyWeight,
        out,
        resume);
  }

  /**
   * With another fraction kept.
   *
   * @param value the fraction kept, above 0 and at most 1
   * @return the copy
   */
  public TrainOptions withKeep(double value) {
    return new TrainOptions(
        dataset,
        data,
        fetch,
        model,
        pruner,
        granularity,
        value,
        epochs,
        batch,
        seed,
        learningRate,
        logitRate,
        noiseScale,
        entropyWeight,
        out,
        resume);
  }

  /**
   * With another number of epochs.
   *
   * @param value at least 1
   * @return the copy
   */
  public TrainOptions withEpochs(int value) {
    return new TrainOptions(
        dataset,
        data,
        fetch,
        model,
        pruner,
        granularity,
        keep,
        value,
        batch,
        seed,
        learningRate,
        logitRate,
        noiseScale,
        entropyWeight,
        out,
        resume);
  }

  /**
   * With another batch size.
   *
   * @param value at least 1
   * @return the copy
   */
  public TrainOptions withBatch(int value) {
    return new TrainOptions(
        dataset,
        data,
        fetch,
        model,
        pruner,
        granularity,
        keep,
        epochs,
        value,
        seed,
        learningRate,
        logitRate,
        noiseScale,
        entropyWeight,
        out,
        resume);
  }

  /**
   * With another seed.
   *
   * @param value any number
   * @return the copy
   */
  public TrainOptions withSeed(long value) {
    return new TrainOptions(
        dataset,
        data,
        fetch,
        model,
        pruner,
        granularity,
        keep,
        epochs,
        batch,
        value,
        learningRate,
        logitRate,
        noiseScale,
        entropyWeight,
        out,
        resume);
  }

  /**
   * With another learning rate.
   *
   * @param value above 0
   * @return the copy
   */
  public TrainOptions withLearningRate(float value) {
    return new TrainOptions(
        dataset,
        data,
        fetch,
        model,
        pruner,
        granularity,
        keep,
        epochs,
        batch,
        seed,
        value,
        logitRate,
        noiseScale,
        entropyWeight,
        out,
        resume);
  }

  /**
   * With another learning rate of the logits.
   *
   * @param value above 0
   * @return the copy
   */
  public TrainOptions withLogitRate(float value) {
    return new TrainOptions(
        dataset,
        data,
        fetch,
        model,
        pruner,
        granularity,
        keep,
        epochs,
        batch,
        seed,
        learningRate,
        value,
        noiseScale,
        entropyWeight,
        out,
        resume);
  }

  /**
   * With another noise scale.
   *
   * @param value at least 0
   * @return the copy
   */
  public TrainOptions withNoiseScale(float value) {
    return new TrainOptions(
        dataset,
        data,
        fetch,
        model,
        pruner,
        granularity,
        keep,
        epochs,
        batch,
        seed,
        learningRate,
        logitRate,
        value,
        entropyWeight,
        out,
        resume);
  }

  /**
   * With another entropy weight.
   *
   * @param value at least 0
   * @return the copy
   */
  public TrainOptions withEntropyWeight(float value) {
    return new TrainOptions(
        dataset,
        data,
        fetch,
        model,
        pruner,
        granularity,
        keep,
        epochs,
        batch,
        seed,
        learningRate,
        logitRate,
        noiseScale,
        value,
        out,
        resume);
  }

  /**
   * With another output folder.
   *
   * @param value the folder for what is written
   * @return the copy
   */
  public TrainOptions withOut(Path value) {
    return new TrainOptions(
        dataset,
        data,
        fetch,
        model,
        pruner,
        granularity,
        keep,
        epochs,
        batch,
        seed,
        learningRate,
        logitRate,
        noiseScale,
        entropyWeight,
        value,
        resume);
  }

  /**
   * With another checkpoint to continue.
   *
   * @param value a checkpoint, or null
   * @return the copy
   */
  public TrainOptions withResume(Path value) {
    return new TrainOptions(
        dataset,
        data,
        fetch,
        model,
        pruner,
        granularity,
        keep,
        epochs,
        batch,
        seed,
        learningRate,
        logitRate,
        noiseScale,
        entropyWeight,
        out,
        value);
  }
}
