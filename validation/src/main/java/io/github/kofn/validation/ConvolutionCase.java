// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.validation;

import io.github.kofn.DType;
import io.github.kofn.Tensor;
import io.github.kofn.sparse.Activation;
import io.github.kofn.sparse.Convolution;
import io.github.kofn.sparse.Epilogue;
import io.github.kofn.sparse.Forward;
import io.github.kofn.sparse.KofNConvolution;
import io.github.kofn.sparse.KofNMatrix;
import java.util.Arrays;
import java.util.Locale;
import java.util.function.Function;

/**
 * One operation of a convolution, twice: within the bounds of {@link ConvolutionBounds}, and the
 * same bits both times.
 *
 * @param operation which
 * @param sizes of the convolution
 * @param problem the matrix of weights, types and storage
 * @param activation of the epilogue, where the operation has one
 * @param seed what the operands are made from
 */
record ConvolutionCase(
    Operation operation, Convolution sizes, Problem problem, Activation activation, long seed)
    implements Case {
  private static final float SCALE = 0.75f;

  /** What dW holds before: it must remain where nothing is kept. */
  private static final float UNTOUCHED = 42;

  /** An operation of a convolution. */
  enum Operation {
    FORWARD,
    /** Forward with every part of the epilogue. */
    FUSED_FORWARD,
    INPUT_GRADIENT,
    WEIGHT_GRADIENT,
    MASK_GRADIENT,
    /** The way back through the epilogue. */
    EPILOGUE_GRADIENT
  }

  @Override
  public Op op() {
    return Op.MATMUL;
  }

  @Override
  public String type() {
    return problem.types().toString();
  }

  @Override
  public String shape() {
    return "convolution %s%s of %dx%dx%d by %dx%dx%d, stride %d, padding %d, weights %s"
        .formatted(
            operation.name().toLowerCase(Locale.ROOT).replace('_', ' '),
            activation == Activation.IDENTITY ? "" : " " + activation,
            sizes.inChannels(),
            sizes.height(),
            sizes.width(),
            sizes.outChannels(),
            sizes.kernelHeight(),
            sizes.kernelWidth(),
            sizes.stride(),
            sizes.padding(),
            problem);
  }

  @Override
  public long work() {
    long inputs =
        operation == Operation.MASK_GRADIENT
            ? sizes.weightColumns()
            : (long) problem.layout().k() * problem.layout().blockIn();
    return problem.batch() * inputs * sizes.outFeatures();
  }

  @Override
  public Check prepare() {
    return check(new ConvolutionData(sizes, problem, seed));
  }

  /** The check against given operands, which are read when it runs. */
  Check check(ConvolutionData data) {
    ConvolutionBounds bounds = new ConvolutionBounds(data);
    return switch (operation) {
      case FORWARD -> forward(data, bounds.forward(problem.types().y()));
      case FUSED_FORWARD -> fusedForward(data, bounds.preActivation(SCALE), bounds);
      case INPUT_GRADIENT ->
          inputGradient(
              data, ProductBounds.stored(bounds.inputGradient(activation), problem.types().x()));
      case WEIGHT_GRADIENT -> weightGradient(data, bounds.weightGradient());
      case MASK_GRADIENT -> maskGradient(data, bounds.maskGradient());
      case EPILOGUE_GRADIENT ->
          epilogueGradient(
              data, bounds.epilogueGradient(activation, SCALE), bounds.biasGradient(activation));
    };
  }

  /** A convolution and its input on a device. */
  private final class On {
    final Operands operands;
    final KofNConvolution convolution;
    final Tensor x;

    On(Operands operands, ConvolutionData data) {
      this.operands = operands;
      convolution = KofNConvolution.of(sizes, operands.matrix);
      x = operands.activations(problem.types().x(), data.x, sizes.inFeatures());
    }

    Forward forward() {
      Tensor y = blank(DType.F32, sizes.outFeatures());
      return convolution.convolve(x, y, Epilogue.NONE);
    }

    Tensor dSum(ConvolutionData data) {
      return operands.activations(problem.types().y(), data.dSum, sizes.outFeatures());
    }

    /** NaNs: whatever an operation leaves out shows. */
    Tensor blank(DType type, int features) {
      float[] values = new float[problem.batch() * features];
      Arrays.fill(values, Float.NaN);
      return operands.activations(type, values, features);
    }
  }

  /** Runs something twice and compares its result, the second time with the first. */
  private Check twice(
      ConvolutionData data, String what, Expected expected, Function<On, float[]> run) {
    return (device, agreement) -> {
      try (Operands operands = new Operands(device, data.weights)) {
        On on = new On(operands, data);
        float[] first = run.apply(on);
        expected.compare(what, device, first, agreement);
        agreement.sameBits(what + " again", first, run.apply(on));
      }
    };
  }

  private Check forward(ConvolutionData data, Expected expected) {
    return twice(
        data,
        "y",
        expected,
        on -> {
          Tensor y = on.blank(problem.types().y(), sizes.outFeatures());
          on.convolution.convolve(on.x, y, Epilogue.NONE);
          return Numbers.read(y);
        });
  }

  private Check fusedForward(ConvolutionData data, Expected z, ConvolutionBounds bounds) {
    DType type = problem.types().y();
    Expected y = bounds.activated(z, activation, type);
    return (device, agreement) -> {
      try (Operands operands = new Operands(device, data.weights)) {
        On on = new On(operands, data);
        Tensor actualY = on.blank(type, sizes.outFeatures());
        Tensor actualZ = on.blank(DType.F32, sizes.outFeatures());
        Epilogue epilogue =
            Epilogue.NONE
                .withScale(SCALE)
                .withOutputScales(operands.vector(data.weights.outputScales))
                .withBias(operands.vector(data.weights.bias))
                .withActivation(activation, actualZ)
                .withResidual(operands.activations(DType.BF16, data.residual, sizes.outFeatures()));
        on.convolution.convolve(on.x, actualY, epilogue);
        z.compare("z", device, Numbers.read(actualZ), agreement);
        y.compare("y", device, Numbers.read(actualY), agreement);
      }
    };
  }

  private Check inputGradient(ConvolutionData data, Expected expected) {
    return twice(
        data,
        "dX",
        expected,
        on -> {
          Tensor z =
              activation == Activation.IDENTITY
                  ? null
                  : on.operands.activations(DType.F32, data.zBefore, sizes.inFeatures());
          Tensor dx = on.blank(problem.types().x(), sizes.inFeatures());
          on.convolution.inputGradient(on.forward(), on.dSum(data), dx, activation, z);
          return Numbers.read(dx);
        });
  }

  private Check weightGradient(ConvolutionData data, Expected dense) {
    int columns = sizes.weightColumns();
    Expected expected = new Expected(dense.values().length, false);
    Arrays.fill(expected.values(), UNTOUCHED);
    data.weights.forEachKept(
        (o, i, slot) -> {
          int at = o * columns + i;
          expected.set(at, dense.values()[at], dense.sumError()[at], 0);
        });
    return twice(
        data,
        "dW",
        expected,
        on -> {
          KofNMatrix matrix = on.operands.matrix;
          float[] untouched = new float[Math.toIntExact(matrix.values().size())];
          Arrays.fill(untouched, UNTOUCHED);
          Tensor dw = on.operands.matrix(untouched, matrix.values().shape());
          on.convolution.weightGradient(on.forward(), on.dSum(data), dw);
          return inMatrix(data.weights, dw.toFloats());
        });
  }

  /** A gradient shaped like the values, as [out, in]: what lies beyond the edge is left out. */
  private float[] inMatrix(ProductData data, float[] gradient) {
    if (!problem.packed()) {
      return gradient;
    }
    float[] dense = new float[data.weights.length];
    Arrays.fill(dense, UNTOUCHED);
    data.forEachKept(
        (o, i, slot) -> dense[o * data.layout.in() + i] = gradient[data.packedIndex(o, i, slot)]);
    return dense;
  }

  private Check maskGradient(ConvolutionData data, Expected expected) {
    float[] blank = new float[expected.values().length];
    Arrays.fill(blank, Float.NaN);
    return twice(
        data,
        "dMask",
        expected,
        on -> {
          Tensor dMask =
              on.operands.matrix(
                  blank, problem.layout().blockRows(), problem.layout().blockColumns());
          on.convolution.maskGradient(on.forward(), on.dSum(data), dMask);
          return dMask.toFloats();
        });
  }

  private Check epilogueGradient(ConvolutionData data, Expected expected, Expected expectedBias) {
    return (device, agreement) -> {
      try (Operands operands = new Operands(device, data.weights)) {
        On on = new On(operands, data);
        Tensor dy = operands.activations(DType.F32, data.dSum, sizes.outFeatures());
        Tensor z = operands.activations(DType.F32, data.z, sizes.outFeatures());
        Tensor dBias = operands.vector(new float[sizes.outChannels()]);
        Epilogue epilogue = Epilogue.NONE.withScale(SCALE).withActivation(activation, z);
        on.convolution.epilogueGradient(epilogue, dy, dy, dBias);
        expected.compare("dSum over dY", device, dy.toFloats(), agreement);
        expectedBias.compare("dBias", device, dBias.toFloats(), agreement);
      }
    };
  }
}
