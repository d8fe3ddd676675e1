// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.validation;

import java.util.Arrays;
import java.util.Locale;
import java.util.random.RandomGenerator;

/** Rows of logits, from the usual to those that selection algorithms get wrong. */
enum RowKind {
  NORMAL {
    @Override
    void fill(float[] row, int k, RandomGenerator random) {
      for (int i = 0; i < row.length; i++) {
        row[i] = (float) random.nextGaussian();
      }
    }
  },
  ALL_EQUAL {
    @Override
    void fill(float[] row, int k, RandomGenerator random) {
      Arrays.fill(row, 0.5f);
    }
  },
  TWO_VALUES {
    @Override
    void fill(float[] row, int k, RandomGenerator random) {
      for (int i = 0; i < row.length; i++) {
        row[i] = random.nextBoolean() ? 1 : 1.00003f;
      }
    }
  },
  /** A block of ties around rank k, greater values before it and smaller ones behind. */
  TIES_AT_RANK_K {
    @Override
    void fill(float[] row, int k, RandomGenerator random) {
      for (int i = 0; i < row.length; i++) {
        int place = random.nextInt(row.length);
        row[i] = place < k / 2 ? 3 + place : place < k + (row.length - k) / 2 ? 2 : -place;
      }
    }
  },
  LAST_BITS {
    @Override
    void fill(float[] row, int k, RandomGenerator random) {
      for (int i = 0; i < row.length; i++) {
        row[i] = Float.intBitsToFloat(Float.floatToRawIntBits(-1.5f) + random.nextInt(4));
      }
    }
  },
  /** As few drawable entries as k allows, at most 0.1 % more. */
  MOSTLY_NEGATIVE_INFINITY {
    @Override
    void fill(float[] row, int k, RandomGenerator random) {
      Arrays.fill(row, Float.NEGATIVE_INFINITY);
      int drawable = Math.min(row.length, k + row.length / 1000);
      for (int placed = 0; placed < drawable; ) {
        int i = random.nextInt(row.length);
        if (row[i] == Float.NEGATIVE_INFINITY) {
          row[i] = (float) random.nextGaussian();
          placed++;
        }
      }
    }
  },
  ASCENDING {
    @Override
    void fill(float[] row, int k, RandomGenerator random) {
      for (int i = 0; i < row.length; i++) {
        row[i] = i * 0.01f - 3;
      }
    }
  },
  DESCENDING {
    @Override
    void fill(float[] row, int k, RandomGenerator random) {
      for (int i = 0; i < row.length; i++) {
        row[i] = 3 - i * 0.01f;
      }
    }
  },
  /** A pattern that repeats every 32 columns, as lanes and strides of samples do. */
  PERIODIC {
    @Override
    void fill(float[] row, int k, RandomGenerator random) {
      for (int i = 0; i < row.length; i++) {
        row[i] = (i & 31) * 0.25f;
      }
    }
  },
  POSITIVE_INFINITY {
    @Override
    void fill(float[] row, int k, RandomGenerator random) {
      NORMAL.fill(row, k, random);
      for (int i = 0; i <= k / 2 && i < row.length; i++) {
        row[random.nextInt(row.length)] = Float.POSITIVE_INFINITY;
      }
    }
  },
  SIGNED_ZEROS {
    @Override
    void fill(float[] row, int k, RandomGenerator random) {
      for (int i = 0; i < row.length; i++) {
        row[i] = random.nextBoolean() ? 0.0f : -0.0f;
      }
    }
  },
  DENORMAL {
    @Override
    void fill(float[] row, int k, RandomGenerator random) {
      for (int i = 0; i < row.length; i++) {
        row[i] = Float.MIN_VALUE * random.nextInt(-1000, 1000);
      }
    }
  },
  /** Up to the 1e4 that the relaxation must bear. */
  HUGE {
    @Override
    void fill(float[] row, int k, RandomGenerator random) {
      for (int i = 0; i < row.length; i++) {
        row[i] = 1e4f * (2 * random.nextFloat() - 1);
      }
    }
  };

  /** Writes one row, of which at least k entries are drawable. */
  abstract void fill(float[] row, int k, RandomGenerator random);

  String label() {
    return name().toLowerCase(Locale.ROOT).replace('_', ' ');
  }
}
