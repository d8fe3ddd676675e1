// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.examples;

import io.github.kofn.DType;
import io.github.kofn.Device;
import io.github.kofn.Tensor;
import java.lang.foreign.MemorySegment;

/**
 * Something that is trained: values on the host, where {@link Adam} changes them, and on the
 * device, where kofn computes with them.
 */
final class Parameter implements AutoCloseable {
  private final float[] values;
  private final float[] gradients;
  private final float[] mean;
  private final float[] square;
  private final Tensor tensor;
  private final Tensor gradient;

  Parameter(Device device, float[] values, long... shape) {
    this.values = values;
    this.gradients = new float[values.length];
    this.mean = new float[values.length];
    this.square = new float[values.length];
    this.tensor = device.tensorOf(values, shape);
    this.gradient = device.zeros(DType.F32, shape);
  }

  /** The values on the device. */
  Tensor tensor() {
    return tensor;
  }

  /** The gradient on the device, for backward passes to write. */
  Tensor gradient() {
    return gradient;
  }

  int size() {
    return values.length;
  }

  /** Fetches the gradient, changes the values by one step of an optimiser, and sends them back. */
  void update(Adam adam, float learningRate) {
    gradient.copyTo(MemorySegment.ofArray(gradients));
    adam.step(learningRate, values, gradients, mean, square);
    tensor.copyFrom(values);
  }

  /** What a checkpoint must hold: the values and the optimiser's two moments. */
  float[][] state() {
    return new float[][] {values, mean, square};
  }

  /** Continues from a checkpoint's {@link #state()}. */
  void restore(float[][] state) {
    System.arraycopy(state[0], 0, values, 0, values.length);
    System.arraycopy(state[1], 0, mean, 0, values.length);
    System.arraycopy(state[2], 0, square, 0, values.length);
    tensor.copyFrom(values);
  }

  @Override
  public void close() {
    tensor.close();
    gradient.close();
  }
}
