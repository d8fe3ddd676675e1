// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.examples;

import io.github.kofn.DType;
import io.github.kofn.Device;
import io.github.kofn.Tensor;
import io.github.kofn.pruning.Granularity;
import io.github.kofn.pruning.PruningOptions;
import io.github.kofn.sparse.Activation;
import io.github.kofn.sparse.Convolution;
import io.github.kofn.sparse.KofNLayout;
import io.github.kofn.sparse.SparseNetwork;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/** Convolutions and fully connected layers with ReLU: a training step, evaluation, packing. */
final class Network implements AutoCloseable {
  private final Device device;
  private final List<DppLayer> layers = new ArrayList<>();
  private final Map<Integer, Workspace> workspaces = new HashMap<>();

  /** The network that the options describe; its last layer, the classifier's head, is dense. */
  Network(Device device, TrainOptions options, int features, int classes) {
    this.device = device;
    SplittableRandom random = new SplittableRandom(options.seed());
    int in = features;
    for (Convolution shape : options.model().convolutions(features)) {
      KofNLayout layout =
          layout(options, Model.ofKernels(options), shape.outChannels(), shape.weightColumns());
      DppLayer layer =
          new DppConvolution(device, shape, Model.POOLING, layout, Activation.RELU, random);
      add(layer, options);
      in = layer.out();
    }
    for (int out : options.model().hidden()) {
      KofNLayout layout = layout(options, Model.ofNeurons(options), out, in);
      add(new DppLinear(device, layout, Activation.RELU, random), options);
      in = out;
    }
    layers.add(new DppLinear(device, KofNLayout.dense(classes, in), Activation.IDENTITY, random));
  }

  private static KofNLayout layout(TrainOptions options, Granularity granularity, int out, int in) {
    return options.pruner() == Pruner.NONE
        ? KofNLayout.dense(out, in)
        : granularity.layout(out, in, options.keep());
  }

  private void add(DppLayer layer, TrainOptions options) {
    layers.add(layer);
    PruningOptions mask =
        PruningOptions.of(options.seed(), layers.size(), options.epochs())
            .withNoiseScale(options.noiseScale())
            .withEntropyWeight(options.entropyWeight());
    switch (options.pruner()) {
      case DPP -> layer.withTrainedMask(mask);
      case RANDOM -> layer.withFixedMask(mask);
      case NONE -> {}
    }
  }

  /** What the layers read and write for one batch size. */
  private final class Workspace {
    final Tensor x;
    final List<Tensor> y = new ArrayList<>();
    final List<Tensor> z = new ArrayList<>();
    final List<Tensor> dy = new ArrayList<>();

    Workspace(int batch) {
      x = device.activations(DType.F32, batch, layers.getFirst().in());
      for (DppLayer layer : layers) {
        y.add(device.activations(DType.F32, batch, layer.out()));
        z.add(device.activations(DType.F32, batch, layer.sums()));
        dy.add(device.activations(DType.F32, batch, layer.out()));
      }
    }

    void close() {
      x.close();
      List.of(y, z, dy).forEach(tensors -> tensors.forEach(Tensor::close));
    }
  }

  List<DppLayer> layers() {
    return layers;
  }

  /** The layers whose masks are trained. */
  List<DppLayer> maskedLayers() {
    return layers.stream().filter(DppLayer::isTrainedMask).toList();
  }

  /** The mean loss of a batch under freshly drawn masks, with all gradients computed. */
  double lossAndGradients(float[] images, int[] labels) {
    layers.forEach(DppLayer::drawMask);
    Workspace work = forward(images, labels.length);
    float[] scores = work.y.getLast().toFloats();
    double loss = SoftmaxCrossEntropy.gradient(scores, labels);
    work.dy.getLast().copyFrom(scores);
    for (int i = layers.size() - 1; i >= 0; i--) {
      loss += layers.get(i).backward(work.dy.get(i), i == 0 ? null : work.dy.get(i - 1));
    }
    return loss;
  }

  /** The classes' scores [count, classes] with the masks as they are. */
  float[] scores(float[] images, int count) {
    return forward(images, count).y.getLast().toFloats();
  }

  private Workspace forward(float[] images, int count) {
    Workspace work = workspaces.computeIfAbsent(count, Workspace::new);
    work.x.copyFrom(images);
    Tensor input = work.x;
    for (int i = 0; i < layers.size(); i++) {
      layers.get(i).forward(input, work.y.get(i), work.z.get(i));
      input = work.y.get(i);
    }
    return work;
  }

  void update(Adam adam, float weightRate, float logitRate) {
    adam.next();
    layers.forEach(layer -> layer.update(adam, weightRate, logitRate));
  }

  /** The sparse network for inference, with the deterministic masks. */
  SparseNetwork pack() {
    layers.forEach(DppLayer::fixMask);
    List<SparseNetwork.Layer> packed = new ArrayList<>();
    for (DppLayer layer : layers) {
      packed.add(layer.pack("layer" + (packed.size() + 1)));
    }
    return SparseNetwork.of(packed);
  }

  @Override
  public void close() {
    layers.forEach(DppLayer::close);
    workspaces.values().forEach(Workspace::close);
  }
}
