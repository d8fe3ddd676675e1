// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.bench.training;

import io.github.kofn.sparse.KofNLayout;
import java.util.Random;
import java.util.function.DoubleSupplier;

/**
 * LeNet-300-100 on a batch of ten random patterns under noise, the same for everyone: hidden layers
 * that keep a tenth of their inputs, or all of them, and a dense head.
 */
final class Task {
  static final int BATCH = 128;
  static final int CLASSES = 10;
  static final float RATE = 0.05f;
  static final int LAYERS = 3;
  private static final int[] SIZES = {784, 300, 100, CLASSES};
  private static final double KEEP = 0.1;
  private static final int STEPS = 20;

  /** How many times as many steps may follow. */
  private static final int PATIENCE = 10;

  final float[] images = new float[BATCH * SIZES[0]];
  final int[] labels = new int[BATCH];
  final float[][] weights = new float[LAYERS][];
  final float[][] logits = new float[LAYERS][];

  private Task(Random random) {
    float[] classes = new float[CLASSES * SIZES[0]];
    for (int i = 0; i < classes.length; i++) {
      classes[i] = random.nextFloat();
    }
    for (int b = 0; b < BATCH; b++) {
      labels[b] = random.nextInt(CLASSES);
      for (int i = 0; i < SIZES[0]; i++) {
        images[b * SIZES[0] + i] = (classes[labels[b] * SIZES[0] + i] + random.nextFloat()) / 2;
      }
    }
    for (int layer = 0; layer < LAYERS; layer++) {
      int size = in(layer) * out(layer);
      weights[layer] = new float[size];
      logits[layer] = new float[size];
      for (int i = 0; i < size; i++) {
        weights[layer][i] = (float) (random.nextGaussian() * Math.sqrt(2.0 / in(layer)));
        logits[layer][i] = (float) (random.nextGaussian() * 0.5);
      }
    }
  }

  static Task create() {
    return new Task(new Random(300_100));
  }

  static int in(int layer) {
    return SIZES[layer];
  }

  static int out(int layer) {
    return SIZES[layer + 1];
  }

  /** The head keeps everything. */
  static boolean isMasked(int layer) {
    return layer < LAYERS - 1;
  }

  static KofNLayout layout(int layer, boolean masked) {
    return masked
        ? KofNLayout.weights(out(layer), in(layer), (int) Math.round(KEEP * in(layer)))
        : KofNLayout.dense(out(layer), in(layer));
  }

  /** The mean loss of scores [BATCH, CLASSES], which become its gradient. */
  double loss(float[] scores) {
    double loss = 0;
    for (int b = 0; b < BATCH; b++) {
      int at = b * CLASSES;
      double sum = 0;
      for (int c = 0; c < CLASSES; c++) {
        sum += Math.exp(scores[at + c]);
      }
      loss += Math.log(sum) - scores[at + labels[b]];
      for (int c = 0; c < CLASSES; c++) {
        double p = Math.exp(scores[at + c]) / sum;
        scores[at + c] = (float) ((p - (c == labels[b] ? 1 : 0)) / BATCH);
      }
    }
    return loss / BATCH;
  }

  /** The mean loss of a few steps: drawn masks make that of a single one uncertain. */
  static double meanLoss(DoubleSupplier step) {
    double sum = 0;
    for (int i = 0; i < STEPS; i++) {
      sum += step.getAsDouble();
    }
    return sum / STEPS;
  }

  /**
   * Fails unless training makes the loss of the batch smaller: in the steps that were measured or,
   * where they were few and the masks drawn, in some more.
   */
  static void checkLearned(double before, DoubleSupplier step) {
    double after = meanLoss(step);
    for (int i = 0; i < PATIENCE && !(after < before); i++) {
      after = meanLoss(step);
    }
    if (!(after < before)) {
      throw new IllegalStateException("the loss went from " + before + " to " + after);
    }
  }
}
