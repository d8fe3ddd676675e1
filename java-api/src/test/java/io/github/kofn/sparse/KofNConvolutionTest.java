// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.sparse;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.kofn.Backend;
import io.github.kofn.DType;
import io.github.kofn.Device;
import io.github.kofn.Tensor;
import io.github.kofn.sampling.DrawKey;
import io.github.kofn.sampling.GumbelTopK;
import io.github.kofn.sampling.Selection;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Gradients against finite differences, and errors; values are the validation's matter. */
class KofNConvolutionTest {
  private static final Convolution SHAPE = new Convolution(3, 5, 4, 2, 3, 2, 2, 1);
  private static final int BATCH = 2;

  private final Device device = Device.open(Backend.REFERENCE);
  private final Random random = new Random(7);
  private final float[] weights = noise(2 * 18);
  private final float[] x = noise(BATCH * SHAPE.inFeatures());
  private final float[] dSum = noise(BATCH * SHAPE.outFeatures());

  private float[] noise(int size) {
    float[] values = new float[size];
    for (int i = 0; i < size; i++) {
      // Quarters: sums of products are exact in double.
      values[i] = Math.round(4 * random.nextGaussian()) / 4f;
    }
    return values;
  }

  @AfterEach
  void close() {
    device.close();
  }

  /** Something computed by a convolution that keeps 2 of 3 kernels. */
  private interface Use {
    float[] of(KofNConvolution convolution, Tensor x);
  }

  private float[] with(float[] w, float[] image, Use use) {
    KofNLayout layout = SHAPE.kernels(2);
    try (Tensor dense = device.tensorOf(w, 2, 18);
        Tensor input = device.tensorOf(image, BATCH, SHAPE.inFeatures());
        Tensor logits = device.tensorOf(new float[] {1, 0, 1, 0, 1, 1}, 2, 3);
        KofNMatrix matrix = KofNMatrix.inPlace(layout, dense);
        Selection kept = GumbelTopK.of(2).withNoiseScale(0).draw(logits, DrawKey.of(0, 0))) {
      matrix.select(kept);
      return use.of(KofNConvolution.of(SHAPE, matrix), input);
    }
  }

  /** The sum of y * dSum, of which dSum is the gradient with respect to y. */
  private double loss(float[] w, float[] image) {
    float[] y =
        with(
            w,
            image,
            (convolution, input) -> {
              try (Tensor result = device.zeros(DType.F32, BATCH, SHAPE.outFeatures())) {
                convolution.convolve(input, result, Epilogue.NONE);
                return result.toFloats();
              }
            });
    double sum = 0;
    for (int i = 0; i < y.length; i++) {
      sum += (double) y[i] * dSum[i];
    }
    return sum;
  }

  /** Everything is linear and exact in quarters, so a difference of 1 is the gradient itself. */
  @Test
  void gradientsAreDifferencesOfTheLoss() {
    float[] dx = gradient(SHAPE.inFeatures() * BATCH, true);
    for (int i = 0; i < x.length; i++) {
      float[] moved = x.clone();
      moved[i] += 1;
      assertEquals(loss(weights, moved) - loss(weights, x), dx[i], "dx " + i);
    }
    float[] dw = gradient(36, false);
    boolean someKept = false;
    for (int i = 0; i < weights.length; i++) {
      float[] moved = weights.clone();
      moved[i] += 1;
      double difference = loss(moved, x) - loss(weights, x);
      boolean kept = i < 18 ? i / 6 != 1 : (i - 18) / 6 != 0;
      assertEquals(kept ? difference : 99, dw[i], "dw " + i);
      someKept |= difference != 0;
    }
    assertTrue(someKept);
  }

  private float[] gradient(int size, boolean input) {
    return with(
        weights,
        x,
        (convolution, image) -> {
          float[] untouched = new float[size];
          Arrays.fill(untouched, 99);
          try (Tensor y = device.zeros(DType.F32, BATCH, SHAPE.outFeatures());
              Tensor dy = device.tensorOf(dSum, BATCH, SHAPE.outFeatures());
              Tensor result =
                  input
                      ? device.tensorOf(untouched, BATCH, SHAPE.inFeatures())
                      : device.tensorOf(untouched, 2, 18)) {
            Forward forward = convolution.convolve(image, y, Epilogue.NONE);
            if (input) {
              convolution.inputGradient(forward, dy, result);
            } else {
              convolution.weightGradient(forward, dy, result);
            }
            return result.toFloats();
          }
        });
  }

