// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.examples;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.IntStream;
import java.util.zip.GZIPInputStream;

/**
 * The test set of UCI's "Optical Recognition of Handwritten Digits" (CC BY 4.0, see
 * digits.NOTICE.txt beside the data): 1797 images of 8 x 8 pixels with values 0 to 16.
 *
 * <p>Image i belongs to the training split if i mod 9 is 0 to 5, to the validation split if it is
 * 6, to the test split if it is 7 or 8: 1200, 199 and 398 images. The split never depends on a
 * seed.
 */
final class Digits {
  private static final String FILE = "digits.csv.gz";
  private static final int PIXELS = 64;
  private static final int CLASSES = 10;

  private Digits() {}

  static Splits load() {
    try (var stream = Digits.class.getResourceAsStream(FILE);
        var reader =
            new BufferedReader(
                new InputStreamReader(new GZIPInputStream(stream), StandardCharsets.US_ASCII))) {
      Examples all = parse(reader.lines().toList());
      return new Splits(part(all, 0, 5), part(all, 6, 6), part(all, 7, 8), CLASSES);
    } catch (IOException e) {
      throw new DatasetException(FILE + " in the jar cannot be read: " + e, e);
    }
  }

  private static Examples parse(List<String> lines) {
    float[] pixels = new float[lines.size() * PIXELS];
    int[] labels = new int[lines.size()];
    for (int i = 0; i < labels.length; i++) {
      String[] fields = lines.get(i).split(",", -1);
      for (int p = 0; p < PIXELS; p++) {
        pixels[i * PIXELS + p] = Integer.parseInt(fields[p]) / 16f;
      }
      labels[i] = Integer.parseInt(fields[PIXELS]);
    }
    return new Examples(pixels, labels, PIXELS);
  }

  private static Examples part(Examples all, int first, int last) {
    return all.at(
        IntStream.range(0, all.size()).filter(i -> i % 9 >= first && i % 9 <= last).toArray());
  }
}
