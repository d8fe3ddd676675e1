// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.examples;

import io.github.kofn.Device;
import io.github.kofn.Tensor;
import io.github.kofn.sparse.Activation;
import io.github.kofn.sparse.Epilogue;
import io.github.kofn.sparse.Forward;
import io.github.kofn.sparse.KofNLayout;
import io.github.kofn.sparse.KofNMatrix;
import io.github.kofn.sparse.SparseNetwork;
import java.util.random.RandomGenerator;

/** A fully connected layer that keeps k of its n inputs for every output. */
final class DppLinear extends DppLayer {
  DppLinear(Device device, KofNLayout layout, Activation activation, RandomGenerator random) {
    super(device, layout, activation, random);
  }

  @Override
  int in() {
    return layout().in();
  }

  @Override
  int out() {
    return layout().out();
  }

  @Override
  int sums() {
    return layout().out();
  }

  @Override
  Forward product(Tensor x, Tensor y, Epilogue wanted) {
    return matrix.multiply(x, y, wanted);
  }

  @Override
  void epilogueGradient(Epilogue used, Tensor dy, Tensor dBias) {
    used.gradient(dy, dy, dBias);
  }

  @Override
  void inputGradient(Forward used, Tensor dy, Tensor dx) {
    matrix.inputGradient(used, dy, dx);
  }

  @Override
  void weightGradient(Forward used, Tensor dy, Tensor dw) {
    matrix.weightGradient(used, dy, dw);
  }

  @Override
  void maskGradient(Forward used, Tensor dy, Tensor dMask) {
    matrix.maskGradient(used, dy, dMask);
  }

  @Override
  SparseNetwork.Layer packed(String name, KofNMatrix kept, Tensor biases) {
    return new SparseNetwork.Layer(name, kept, biases, activation);
  }
}