  /** All candidates: what the loss would change by if a kernel were added, or taken away. */
  @Test
  void theMasksGradientCountsWholeKernels() {
    float[] dMask =
        with(
            weights,
            x,
            (convolution, image) -> {
              try (Tensor y = device.zeros(DType.F32, BATCH, SHAPE.outFeatures());
                  Tensor dy = device.tensorOf(dSum, BATCH, SHAPE.outFeatures());
                  Tensor result = device.zeros(DType.F32, 2, 3)) {
                Forward forward = convolution.convolve(image, y, Epilogue.NONE);
                convolution.maskGradient(forward, dy, result);
                return result.toFloats();
              }
            });
    for (int o = 0; o < 2; o++) {
      for (int c = o; c < 3; c += 2 - o) { // the kept ones: 0 and 2 of the first, 1 and 2
        float[] without = weights.clone();
        Arrays.fill(without, o * 18 + c * 6, o * 18 + c * 6 + 6, 0);
        double difference = loss(weights, x) - loss(without, x);
        assertEquals(difference, dMask[o * 3 + c], o + ", " + c);
      }
    }
    assertTrue(dMask[1] != 0 && dMask[3] != 0, "pruned kernels have a gradient too");
  }

  @ParameterizedTest
  @CsvSource({
    "0, 5, 4, 2, 3, 2, 2, 1, inChannels is 0",
    "3, 5, 4, 2, 8, 2, 2, 1, kernelHeight is 8; allowed: 1 to 7",
    "3, 5, 4, 2, 3, 7, 2, 1, kernelWidth is 7; allowed: 1 to 6",
    "3, 5, 4, 2, 3, 2, 0, 1, stride is 0",
    "3, 5, 4, 2, 3, 2, 2, -1, padding is -1",
    "70000, 200, 200, 1, 3, 3, 1, 1, inChannels * height * width is 70000 * 200 * 200"
  })
  void refusesSizes(int c, int h, int w, int o, int kh, int kw, int s, int p, String message) {
    IllegalArgumentException e =
        assertThrows(
            IllegalArgumentException.class, () -> new Convolution(c, h, w, o, kh, kw, s, p));
    assertTrue(e.getMessage().contains(message), e.getMessage());
  }

  @Test
  void refusesWhatDoesNotFit() {
    try (Tensor dense = device.tensorOf(weights, 2, 18);
        Tensor image = device.zeros(DType.F32, BATCH, 61);
        Tensor fits = device.zeros(DType.F32, BATCH, 60);
        Tensor y = device.zeros(DType.F32, BATCH, SHAPE.outFeatures());
        Tensor dx = device.zeros(DType.F32, BATCH, 60);
        Tensor bytes = device.zeros(DType.I8, 2, 18);
        KofNMatrix matrix = KofNMatrix.inPlace(SHAPE.kernels(2), dense);
        KofNMatrix integers = KofNMatrix.inPlace(SHAPE.kernels(2), bytes)) {
      Convolution wider = new Convolution(3, 5, 4, 2, 3, 3, 2, 1);
      fail("weights are [2, 18]; allowed: [2, 27]", () -> KofNConvolution.of(wider, matrix));
      fail("weights is", () -> KofNConvolution.of(SHAPE, integers));
      KofNConvolution convolution = KofNConvolution.of(SHAPE, matrix);
      fail("x is", () -> convolution.convolve(image, y, Epilogue.NONE));
      fail("y is", () -> convolution.convolve(fits, dx, Epilogue.NONE));
      Forward forward = convolution.convolve(fits, y, Epilogue.NONE);
      fail("dSum is", () -> convolution.inputGradient(forward, fits, dx));
      fail("forward's x is", () -> matrix.inputGradient(forward, y, dx));
      Epilogue wrong = Epilogue.NONE.withBias(y);
      fail("bias is", () -> convolution.convolve(fits, y, wrong));
    }
  }

  private static void fail(String message, Runnable wrong) {
    IllegalArgumentException e = assertThrows(IllegalArgumentException.class, wrong::run);
    assertTrue(e.getMessage().contains(message), e.getMessage());
  }

  @Test
  void poolsTheFirstOfTheLargest() {
    MaxPooling pooling = new MaxPooling(1, 3, 5, 2);
    float[] image = {1, 1, -2, Float.NaN, 9, 0, 1, -3, Float.NaN, 9, 7, 7, 7, 7, 7};
    try (Tensor in = device.tensorOf(image, 1, 15);
        Tensor y = device.zeros(DType.F32, 1, 2);
        Tensor dy = device.tensorOf(new float[] {5, 6}, 1, 2);
        Tensor dx = device.tensorOf(image, 1, 15)) {
      pooling.pool(in, y);
      assertArrayEquals(new float[] {1, Float.NaN}, y.toFloats());
      pooling.gradient(in, dy, dx);
      assertArrayEquals(new float[] {5, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, dx.toFloats());
    }
    fail("height is 1; allowed: at least 2", () -> new MaxPooling(1, 1, 5, 2));
  }
}
