// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cuda;

import io.github.kofn.DType;
import io.github.kofn.Device;
import io.github.kofn.Tensor;
import io.github.kofn.sampling.DrawKey;
import io.github.kofn.sampling.GumbelTopK;
import io.github.kofn.sampling.Selection;
import io.github.kofn.sparse.Activation;
import io.github.kofn.sparse.Convolution;
import io.github.kofn.sparse.Epilogue;
import io.github.kofn.sparse.Forward;
import io.github.kofn.sparse.KofNConvolution;
import io.github.kofn.sparse.KofNLayout;
import io.github.kofn.sparse.KofNMatrix;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.ToDoubleFunction;

/**
 * A convolution in place on a device. Its operands and its pattern are the same on every device.
 */
final class ConvolutionOperands implements AutoCloseable {
  /** What results hold before: no sum of whole numbers. */
  static final float UNTOUCHED = 0.5f;

  /** Small whole numbers: sums of products of them, and their differences, are exact. */
  static final ToDoubleFunction<SplittableRandom> WHOLE = random -> random.nextInt(7) - 3;

  /** Numbers whose sums depend on their order. */
  static final ToDoubleFunction<SplittableRandom> NORMAL = SplittableRandom::nextGaussian;

  private final Device device;
  private final ToDoubleFunction<SplittableRandom> numbers;
  private final List<AutoCloseable> owned = new ArrayList<>();
  private final KofNMatrix matrix;
  private final KofNConvolution convolution;
  private final Tensor x;
  private final Tensor dSum;
  private final Tensor bias;
  private final Tensor z;
  private final Tensor y;
  private final Tensor dx;
  private final Tensor dw;
  private final Tensor dMask;

  ConvolutionOperands(
      Device device,
      ConvolutionProblem problem,
      int batch,
      ToDoubleFunction<SplittableRandom> numbers) {
    this.device = device;
    this.numbers = numbers;
    Convolution shape = problem.shape();
    KofNLayout layout = problem.layout();
    DType type = problem.type();
    Tensor weights = keep(device.zeros(type, layout.out(), layout.in()));
    load(weights, random(layout.out() * layout.in(), 1));
    matrix = keep(KofNMatrix.inPlace(layout, weights));
    dMask = keep(device.zeros(DType.F32, layout.blockRows(), layout.blockColumns()));
    try (Selection drawn = GumbelTopK.of(layout.k()).draw(dMask, DrawKey.of(5, 0))) {
      matrix.select(drawn);
    }
    convolution = KofNConvolution.of(shape, matrix);
    x = keep(device.zeros(type, batch, shape.inFeatures()));
    dSum = keep(device.zeros(type, batch, shape.outFeatures()));
    bias = keep(device.tensorOf(random(shape.outChannels(), 2), shape.outChannels()));
    z = keep(device.zeros(DType.F32, batch, shape.outFeatures()));
    y = keep(device.zeros(DType.F32, batch, shape.outFeatures()));
    dx = keep(device.zeros(type, batch, shape.inFeatures()));
    dw = keep(device.zeros(DType.F32, layout.out(), layout.in()));
  }

  private <T extends AutoCloseable> T keep(T resource) {
    owned.add(resource);
    return resource;
  }

  /** Other activations, and results that hold what no operation gives. */
  void fill(long seed) {
    load(x, random((int) x.size(), seed));
    load(dSum, random((int) dSum.size(), seed + 1));
    for (Tensor result : List.of(z, y, dx, dw, dMask)) {
      float[] untouched = new float[(int) result.size()];
      Arrays.fill(untouched, UNTOUCHED);
      load(result, untouched);
    }
  }

  /** The operations of a training step. */
  void run() {
    Epilogue epilogue = Epilogue.NONE.withBias(bias).withActivation(Activation.RELU, z);
    Forward forward = convolution.convolve(x, y, epilogue);
    convolution.inputGradient(forward, dSum, dx);
    convolution.weightGradient(forward, dSum, dw);
    convolution.maskGradient(forward, dSum, dMask);
  }

  /** Y, Z, dX, dW and dMask. */
  List<float[]> results() {
    return List.of(read(y), read(z), read(dx), read(dw), read(dMask));
  }

  /** The sum of Y times its gradient, without an epilogue: linear in x and in the weights. */
  double loss() {
    convolution.convolve(x, y, Epilogue.NONE);
    float[] values = read(y);
    float[] upstream = read(dSum);
    double sum = 0;
    for (int i = 0; i < values.length; i++) {
      sum += (double) values[i] * upstream[i];
    }
    return sum;
  }

  Tensor x() {
    return x;
  }

  Tensor weights() {
    return matrix.values();
  }

  /** Replaces a tensor's elements. */
  void load(Tensor target, float[] values) {
    if (target.shape().length == 1) {
      target.copyFrom(values);
      return;
    }
    try (Tensor floats = device.tensorOf(values, target.shape())) {
      target.convertFrom(floats);
    }
  }

  float[] read(Tensor tensor) {
    try (Tensor floats = device.zeros(DType.F32, tensor.shape())) {
      floats.convertFrom(tensor);
      return floats.toFloats();
    }
  }

  private float[] random(int size, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    float[] values = new float[size];
    for (int i = 0; i < size; i++) {
      values[i] = (float) numbers.applyAsDouble(random);
    }
    return values;
  }

  @Override
  public void close() {
    for (AutoCloseable resource : owned.reversed()) {
      try {
        resource.close();
      } catch (Exception e) {
        throw new IllegalStateException(e);
      }
    }
  }
}
