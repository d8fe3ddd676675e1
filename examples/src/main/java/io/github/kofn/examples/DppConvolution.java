// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.examples;

import io.github.kofn.DType;
import io.github.kofn.Device;
import io.github.kofn.Tensor;
import io.github.kofn.sparse.Activation;
import io.github.kofn.sparse.Convolution;
import io.github.kofn.sparse.Epilogue;
import io.github.kofn.sparse.Forward;
import io.github.kofn.sparse.KofNConvolution;
import io.github.kofn.sparse.KofNLayout;
import io.github.kofn.sparse.KofNMatrix;
import io.github.kofn.sparse.MaxPooling;
import io.github.kofn.sparse.SparseNetwork;
import java.util.HashMap;
import java.util.Map;
import java.util.random.RandomGenerator;

/**
 * A convolution that keeps k of n blocks of its weights, such as k of its n 2-D kernels for every
 * feature map, followed by max pooling.
 */
final class DppConvolution extends DppLayer {
  private final Convolution shape;
  private final MaxPooling pooling;
  private final KofNConvolution convolution;
  private final Map<Long, Sums> sums = new HashMap<>();
  private Sums latest;

  /** What lies between the convolution and the pooling, for one batch size. */
  private record Sums(Tensor y, Tensor dy) {}

  DppConvolution(
      Device device,
      Convolution shape,
      int pooling,
      KofNLayout layout,
      Activation activation,
      RandomGenerator random) {
    super(device, layout, activation, random);
    this.shape = shape;
    this.pooling =
        new MaxPooling(shape.outChannels(), shape.outHeight(), shape.outWidth(), pooling);
    this.convolution = KofNConvolution.of(shape, matrix);
  }

  @Override
  int in() {
    return shape.inFeatures();
  }

  @Override
  int out() {
    return pooling.outFeatures();
  }

  @Override
  int sums() {
    return shape.outFeatures();
  }

  private Sums made(long batch) {
    return new Sums(
        device.activations(DType.F32, batch, sums()), device.activations(DType.F32, batch, sums()));
  }

  @Override
  Forward product(Tensor x, Tensor y, Epilogue wanted) {
    latest = sums.computeIfAbsent(x.rows(), this::made);
    Forward forward = convolution.convolve(x, latest.y, wanted);
    pooling.pool(latest.y, y);
    return forward;
  }

  /** Through the pooling, then through the epilogue: {@code latest.dy} is what follows from it. */
  @Override
  void epilogueGradient(Epilogue used, Tensor dy, Tensor dBias) {
    pooling.gradient(latest.y, dy, latest.dy);
    convolution.epilogueGradient(used, latest.dy, latest.dy, dBias);
  }

  @Override
  void inputGradient(Forward used, Tensor dy, Tensor dx) {
    convolution.inputGradient(used, latest.dy, dx);
  }

  @Override
  void weightGradient(Forward used, Tensor dy, Tensor dw) {
    convolution.weightGradient(used, latest.dy, dw);
  }

  @Override
  void maskGradient(Forward used, Tensor dy, Tensor dMask) {
    convolution.maskGradient(used, latest.dy, dMask);
  }

  @Override
  SparseNetwork.Layer packed(String name, KofNMatrix kept, Tensor biases) {
    return new SparseNetwork.Layer(name, kept, biases, activation, shape, pooling.size());
  }

  @Override
  public void close() {
    super.close();
    for (Sums made : sums.values()) {
      made.y.close();
      made.dy.close();
    }
  }
}
