// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.examples;

/** The loss of a classifier: minus the logarithm of the right class's softmax. */
final class SoftmaxCrossEntropy {
  private SoftmaxCrossEntropy() {}

  /**
   * The mean loss of a batch.
   *
   * @param scores [batch, classes]; replaced by the loss's gradient with respect to them
   * @param labels the right classes
   */
  static double gradient(float[] scores, int[] labels) {
    int classes = scores.length / labels.length;
    double loss = 0;
    for (int b = 0; b < labels.length; b++) {
      int start = b * classes;
      double max = scores[start + best(scores, start, classes)];
      double sum = 0;
      for (int c = start; c < start + classes; c++) {
        sum += Math.exp(scores[c] - max);
      }
      loss += Math.log(sum) + max - scores[start + labels[b]];
      for (int c = start; c < start + classes; c++) {
        double target = c - start == labels[b] ? 1 : 0;
        scores[c] = (float) ((Math.exp(scores[c] - max) / sum - target) / labels.length);
      }
    }
    return loss / labels.length;
  }

  /** How many rows of scores have their largest entry at the right class. */
  static int correct(float[] scores, int[] labels) {
    int classes = scores.length / labels.length;
    int count = 0;
    for (int b = 0; b < labels.length; b++) {
      count += best(scores, b * classes, classes) == labels[b] ? 1 : 0;
    }
    return count;
  }

  private static int best(float[] scores, int start, int classes) {
    int best = 0;
    for (int c = 1; c < classes; c++) {
      if (scores[start + c] > scores[start + best]) {
        best = c;
      }
    }
    return best;
  }
}
