// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.examples;

import io.github.kofn.DType;
import io.github.kofn.Device;
import io.github.kofn.Tensor;
import io.github.kofn.pruning.MaskMetrics;
import io.github.kofn.pruning.PruningMask;
import io.github.kofn.pruning.PruningOptions;
import io.github.kofn.sparse.Activation;
import io.github.kofn.sparse.Epilogue;
import io.github.kofn.sparse.Forward;
import io.github.kofn.sparse.KofNLayout;
import io.github.kofn.sparse.KofNMatrix;
import io.github.kofn.sparse.SparseNetwork;
import java.util.ArrayList;
import java.util.List;
import java.util.random.RandomGenerator;

/**
 * A layer whose weights are a matrix that keeps k of n blocks in every block row: {@code y =
 * activation(x * (mask * W) + bias)}. With the pruner {@link Pruner#NONE} it is an ordinary dense
 * layer. What the product is, the subclasses say.
 */
abstract class DppLayer implements AutoCloseable {
  final Device device;
  private final KofNLayout layout;
  final Activation activation;
  private final Parameter weights;
  private final Parameter bias;
  final KofNMatrix matrix;
  private Parameter logits; // null unless the mask is trained
  private PruningMask mask; // null if the layer is dense
  private Forward forward;
  private Epilogue epilogue;

  /** Weights N(0, 2 / in) (He et al., arXiv 1502.01852; with k of n kept, 2 / k), no bias yet. */
  DppLayer(Device device, KofNLayout layout, Activation activation, RandomGenerator random) {
    this.device = device;
    this.layout = layout;
    this.activation = activation;
    float[] initial = new float[layout.out() * layout.in()];
    double deviation = Math.sqrt(2.0 / (layout.k() * layout.blockIn()));
    for (int i = 0; i < initial.length; i++) {
      initial[i] = (float) (deviation * random.nextGaussian());
    }
    weights = new Parameter(device, initial, layout.out(), layout.in());
    bias = new Parameter(device, new float[layout.out()], layout.out());
    matrix = KofNMatrix.inPlace(layout, weights.tensor());
  }

  /** Trains a mask for this layer. */
  DppLayer withTrainedMask(PruningOptions options) {
    logits =
        new Parameter(
            device,
            PruningMask.initialLogits(layout, options),
            layout.blockRows(),
            layout.blockColumns());
    mask = PruningMask.over(logits.tensor(), layout, options);
    return this;
  }

  /** Gives this layer one random mask for good. */
  DppLayer withFixedMask(PruningOptions options) {
    mask = PruningMask.create(device, layout, options);
    matrix.select(mask.evaluationSelection());
    return this;
  }

  KofNLayout layout() {
    return layout;
  }

  boolean isTrainedMask() {
    return logits != null;
  }

  void startEpoch(int epoch, int step) {
    if (isTrainedMask()) {
      mask.startEpoch(epoch);
      mask.setStep(step);
    }
  }

  /** Draws the mask of the next training step. */
  void drawMask() {
    if (isTrainedMask()) {
      matrix.select(mask.draw());
    }
  }

  /** Takes the mask that evaluation and inference use: the k largest logits, without noise. */
  void fixMask() {
    if (isTrainedMask()) {
      matrix.select(mask.evaluationSelection());
    }
  }

  /** The features of x. */
  abstract int in();

  /** The features of y. */
  abstract int out();

  /** The features of z, the sums that the activation is applied to. */
  abstract int sums();

  /** The product with an epilogue. */
  abstract Forward product(Tensor x, Tensor y, Epilogue wanted);

  /** The way back through the epilogue. */
  abstract void epilogueGradient(Epilogue used, Tensor dy, Tensor dBias);

  /** The gradient with respect to x. */
  abstract void inputGradient(Forward used, Tensor dy, Tensor dx);

  /** The gradient with respect to the kept weights. */
  abstract void weightGradient(Forward used, Tensor dy, Tensor dw);

  /** The gradient with respect to the mask. */
  abstract void maskGradient(Forward used, Tensor dy, Tensor dMask);

  /** y from x; keeps what the way back needs. */
  void forward(Tensor x, Tensor y, Tensor z) {
    epilogue =
        activation == Activation.IDENTITY
            ? Epilogue.NONE.withBias(bias.tensor())
            : Epilogue.NONE.withBias(bias.tensor()).withActivation(activation, z);
    forward = product(x, y, epilogue);
  }

  /**
   * The gradients of all parameters, and of x unless dx is null; dy is overwritten.
   *
   * @return the value of the mask's entropy regulariser
   */
  double backward(Tensor dy, Tensor dx) {
    epilogueGradient(epilogue, dy, bias.gradient());
    if (dx != null) {
      inputGradient(forward, dy, dx);
    }
    weights.gradient().clear(); // pruned weights: no gradient, they wait until they come back
    weightGradient(forward, dy, weights.gradient());
    if (!isTrainedMask()) {
      return 0;
    }
    maskGradient(forward, dy, logits.gradient());
    mask.gradient(logits.gradient(), logits.gradient());
    return mask.addEntropyGradient(logits.gradient());
  }

  void update(Adam adam, float weightRate, float logitRate) {
    weights.update(adam, weightRate);
    bias.update(adam, weightRate);
    if (isTrainedMask()) {
      logits.update(adam, logitRate);
    }
  }

  MaskMetrics metrics() {
    return mask.metrics();
  }

  List<Parameter> parameters() {
    List<Parameter> all = new ArrayList<>(List.of(weights, bias));
    if (isTrainedMask()) {
      all.add(logits);
    }
    return all;
  }

  /** This layer with its present mask, packed, sharing nothing with it. */
  SparseNetwork.Layer pack(String name) {
    Tensor copy = device.zeros(DType.F32, layout.out());
    copy.convertFrom(bias.tensor());
    return packed(name, matrix.pack(), copy);
  }

  /** A layer for inference like this one. */
  abstract SparseNetwork.Layer packed(String name, KofNMatrix kept, Tensor biases);

  @Override
  public void close() {
    matrix.close();
    if (mask != null) {
      mask.close();
    }
    parameters().forEach(Parameter::close);
  }
}
