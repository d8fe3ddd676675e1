// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.reference;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.kofn.sampling.Gumbel;
import io.github.kofn.sampling.Philox;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/** The random words and the Gumbel map, against published answers, libm and a C computation. */
class NoiseTest {
  private static final long WORDS = 1L << 31;

  /** The known answers of Random123, tests/kat_vectors. */
  @Test
  void philoxGivesTheKnownAnswers() {
    assertWords(0, 0, 0, 0, 0L, 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8);
    assertWords(-1, -1, -1, -1, -1L, 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd);
    assertWords(
        0x243f6a88,
        0x85a308d3,
        0x13198a2e,
        0x03707344,
        0x299f31d0_a4093822L,
        0xd16cfe09,
        0x94fdcceb,
        0x5001e420,
        0x24126ea1);
  }

  private static void assertWords(int c0, int c1, int c2, int c3, long key, int... expected) {
    int[] words = new int[4];
    Philox.words(key, c0, c1, c2, c3, words);
    assertArrayEquals(expected, words);
  }

  @Test
  void aWordIsTakenFromItsColumnsCounter() {
    int[] words = new int[4];
    Philox.words(0x299f31d0_a4093822L, 5, 0xfffffffe, -7, 9, words);
    for (int i = 0; i < 4; i++) {
      assertEquals(words[i], Philox.word(0x299f31d0_a4093822L, -7, 9, 0xfffffffeL, 20 + i));
    }
    assertThrows(IllegalArgumentException.class, () -> Philox.word(0, 0, 0, 1L << 32, 0));
    assertThrows(IllegalArgumentException.class, () -> Philox.word(0, 0, 0, 0, -1));
  }

  @Test
  void neighbouringPlacesHaveWordsOfTheirOwn() {
    Set<Integer> seen = new HashSet<>();
    int drawn = 0;
    for (int stream = 0; stream < 2; stream++) {
      for (int step = 0; step < 2; step++) {
        for (int row = 0; row < 4; row++) {
          for (int column = 0; column < 16; column++) {
            seen.add(Philox.word(42, stream, step, row, column));
            drawn++;
          }
        }
      }
    }
    assertEquals(drawn, seen.size());
  }

  /** The bounds of the javadoc, on 2^22 evenly spaced inputs and the 2^16 at either end. */
  @Test
  void gumbelIsWithinItsBounds() {
    for (long h = 0; h < WORDS; h += 509) {
      assertGumbel(h);
    }
    for (long i = 0; i < 1 << 16; i++) {
      assertGumbel(i);
      assertGumbel(WORDS - 1 - i);
    }
    assertEquals(22.180710f, Gumbel.of(0));
    assertEquals(-3.099223f, Gumbel.of(-1), 1e-7f);
  }

  private static void assertGumbel(long h) {
    double u = (h + 0.5) * 0x1p-31;
    double g = Gumbel.of((int) (h << 1));
    double exact = -Math.log(-Math.log1p(-u));
    if (!(Math.abs(g - exact) <= 9.9e-7 && g <= 22.180711 && g >= -3.099224)) {
      throw new AssertionError("h = " + h + ": " + g + " for " + exact);
    }
    // To first order, E's relative error is G's absolute one where G's own rounding is small.
    if (Math.abs(g) < 0.25) {
      assertTrue(Math.abs(g - exact) <= 4 * 0x1p-24, () -> "h = " + h);
    }
  }

  @Test
  void theLowestBitIsNotUsed() {
    for (int word = -1000; word < 1000; word += 2) {
      assertEquals(Gumbel.of(word), Gumbel.of(word | 1));
    }
  }

  /**
   * Every 32nd input. The constants of this test and the next were computed by an independent C
   * program (fmaf, gcc 12, -ffp-contract=off) as FNV-1a over 32-bit words: starting from
   * 0xcbf29ce484222325, for h = 0, stride, 2 stride ... below 2^31, {@code hash = (hash ^ bits(G))
   * * 0x100000001b3}.
   */
  @Test
  void gumbelMatchesTheGoldenHash() {
    assertEquals(0x468e107a1c8c4811L, hash(32));
  }

  /** All inputs, in about 20 s. */
  @Test
  @EnabledIfSystemProperty(named = "kofn.test.full", matches = "true")
  void gumbelMatchesTheFullGoldenHash() {
    assertEquals(0x738bd3acafe5987dL, hash(1));
  }

  private static long hash(int stride) {
    long hash = 0xcbf29ce484222325L;
    for (long h = 0; h < WORDS; h += stride) {
      int bits = Float.floatToRawIntBits(Gumbel.of((int) (h << 1)));
      hash = (hash ^ (bits & 0xffffffffL)) * 0x100000001b3L;
    }
    return hash;
  }
}
