// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.examples;

import java.util.Arrays;

/**
 * Images with their labels.
 *
 * @param pixels one image after the other, values from 0 to 1
 * @param labels each image's class
 * @param features pixels in an image
 */
@SuppressWarnings("ArrayRecordComponent") // bulk data; nobody compares it
record Examples(float[] pixels, int[] labels, int features) {

  int size() {
    return labels.length;
  }

  /** A stretch of the examples. */
  Examples range(int from, int to) {
    return new Examples(
        Arrays.copyOfRange(pixels, from * features, to * features),
        Arrays.copyOfRange(labels, from, to),
        features);
  }

  /** The images at some positions, one after the other. */
  float[] pixels(int[] positions) {
    float[] chosen = new float[positions.length * features];
    for (int i = 0; i < positions.length; i++) {
      System.arraycopy(pixels, positions[i] * features, chosen, i * features, features);
    }
    return chosen;
  }

  /** The examples at some positions. */
  Examples at(int[] positions) {
    int[] chosen = Arrays.stream(positions).map(i -> labels[i]).toArray();
    return new Examples(pixels(positions), chosen, features);
  }
}
