// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.examples;

import com.fasterxml.jackson.jr.ob.JSON;
import io.github.kofn.Device;
import io.github.kofn.KofnException;
import io.github.kofn.Tensor;
import io.github.kofn.TensorFile;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** All that a training run needs to continue after an epoch, in a file. */
final class Checkpoint {
  private static final List<String> PARTS = List.of("value", "mean", "square");

  private Checkpoint() {}

  static void save(
      Path file,
      Device device,
      TrainOptions options,
      Network network,
      Adam adam,
      List<TrainReport.Epoch> epochs) {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    try {
      List<Parameter> parameters = parameters(network);
      for (int p = 0; p < parameters.size(); p++) {
        float[][] state = parameters.get(p).state();
        for (int i = 0; i < state.length; i++) {
          tensors.put(name(p, i), device.tensorOf(state[i], state[i].length));
        }
      }
      Map<String, String> metadata = new LinkedHashMap<>();
      metadata.put("options", describe(options));
      metadata.put("steps", Integer.toString(adam.steps()));
      metadata.put(
          "epochs", JSON.std.asString(epochs.stream().map(TrainReport.Epoch::toMap).toList()));
      TensorFile.save(file, tensors, metadata);
    } catch (IOException e) {
      throw new KofnException("cannot write " + file + ": " + e, e);
    } finally {
      tensors.values().forEach(Tensor::close);
    }
  }

  /** Restores network and optimiser; returns the epochs that are done. */
  static List<TrainReport.Epoch> load(
      Path file, Device device, TrainOptions options, Network network, Adam adam) {
    try (TensorFile loaded = TensorFile.load(device, file)) {
      String wanted = describe(options);
      String saved = loaded.metadata().get("options");
      if (!wanted.equals(saved)) {
        throw new KofnException(file + " is a checkpoint of " + saved + "; allowed: of " + wanted);
      }
      List<TrainReport.Epoch> epochs = new ArrayList<>();
      for (Object epoch : JSON.std.listFrom(loaded.metadata().get("epochs"))) {
        epochs.add(TrainReport.Epoch.fromMap((Map<?, ?>) epoch));
      }
      adam.setSteps(Integer.parseInt(loaded.metadata().get("steps")));
      List<Parameter> parameters = parameters(network);
      for (int p = 0; p < parameters.size(); p++) {
        float[][] state = new float[PARTS.size()][];
        for (int i = 0; i < state.length; i++) {
          state[i] = loaded.tensors().get(name(p, i)).toFloats();
        }
        parameters.get(p).restore(state);
      }
      return epochs;
    } catch (IOException e) {
      throw new KofnException("cannot read " + file + ": " + e, e);
    }
  }

  /** What must be equal for a run to be the same run. */
  private static String describe(TrainOptions o) {
    return "%s %s %s blocks of %d x %d, keep %s, %d epochs, batch %d, seed %d, rates %s and %s, noise %s, entropy %s"
        .formatted(
            o.dataset().label(),
            o.model().label(),
            o.pruner().label(),
            o.granularity().blockOut(),
            o.granularity().blockIn(),
            o.keep(),
            o.epochs(),
            o.batch(),
            o.seed(),
            o.learningRate(),
            o.logitRate(),
            o.noiseScale(),
            o.entropyWeight());
  }

  private static List<Parameter> parameters(Network network) {
    return network.layers().stream().flatMap(layer -> layer.parameters().stream()).toList();
  }

  private static String name(int parameter, int part) {
    return "parameter" + parameter + "." + PARTS.get(part);
  }
}
