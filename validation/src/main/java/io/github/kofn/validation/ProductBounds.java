// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.validation;

import io.github.kofn.DType;
import io.github.kofn.sparse.Activation;
import io.github.kofn.sparse.KofNLayout;

/**
 * What products must give, with sums in double, and how far a path may be from it.
 *
 * <p>With u = 2^-24, the sum of T products of exactly represented factors, accumulated in F32 in
 * any order, with fused multiply-adds or without, lies within {@code (T + 1) u sum |x| |w|} of the
 * exact sum, to first order in u (N. J. Higham, "Accuracy and stability of numerical algorithms",
 * section 3.1): each term meets at most T - 1 additions and its own product's rounding, and one
 * more covers the order u^2. T is
 *
 * <ul>
 *   <li>Y: the inputs that the output keeps,
 *   <li>dX: the outputs that keep the input,
 *   <li>dW: the batch,
 *   <li>dMask: for a block of a outputs and b inputs and a batch of M, max(M + a b, b + M a) + 1,
 *       the longer of the two ways to nest its sums; its terms have three factors.
 * </ul>
 *
 * Where TF32 is allowed, each factor is first rounded to 11 significant bits, which costs (2^-10 +
 * 2^-22) sum |x| |w| more. Sums of integers are exact until they become F32. An epilogue adds a
 * rounding for each of its operations; an activation passes errors on by its steepest slope and
 * adds 8 units relative to |z| (GELU's and SILU's own error where z is negative and the function
 * cancels), its derivative 8 units relative to 1 + |z|. Storing rounds to the result's type.
 */
final class ProductBounds {
  private static final double UNIT = 0x1p-24;
  private static final double TF32 = 0x1p-11;
  private static final double FUNCTION = 8 * UNIT;

  private final ProductData data;
  private final KofNLayout layout;
  private final int batch;
  private final boolean integer;
  private final Problem.Types types;

  ProductBounds(ProductData data) {
    this.data = data;
    this.layout = data.layout;
    this.batch = data.problem.batch();
    this.integer = data.problem.types().isInteger();
    this.types = data.problem.types();
  }

  /** The plain sums, in a type. */
  Expected multiply(DType y) {
    return stored(sums(), y);
  }

  /** The sums X W^T. */
  private Expected sums() {
    Expected expected =
        new Expected(batch * layout.out(), types.onTensorCores(types.x(), types.w()));
    for (int o = 0; o < layout.out(); o++) {
      int[] inputs = data.inputsOf(o);
      for (int b = 0; b < batch; b++) {
        double sum = 0;
        double magnitude = 0;
        for (int i : inputs) {
          double term = (double) data.x[b * layout.in() + i] * data.weights[o * layout.in() + i];
          sum += term;
          magnitude += Math.abs(term);
        }
        expected.set(
            b * layout.out() + o,
            sum,
            integer ? 0 : (inputs.length + 1) * UNIT * magnitude,
            integer ? UNIT * Math.abs(sum) : rounding(magnitude));
      }
    }
    return expected;
  }

  /** What rounding both factors to TF32, of 10 mantissa bits, costs; F32 has 23. */
  private double rounding(double magnitude) {
    return types.tf32() ? (2 * TF32 + TF32 * TF32) * magnitude : 0;
  }

  /** What an epilogue with scale, output scales and bias makes of the sums: z. */
  Expected preActivation(float scale) {
    Expected sums = sums();
    Expected expected =
        new Expected(sums.values().length, types.onTensorCores(types.x(), types.w()));
    for (int at = 0; at < sums.values().length; at++) {
      int o = at % layout.out();
      double factor = (double) scale * data.outputScales[o];
      double scaled = factor * sums.values()[at];
      double z = scaled + data.bias[o];
      expected.set(
          at,
          z,
          Math.abs(factor) * sums.sumError()[at],
          Math.abs(factor) * sums.otherError()[at]
              + UNIT * (4 * Math.abs(scaled) + 2 * Math.abs(data.bias[o])));
    }
    return expected;
  }

  /** What an activation and the residual make of z, stored in a type. */
  Expected activated(Expected z, Activation activation, DType y) {
    return activated(z, activation, data.residual, y);
  }

  /** The same with any residual, of a convolution's outputs for one. */
  static Expected activated(Expected z, Activation activation, float[] residual, DType y) {
    Expected expected = new Expected(z.values().length, z.onTensorCores());
    double slope = Activations.steepest(activation);
    for (int at = 0; at < z.values().length; at++) {
      double value = Activations.value(activation, z.values()[at]);
      double result = value + residual[at];
      expected.set(
          at,
          result,
          slope * z.sumError()[at],
          slope * z.otherError()[at]
              + functionError(activation, Math.abs(z.values()[at]))
              + UNIT * (Math.abs(value) + Math.abs(result)));
    }
    return stored(expected, y);
  }

  /** The error of an activation, or of its derivative, relative to a scale. */
  static double functionError(Activation activation, double scale) {
    return activation == Activation.GELU || activation == Activation.SILU ? FUNCTION * scale : 0;
  }

