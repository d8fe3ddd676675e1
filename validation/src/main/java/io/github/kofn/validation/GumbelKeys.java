// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.validation;

import io.github.kofn.sampling.DrawKey;
import java.util.Arrays;

/**
 * The contract of sampling, written down a second time: words of Philox4x32-10 (Salmon et al.,
 * "Parallel random numbers: as easy as 1, 2, 3", SC 2011), the map from 31 bits to Gumbel noise,
 * keys, and their order.
 */
final class GumbelKeys {
  private static final int MULTIPLIER_0 = 0xd2511f53;
  private static final int MULTIPLIER_1 = 0xcd9e8d57;
  private static final int WEYL_0 = 0x9e3779b9;
  private static final int WEYL_1 = 0xbb67ae85;

  /** (ln(1 + f) - f + f^2 / 2) / f^3, lowest order first. */
  private static final float[] POLYNOMIAL = {
    0.3333321f,
    -0.2499989f,
    0.2001075f,
    -0.1667629f,
    0.14001307f,
    -0.122422084f,
    0.14003551f,
    -0.1264119f
  };

  private static final float LN_2 = 0.6931472f;

  /** The bits of 2/3: mantissas are taken from 2/3 up to 4/3, around 1. */
  private static final int TWO_THIRDS = 0x3f2aaaab;

  /** The first 31-bit integer whose u = (h + 1/2) / 2^31 is above 1/3. */
  private static final int ONE_THIRD = 715827883;

  private GumbelKeys() {}

  /** One block of four words. */
  static int[] philox(int[] counter, long key) {
    int[] c = counter.clone();
    int k0 = (int) key;
    int k1 = (int) (key >>> 32);
    for (int round = 0; round < 10; round++) {
      long p0 = product(MULTIPLIER_0, c[0]);
      long p1 = product(MULTIPLIER_1, c[2]);
      c =
          new int[] {
            (int) (p1 >>> 32) ^ c[1] ^ k0, (int) p1, (int) (p0 >>> 32) ^ c[3] ^ k1, (int) p0
          };
      k0 += WEYL_0;
      k1 += WEYL_1;
    }
    return c;
  }

  private static long product(int a, int b) {
    return Integer.toUnsignedLong(a) * Integer.toUnsignedLong(b);
  }

  /** Standard Gumbel noise from the upper 31 bits of a word: -ln(-ln(1 - u)). */
  static float gumbel(int word) {
    int h = word >>> 1;
    float exponential;
    if (h < ONE_THIRD) {
      exponential = -logarithm(-Math.fma((float) h, 0x1p-31f, 0x1p-32f), 0);
    } else {
      exponential = -logarithm(Math.fma((float) (0x7fffffff - h), 0x1p-31f, 0x1p-32f));
    }
    return -logarithm(exponential);
  }

  private static float logarithm(float v) {
    int bits = Float.floatToRawIntBits(v);
    int exponent = (bits - TWO_THIRDS) >> 23;
    return logarithm(Float.intBitsToFloat(bits - (exponent << 23)) - 1, exponent);
  }

  /** ln((1 + f) 2^exponent). */
  private static float logarithm(float f, float exponent) {
    float p = POLYNOMIAL[POLYNOMIAL.length - 1];
    for (int i = POLYNOMIAL.length - 2; i >= 0; i--) {
      p = Math.fma(p, f, POLYNOMIAL[i]);
    }
    float tail = Math.fma(Math.fma(p, f, -0.5f), f * f, f);
    return Math.fma(exponent, LN_2, tail);
  }

  /** The keys of one row of logits, which is the row'th of a draw. */
  static float[] of(float[] logits, float noiseScale, DrawKey draw, long row) {
    if (noiseScale == 0) {
      return logits.clone();
    }
    float[] keys = new float[logits.length];
    int[] words = {};
    for (int i = 0; i < keys.length; i++) {
      if ((i & 3) == 0) {
        int[] counter = {i >>> 2, (int) (draw.firstRow() + row), draw.stream(), draw.step()};
        words = philox(counter, draw.seed());
      }
      keys[i] = Math.fma(noiseScale, gumbel(words[i & 3]), logits[i]);
    }
    return keys;
  }

  /** The columns by descending key, equal keys (-0 equals +0) by ascending column. */
  static int[] order(float[] keys) {
    long[] sortable = new long[keys.length];
    for (int i = 0; i < keys.length; i++) {
      // Adding +0 turns -0 into +0; flipping a negative float's bits makes integers order as
      // floats.
      int bits = Float.floatToRawIntBits(keys[i] + 0.0f);
      int ascending = bits ^ (bits >> 31 & 0x7fffffff);
      sortable[i] = (long) ~ascending << 32 | i;
    }
    Arrays.sort(sortable);
    int[] columns = new int[keys.length];
    for (int i = 0; i < columns.length; i++) {
      columns[i] = (int) sortable[i];
    }
    return columns;
  }
}
