// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.sampling;

import io.github.kofn.internal.Check;

/**
 * Philox4x32-10, the counter-based random generator behind every draw: a bijection of 128-bit
 * counters, keyed by a 64-bit seed (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as
 * easy as 1, 2, 3", SC 2011).
 *
 * <p>It has no state. The word of a matrix's element is a function of the seed, the element's place
 * and two names, so any part of a matrix, on any device, in any order, sees the same noise:
 *
 * <pre>
 * word(seed, stream, step, row, column)
 *     = philox4x32-10(counter = (column &gt;&gt;&gt; 2, row, stream, step), key = seed)[column &amp; 3]
 * </pre>
 *
 * <p>Distinct (stream, step, row, column) never share a word. Counter and key are written with
 * their lowest 32-bit word first, as in the authors' known answers.
 */
public final class Philox {
  private static final long MULTIPLIER_0 = 0xD2511F53L;
  private static final long MULTIPLIER_1 = 0xCD9E8D57L;

  /** The key's increments a round: the fractions of the golden ratio and of the root of 3. */
  private static final int WEYL_0 = 0x9E3779B9;

  private static final int WEYL_1 = 0xBB67AE85;
  private static final int ROUNDS = 10;
  private static final long LOW = 0xFFFFFFFFL;

  private Philox() {}

  /**
   * The random word of one element.
   *
   * @param seed the key
   * @param stream names the layer, any value
   * @param step names the draw, any value
   * @param row the global row, 0 to 2^32 - 1
   * @param column the column, at least 0
   * @return 32 uniformly distributed bits
   * @throws IllegalArgumentException if row or column is out of its range
   */
  public static int word(long seed, int stream, int step, long row, int column) {
    Check.range("row", row, 0, LOW);
    Check.atLeast("column", column, 0);
    int[] words = new int[4];
    words(seed, column >>> 2, (int) row, stream, step, words);
    return words[column & 3];
  }

  /**
   * The four random words of one counter.
   *
   * @param seed the key: its low half is the first key word, its high half the second
   * @param counter0 the counter's lowest word
   * @param counter1 the counter's second word
   * @param counter2 the counter's third word
   * @param counter3 the counter's highest word
   * @param words receives the words in its first four elements
   */
  public static void words(
      long seed, int counter0, int counter1, int counter2, int counter3, int[] words) {
    int key0 = (int) seed;
    int key1 = (int) (seed >>> 32);
    int c0 = counter0;
    int c1 = counter1;
    int c2 = counter2;
    int c3 = counter3;
    for (int round = 0; round < ROUNDS; round++) {
      long product0 = MULTIPLIER_0 * (c0 & LOW);
      long product1 = MULTIPLIER_1 * (c2 & LOW);
      c0 = (int) (product1 >>> 32) ^ c1 ^ key0;
      c1 = (int) product1;
      c2 = (int) (product0 >>> 32) ^ c3 ^ key1;
      c3 = (int) product0;
      key0 += WEYL_0;
      key1 += WEYL_1;
    }
    words[0] = c0;
    words[1] = c1;
    words[2] = c2;
    words[3] = c3;
  }
}