  /** With the rounding of storing in a type. */
  static Expected stored(Expected exact, DType type) {
    if (type == DType.F32) {
      return exact;
    }
    for (int at = 0; at < exact.values().length; at++) {
      double reach =
          Math.abs(exact.values()[at]) + 2 * exact.sumError()[at] + exact.otherError()[at];
      exact.otherError()[at] += Numbers.unit(type) * reach + Numbers.tiniest(type);
    }
    return exact;
  }

  /** dX = dSum W, times the derivative of the activation before. */
  Expected inputGradient(Activation activation) {
    boolean tensorCores = types.onTensorCores(types.y(), types.w());
    Expected expected = new Expected(batch * layout.in(), tensorCores);
    double[] magnitudes = new double[batch * layout.in()];
    int[] terms = new int[layout.in()];
    data.forEachKept(
        (o, i, slot) -> {
          terms[i]++;
          for (int b = 0; b < batch; b++) {
            double term =
                (double) data.dSum[b * layout.out() + o] * data.weights[o * layout.in() + i];
            expected.values()[b * layout.in() + i] += term;
            magnitudes[b * layout.in() + i] += Math.abs(term);
          }
        });
    for (int at = 0; at < magnitudes.length; at++) {
      double sum = expected.values()[at];
      double z = data.zBefore[at];
      double slope = Activations.derivative(activation, z);
      double sumError = (terms[at % layout.in()] + 1) * UNIT * magnitudes[at];
      double product = activation == Activation.IDENTITY ? 0 : 2 * UNIT * Math.abs(sum * slope);
      expected.set(
          at,
          sum * slope,
          Math.abs(slope) * sumError,
          functionError(activation, 1 + Math.abs(z)) * Math.abs(sum)
              + product
              + Math.abs(slope) * rounding(magnitudes[at]));
    }
    return stored(expected, types.y());
  }

  /** dW = dSum^T X, on all of [out, in]; callers look at the kept ones. */
  Expected weightGradient() {
    boolean tensorCores = types.onTensorCores(types.y(), types.x());
    Expected expected = new Expected(layout.out() * layout.in(), tensorCores);
    data.forEachKept(
        (o, i, slot) -> {
          double sum = 0;
          double magnitude = 0;
          for (int b = 0; b < batch; b++) {
            double term = (double) data.dSum[b * layout.out() + o] * data.x[b * layout.in() + i];
            sum += term;
            magnitude += Math.abs(term);
          }
          expected.set(
              o * layout.in() + i, sum, (batch + 1) * UNIT * magnitude, rounding(magnitude));
        });
    return expected;
  }

  /** dMask = the sum over a block of W * (dSum^T X). */
  Expected maskGradient() {
    int n = layout.blockColumns();
    double[] magnitudes = new double[layout.blockRows() * n];
    Expected expected = new Expected(magnitudes.length, types.onTensorCores(types.y(), types.x()));
    for (int o = 0; o < layout.out(); o++) {
      for (int i = 0; i < layout.in(); i++) {
        double sum = 0;
        double magnitude = 0;
        for (int b = 0; b < batch; b++) {
          double term = (double) data.dSum[b * layout.out() + o] * data.x[b * layout.in() + i];
          sum += term;
          magnitude += Math.abs(term);
        }
        double weight = data.weights[o * layout.in() + i];
        int at = o / layout.blockOut() * n + i / layout.blockIn();
        expected.values()[at] += weight * sum;
        magnitudes[at] += Math.abs(weight) * magnitude;
      }
    }
    int a = Math.min(layout.blockOut(), layout.out());
    int b = Math.min(layout.blockIn(), layout.in());
    double chain = Math.max(batch + (double) a * b, b + (double) batch * a) + 2;
    for (int at = 0; at < magnitudes.length; at++) {
      expected.sumError()[at] = chain * UNIT * magnitudes[at];
      expected.otherError()[at] = rounding(magnitudes[at]);
    }
    return expected;
  }

  /** The way back through an epilogue: scale * dY * activation'(z). */
  Expected epilogueGradient(Activation activation, float scale) {
    Expected expected = new Expected(data.dSum.length, false);
    for (int at = 0; at < data.dSum.length; at++) {
      double dy = (double) scale * data.dSum[at];
      double value = dy * Activations.derivative(activation, data.z[at]);
      double function = functionError(activation, 1 + Math.abs(data.z[at])) * Math.abs(dy);
      expected.set(at, value, 0, function + 3 * UNIT * Math.abs(value));
    }
    return stored(expected, types.y());
  }

  /** The bias's gradient: the sum over the batch of dY * activation'(z). */
  Expected biasGradient(Activation activation) {
    Expected expected = new Expected(layout.out(), false);
    for (int o = 0; o < layout.out(); o++) {
      double sum = 0;
      double magnitude = 0;
      double function = 0;
      for (int b = 0; b < batch; b++) {
        int at = b * layout.out() + o;
        double term = data.dSum[at] * Activations.derivative(activation, data.z[at]);
        sum += term;
        magnitude += Math.abs(term);
        function += functionError(activation, 1 + Math.abs(data.z[at])) * Math.abs(data.dSum[at]);
      }
      expected.set(o, sum, (batch + 2) * UNIT * magnitude, function);
    }
    return expected;
  }
}
