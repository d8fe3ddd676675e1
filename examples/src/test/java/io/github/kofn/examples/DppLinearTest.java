// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.kofn.Backend;
import io.github.kofn.DType;
import io.github.kofn.Device;
import io.github.kofn.Tensor;
import io.github.kofn.pruning.PruningMask;
import io.github.kofn.pruning.PruningOptions;
import io.github.kofn.pruning.Schedule;
import io.github.kofn.sampling.DrawKey;
import io.github.kofn.sampling.Gumbel;
import io.github.kofn.sampling.GumbelTopK;
import io.github.kofn.sampling.Order;
import io.github.kofn.sampling.Philox;
import io.github.kofn.sampling.Selection;
import io.github.kofn.sparse.Activation;
import io.github.kofn.sparse.KofNLayout;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * The gradients of a small layer against difference quotients. The straight-through estimator's
 * gradient for the logits is that of a loss which is linear in the relaxed mask, with the slope
 * that the loss has at the hard mask; that relaxed loss is computed here by the definition, in
 * double.
 */
class DppLinearTest {
  private static final int OUT = 3;
  private static final int IN = 7;
  private static final int K = 2;
  private static final int BATCH = 4;
  private static final double TAU = 0.8;
  private static final PruningOptions OPTIONS =
      PruningOptions.of(11, 2, 1)
          .withTemperature(Schedule.constant((float) TAU))
          .withEntropyWeight(0.125f);

  private final Device device = Device.open(Backend.REFERENCE);
  private final SplittableRandom random = new SplittableRandom(3);
  private final float[] x = noise(BATCH * IN);
  private final float[] slope = noise(BATCH * OUT); // the loss is the sum of slope * y
  private DppLayer layer;
  private float[] weights;
  private float[] logits;
  private float[] bias;
  private int[] order; // [OUT, K] in drawing order

  @BeforeEach
  void backward() {
    KofNLayout layout = KofNLayout.weights(OUT, IN, K);
    layer = new DppLinear(device, layout, Activation.SILU, random).withTrainedMask(OPTIONS);
    weights = value(0);
    bias = value(1);
    logits = PruningMask.initialLogits(layout, OPTIONS);
    layer.startEpoch(0, 5);
    layer.drawMask();
    try (Tensor input = device.tensorOf(x, BATCH, IN);
        Tensor y = device.zeros(DType.F32, BATCH, OUT);
        Tensor z = device.zeros(DType.F32, BATCH, OUT);
        Tensor dy = device.tensorOf(slope, BATCH, OUT);
        Tensor dx = device.zeros(DType.F32, BATCH, IN);
        Tensor phi = device.tensorOf(logits, OUT, IN);
        Selection drawn =
            GumbelTopK.of(K).withOrder(Order.KEY).draw(phi, DrawKey.of(11, 2).atStep(5))) {
      layer.forward(input, y, z);
      layer.backward(dy, dx);
      order = drawn.indices().toInts();
      checkInputs(dx.toFloats());
    }
  }

  @AfterEach
  void close() {
    layer.close();
    device.close();
  }

  private float[] noise(int size) {
    float[] values = new float[size];
    for (int i = 0; i < size; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }

  private float[] value(int parameter) {
    return layer.parameters().get(parameter).tensor().toFloats();
  }

  private float[] gradient(int parameter) {
    return layer.parameters().get(parameter).gradient().toFloats();
  }

  private double[] hardMask() {
    double[] mask = new double[OUT * IN];
    for (int i = 0; i < order.length; i++) {
      mask[i / K * IN + order[i]] = 1;
    }
    return mask;
  }

  /** The loss by its definition. */
  private double loss(float[] input, float[] w, float[] b, double[] mask) {
    double sum = 0;
    for (int e = 0; e < BATCH; e++) {
      for (int o = 0; o < OUT; o++) {
        double z = b[o];
        for (int i = 0; i < IN; i++) {
          z += mask[o * IN + i] * w[o * IN + i] * input[e * IN + i];
        }
        sum += slope[e * OUT + o] * z / (1 + Math.exp(-z));
      }
    }
    return sum;
  }

  /** The relaxation by its definition: k softmaxes, each without the winners before it. */
  private double[] relaxed(float[] phi) {
    double[] soft = new double[OUT * IN];
    for (int o = 0; o < OUT; o++) {
      boolean[] removed = new boolean[IN];
      for (int j = 0; j < K; j++) {
        double[] e = new double[IN];
        for (int i = 0; i < IN; i++) {
          double key = phi[o * IN + i] + Gumbel.of(Philox.word(11, 2, 5, o, i));
          e[i] = removed[i] ? 0 : Math.exp(key / TAU);
        }
        double sum = Arrays.stream(e).sum();
        for (int i = 0; i < IN; i++) {
          soft[o * IN + i] += e[i] / sum;
        }
        removed[order[o * K + j]] = true;
      }
    }
    return soft;
  }

  private static double entropy(float[] phi) {
    double total = 0;
    for (int o = 0; o < OUT; o++) {
      double sum = 0;
      double weighted = 0;
      for (int i = o * IN; i < (o + 1) * IN; i++) {
        sum += Math.exp(phi[i]);
        weighted += Math.exp(phi[i]) * phi[i];
      }
      total += Math.log(sum) - weighted / sum;
    }
    return total;
  }

  private interface Loss {
    double of(float[] values);
  }

  /** Central differences: exact to h^2 times a third derivative of order one. */
  private static void check(float[] values, float[] gradient, Loss loss) {
    float h = 0x1p-7f;
    for (int i = 0; i < values.length; i++) {
      float[] up = values.clone();
      up[i] += h;
      float[] down = values.clone();
      down[i] -= h;
      double quotient = (loss.of(up) - loss.of(down)) / ((double) up[i] - down[i]);
      assertEquals(quotient, gradient[i], 20 * h * h, "entry " + i);
    }
  }

  private void checkInputs(float[] dx) {
    check(x, dx, values -> loss(values, weights, bias, hardMask()));
  }

  @Test
  void weightsAndBias() {
    check(weights, gradient(0), values -> loss(x, values, bias, hardMask()));
    check(bias, gradient(1), values -> loss(x, weights, values, hardMask()));
  }

  @Test
  void logits() {
    double[] hard = hardMask();
    double[] slopes = new double[OUT * IN];
    for (int i = 0; i < slopes.length; i++) {
      double[] up = hard.clone();
      up[i] += 1e-5;
      double[] down = hard.clone();
      down[i] -= 1e-5;
      slopes[i] = (loss(x, weights, bias, up) - loss(x, weights, bias, down)) / 2e-5;
    }
    check(
        logits,
        gradient(2),
        values -> {
          double[] soft = relaxed(values);
          double sum = 0.125 * entropy(values);
          for (int i = 0; i < soft.length; i++) {
            sum += slopes[i] * soft[i];
          }
          return sum;
        });
    for (int i = 0; i < slopes.length; i++) {
      assertTrue(gradient(2)[i] != 0, "pruned entries have a gradient too");
    }
  }

  @Test
  void prunedWeightsWaitUnchanged() {
    Adam adam = new Adam();
    adam.next();
    layer.update(adam, 0.1f, 0.1f);
    float[] after = value(0);
    double[] hard = hardMask();
    for (int i = 0; i < after.length; i++) {
      assertEquals(hard[i] == 0, after[i] == weights[i], "weight " + i);
    }
  }
}
