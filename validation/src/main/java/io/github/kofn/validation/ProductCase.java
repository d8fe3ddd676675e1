// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.validation;

import io.github.kofn.DType;
import io.github.kofn.Tensor;
import io.github.kofn.sparse.Activation;
import io.github.kofn.sparse.Epilogue;
import io.github.kofn.sparse.Forward;
import io.github.kofn.sparse.KofNMatrix;
import java.util.Arrays;
import java.util.Locale;

/**
 * One product of a problem, twice: within the bounds of {@link ProductBounds}, and the same bits
 * both times.
 *
 * @param product which
 * @param problem sizes, types and storage
 * @param activation of the epilogue, where the product has one
 * @param seed what the operands are made from
 */
record ProductCase(Product product, Problem problem, Activation activation, long seed)
    implements Case {
  private static final float SCALE = 0.75f;

  /** What dW holds before: it must remain where nothing is kept. */
  private static final float UNTOUCHED = 42;

  /** A product, or what belongs to products. */
  enum Product {
    MULTIPLY,
    /** Multiply with every part of the epilogue. */
    FUSED_MULTIPLY,
    INPUT_GRADIENT,
    WEIGHT_GRADIENT,
    MASK_GRADIENT,
    /** The way back through the epilogue. */
    EPILOGUE_GRADIENT,
    /** Packing, dense form, and indices. */
    STORAGE;

    String label() {
      return name().toLowerCase(Locale.ROOT).replace('_', ' ');
    }
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
    String function = activation == Activation.IDENTITY ? "" : " " + activation;
    return product.label() + function + " " + problem;
  }

  @Override
  public long work() {
    long inputs =
        product == Product.MASK_GRADIENT
            ? problem.layout().in()
            : (long) problem.layout().k() * problem.layout().blockIn();
    return problem.batch() * inputs * problem.layout().out();
  }

  @Override
  public Check prepare() {
    return check(new ProductData(problem, seed));
  }

  /** The check against given operands, which are read when it runs. */
  Check check(ProductData data) {
    return switch (product) {
      case MULTIPLY -> multiply(data);
      case FUSED_MULTIPLY -> fusedMultiply(data);
      case INPUT_GRADIENT -> inputGradient(data);
      case WEIGHT_GRADIENT -> weightGradient(data);
      case MASK_GRADIENT -> maskGradient(data);
      case EPILOGUE_GRADIENT -> epilogueGradient(data);
      case STORAGE -> storage(data);
    };
  }

  private Check multiply(ProductData data) {
    DType type = problem.types().y();
    Expected expected = new ProductBounds(data).multiply(type);
    return (device, agreement) -> {
      try (Operands on = new Operands(device, data)) {
        float[] first = null;
        for (int time = 0; time < 2; time++) {
          Tensor y = on.activations(type, blank(data.dSum), data.layout.out());
          on.matrix.multiply(on.x, y, Epilogue.NONE);
          float[] actual = Numbers.read(y);
          if (first == null) {
            first = actual;
            expected.compare("y", device, actual, agreement);
          } else {
            agreement.sameBits("y again", first, actual);
          }
        }
      }
    };
  }

  private Check fusedMultiply(ProductData data) {
    ProductBounds bounds = new ProductBounds(data);
    DType type = problem.types().y();
    Expected z = bounds.preActivation(SCALE);
    Expected y = bounds.activated(z, activation, type);
    return (device, agreement) -> {
      try (Operands on = new Operands(device, data)) {
        int out = data.layout.out();
        Tensor actualY = on.activations(type, blank(data.dSum), out);
        Tensor actualZ = on.activations(DType.F32, blank(data.dSum), out);
        Epilogue epilogue =
            Epilogue.NONE
                .withScale(SCALE)
                .withOutputScales(on.vector(data.outputScales))
                .withBias(on.vector(data.bias))
                .withActivation(activation, actualZ)
                .withResidual(on.activations(DType.BF16, data.residual, out));
        on.matrix.multiply(on.x, actualY, epilogue);
        z.compare("z", device, Numbers.read(actualZ), agreement);
        y.compare("y", device, Numbers.read(actualY), agreement);
      }
    };
  }

  private Check inputGradient(ProductData data) {
    Expected expected = new ProductBounds(data).inputGradient(activation);
    return (device, agreement) -> {
      try (Operands on = new Operands(device, data)) {
        int in = data.layout.in();
        Forward forward = on.forward();
        Tensor dSum = on.activations(problem.types().y(), data.dSum, data.layout.out());
        Tensor z =
            activation == Activation.IDENTITY ? null : on.activations(DType.F32, data.zBefore, in);
        Tensor dx = on.activations(problem.types().y(), blank(data.x), in);
        on.matrix.inputGradient(forward, dSum, dx, activation, z);
        float[] first = Numbers.read(dx);
        expected.compare("dX", device, first, agreement);
        on.matrix.inputGradient(forward, dSum, dx, activation, z);
        agreement.sameBits("dX again", first, Numbers.read(dx));
      }
    };
  }

  private Check weightGradient(ProductData data) {
    Expected dense = new ProductBounds(data).weightGradient();
    Problem.Types types = problem.types();
    boolean tensorCores = types.onTensorCores(types.y(), types.x());
    Expected expected = new Expected(dense.values().length, tensorCores);
    Arrays.fill(expected.values(), UNTOUCHED);
    data.forEachKept(
        (o, i, slot) -> {
          int at = o * data.layout.in() + i;
          expected.set(at, dense.values()[at], dense.sumError()[at], dense.otherError()[at]);
        });
    return (device, agreement) -> {
      try (Operands on = new Operands(device, data)) {
        Tensor dSum = on.activations(problem.types().y(), data.dSum, data.layout.out());
        Tensor dw = on.matrix(untouched(on.matrix), on.matrix.values().shape());
        Forward forward = on.forward();
        on.matrix.weightGradient(forward, dSum, dw);
        float[] first = dw.toFloats();
        expected.compare("dW", device, inMatrix(data, first), agreement);
        on.matrix.weightGradient(forward, dSum, dw);
        agreement.sameBits("dW again", inMatrix(data, first), inMatrix(data, dw.toFloats()));
      }
    };
  }

  private static float[] untouched(KofNMatrix matrix) {
    float[] values = new float[Math.toIntExact(matrix.values().size())];
    Arrays.fill(values, UNTOUCHED);
    return values;
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

  private Check maskGradient(ProductData data) {
    Expected expected = new ProductBounds(data).maskGradient();
    return (device, agreement) -> {
      try (Operands on = new Operands(device, data)) {
        Tensor dSum = on.activations(problem.types().y(), data.dSum, data.layout.out());
        Tensor dMask =
            on.matrix(
                blank(expected.values()), data.layout.blockRows(), data.layout.blockColumns());
        Forward forward = on.forward();
        on.matrix.maskGradient(forward, dSum, dMask);
        float[] first = dMask.toFloats();
        expected.compare("dMask", device, first, agreement);
        on.matrix.maskGradient(forward, dSum, dMask);
        agreement.sameBits("dMask again", first, dMask.toFloats());
      }
    };
  }

  private Check epilogueGradient(ProductData data) {
    ProductBounds bounds = new ProductBounds(data);
    Expected expected = bounds.epilogueGradient(activation, SCALE);
    Expected expectedBias = bounds.biasGradient(activation);
    return (device, agreement) -> {
      try (Operands on = new Operands(device, data)) {
        int out = data.layout.out();
        Tensor dy = on.activations(problem.types().y(), data.dSum, out);
        Tensor z = on.activations(DType.F32, data.z, out);
        Tensor dBias = on.vector(new float[out]);
        Epilogue epilogue = Epilogue.NONE.withScale(SCALE).withActivation(activation, z);
        epilogue.gradient(dy, dy, dBias);
        expected.compare("dSum over dY", device, Numbers.read(dy), agreement);
        expectedBias.compare("dBias", device, dBias.toFloats(), agreement);
      }
    };
  }

  private Check storage(ProductData data) {
    float[] expected = data.denseValues();
    return (device, agreement) -> {
      try (Operands on = new Operands(device, data)) {
        compareStorage(data, expected, "", on.matrix, agreement);
        if (!problem.packed()) {
          try (KofNMatrix packed = on.matrix.pack()) {
            compareStorage(data, expected, "packed ", packed, agreement);
          }
        }
      }
    };
  }

  private void compareStorage(
      ProductData data, float[] expected, String what, KofNMatrix matrix, Agreement agreement) {
    agreement.exactly(what + "indices", data.indices, Numbers.readInts(matrix.indices()));
    try (Tensor dense = matrix.toDense()) {
      agreement.sameBits(what + "dense form", expected, Numbers.read(dense));
    }
    if (matrix.isPacked()) {
      float[] values = Numbers.read(matrix.values());
      float[] kept = new float[data.weights.length];
      data.forEachKept(
          (o, i, slot) -> kept[o * data.layout.in() + i] = values[data.packedIndex(o, i, slot)]);
      agreement.sameBits(what + "values", expected, kept);
    }
  }

  /** As many NaNs: whatever an operation leaves out shows. */
  private static float[] blank(float[] like) {
    float[] values = new float[like.length];
    Arrays.fill(values, Float.NaN);
    return values;
  }

  private static float[] blank(double[] like) {
    float[] values = new float[like.length];
    Arrays.fill(values, Float.NaN);
    return values;
  }
}
