// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static jdk.incubator.vector.VectorOperators.XOR;

import io.github.kofn.internal.kernels.Draw;
import java.lang.invoke.MethodHandles;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Vectors; {@link Lanes#load defined} once a vector width.
 *
 * <p>Machines multiply the lower halves of 64-bit lanes. A word of as many counters as there are
 * 32-bit lanes therefore takes two multiplications: of the even lanes, and of the odd ones after a
 * shift. What follows depends on whether two vectors can be permuted into one in one operation:
 *
 * <pre>
 * 512 bits: the four products of a round are permuted into upper and lower halves, and xors work on
 *           whole words. 2 x (1 cut to 32 bits, 1 shift, 2 multiplications, 2 permutations, 1
 *           three-way xor) a round of 16 counters: 14.
 * less:     even and odd counters stay apart in 64-bit lanes, above each word anything.
 *           4 x (1 cut, 1 multiplication, 1 shift, 1 three-way xor or two) a round: 16.
 * </pre>
 *
 * <p>The first round multiplies the third word, the stream, which all counters share, once.
 */
final class SamplingCipherVector implements SamplingCipher {
  private static final VectorSpecies<Integer> I = Species.ints(MethodHandles.lookup());
  private static final VectorSpecies<Long> L = Species.longs(MethodHandles.lookup());
  private static final int LANES = I.length();
  private static final boolean PERMUTE = LANES == 16;
  private static final long LOW = 0xFFFFFFFFL;
  private static final long MULTIPLIER_0 = 0xD2511F53L;
  private static final long MULTIPLIER_1 = 0xCD9E8D57L;
  private static final int WEYL_0 = 0x9E3779B9;
  private static final int WEYL_1 = 0xBB67AE85;
  private static final int ROUNDS = 10;

  /** Takes the lower halves of the 64-bit lanes of two vectors in turn, and the upper ones. */
  private static final IntVector LOWER = halves(0);

  private static final IntVector UPPER = halves(1);

  /** Bits of even lanes. */
  private static final IntVector EVEN = LongVector.broadcast(L, LOW).reinterpretAsInts();

  private static IntVector halves(int half) {
    int[] lanes = new int[LANES];
    for (int i = 0; i < LANES; i++) {
      lanes[i] = i - i % 2 + half + i % 2 * LANES;
    }
    return IntVector.fromArray(I, lanes, 0);
  }

  @Override
  public void words(
      SamplingCounters counters,
      int from,
      int to,
      int firstGroup,
      int firstRow,
      Draw draw,
      int[] words) {
    if (PERMUTE) {
      permuted(counters, from, to, firstGroup, firstRow, draw, words);
    } else {
      apart(counters, from, to, firstGroup, firstRow, draw, words);
    }
  }

  /** The low half of the shared product; its high half goes into the first word. */
  private static long sharedProduct(Draw draw) {
    return (draw.stream() & LOW) * MULTIPLIER_1;
  }

  /** Two vectors of counters at a time hide each other's latency. */
  private static void permuted(
      SamplingCounters counters,
      int from,
      int to,
      int firstGroup,
      int firstRow,
      Draw draw,
      int[] words) {
    LongVector low = LongVector.broadcast(L, LOW);
    LongVector multiplier0 = LongVector.broadcast(L, MULTIPLIER_0).and(low);
    LongVector multiplier1 = LongVector.broadcast(L, MULTIPLIER_1).and(low);
    long shared = sharedProduct(draw);
    int seed0 = (int) draw.seed();
    int seed1 = (int) (draw.seed() >>> 32);
    int first = (int) (shared >>> 32) ^ seed0;
    int third = draw.step() ^ seed1;
    for (int i = from; i < to; i += 2) {
      LongVector x =
          IntVector.fromArray(I, counters.groups, i * LANES).add(firstGroup).reinterpretAsLongs();
      IntVector even = x.and(low).mul(multiplier0).reinterpretAsInts();
      IntVector odd = x.lanewise(LSHR, 32).mul(multiplier0).reinterpretAsInts();
      IntVector c0 =
          IntVector.fromArray(I, counters.rows, i * LANES).add(firstRow).lanewise(XOR, first);
      IntVector c1 = IntVector.broadcast(I, (int) shared);
      IntVector c2 = UPPER.selectFrom(even, odd).lanewise(XOR, third);
      IntVector c3 = LOWER.selectFrom(even, odd);
      x =
          IntVector.fromArray(I, counters.groups, (i + 1) * LANES)
              .add(firstGroup)
              .reinterpretAsLongs();
      even = x.and(low).mul(multiplier0).reinterpretAsInts();
      odd = x.lanewise(LSHR, 32).mul(multiplier0).reinterpretAsInts();
      IntVector d0 =
          IntVector.fromArray(I, counters.rows, (i + 1) * LANES).add(firstRow).lanewise(XOR, first);
      IntVector d1 = c1;
      IntVector d2 = UPPER.selectFrom(even, odd).lanewise(XOR, third);
      IntVector d3 = LOWER.selectFrom(even, odd);
      int k0 = seed0;
      int k1 = seed1;
      for (int round = 1; round < ROUNDS; round++) {
        k0 += WEYL_0;
        k1 += WEYL_1;
        IntVector key0 = IntVector.broadcast(I, k0);
        IntVector key1 = IntVector.broadcast(I, k1);
        x = c0.reinterpretAsLongs();
        LongVector y = c2.reinterpretAsLongs();
        even = x.and(low).mul(multiplier0).reinterpretAsInts();
        odd = x.lanewise(LSHR, 32).mul(multiplier0).reinterpretAsInts();
        IntVector evenY = y.and(low).mul(multiplier1).reinterpretAsInts();
        IntVector oddY = y.lanewise(LSHR, 32).mul(multiplier1).reinterpretAsInts();
        c0 = UPPER.selectFrom(evenY, oddY).lanewise(XOR, c1).lanewise(XOR, key0);
        c2 = UPPER.selectFrom(even, odd).lanewise(XOR, c3).lanewise(XOR, key1);
        c1 = LOWER.selectFrom(evenY, oddY);
        c3 = LOWER.selectFrom(even, odd);
        x = d0.reinterpretAsLongs();
        y = d2.reinterpretAsLongs();
        even = x.and(low).mul(multiplier0).reinterpretAsInts();
        odd = x.lanewise(LSHR, 32).mul(multiplier0).reinterpretAsInts();
        evenY = y.and(low).mul(multiplier1).reinterpretAsInts();
        oddY = y.lanewise(LSHR, 32).mul(multiplier1).reinterpretAsInts();
        d0 = UPPER.selectFrom(evenY, oddY).lanewise(XOR, d1).lanewise(XOR, key0);
        d2 = UPPER.selectFrom(even, odd).lanewise(XOR, d3).lanewise(XOR, key1);
        d1 = LOWER.selectFrom(evenY, oddY);
        d3 = LOWER.selectFrom(even, odd);
      }
      int at = counters.places[i];
      c0.lanewise(LSHR, 1).intoArray(words, at);
      c1.lanewise(LSHR, 1).intoArray(words, at + LANES);
      c2.lanewise(LSHR, 1).intoArray(words, at + 2 * LANES);
      c3.lanewise(LSHR, 1).intoArray(words, at + 3 * LANES);
      at = counters.places[i + 1];
      d0.lanewise(LSHR, 1).intoArray(words, at);
      d1.lanewise(LSHR, 1).intoArray(words, at + LANES);
      d2.lanewise(LSHR, 1).intoArray(words, at + 2 * LANES);
      d3.lanewise(LSHR, 1).intoArray(words, at + 3 * LANES);
    }
  }

  /**
   * Even and odd counters, c and d, in 64-bit lanes: with keys and constants as many vectors as
   * AVX2 has registers. Two vectors of counters at a time, and keys that were numbers, broadcast
   * each round, made the draw of a long row a sixth slower (AMD EPYC, family 25).
   */
  private static void apart(
      SamplingCounters counters,
      int from,
      int to,
      int firstGroup,
      int firstRow,
      Draw draw,
      int[] words) {
    LongVector low = LongVector.broadcast(L, LOW);
    LongVector multiplier0 = LongVector.broadcast(L, MULTIPLIER_0).and(low);
    LongVector multiplier1 = LongVector.broadcast(L, MULTIPLIER_1).and(low);
    LongVector weyl0 = LongVector.broadcast(L, WEYL_0);
    LongVector weyl1 = LongVector.broadcast(L, WEYL_1);
    long shared = sharedProduct(draw);
    int seed0 = (int) draw.seed();
    int seed1 = (int) (draw.seed() >>> 32);
    int first = (int) (shared >>> 32) ^ seed0;
    long third = (draw.step() ^ seed1) & LOW;
    for (int i = from; i < to; i++) {
      LongVector groups =
          IntVector.fromArray(I, counters.groups, i * LANES).add(firstGroup).reinterpretAsLongs();
      LongVector rows =
          IntVector.fromArray(I, counters.rows, i * LANES)
              .add(firstRow)
              .lanewise(XOR, first)
              .reinterpretAsLongs();
      LongVector c0 = rows;
      LongVector c1 = LongVector.broadcast(L, shared);
      LongVector c3 = groups.and(low).mul(multiplier0);
      LongVector c2 = c3.lanewise(LSHR, 32).lanewise(XOR, third);
      LongVector d0 = rows.lanewise(LSHR, 32);
      LongVector d1 = c1;
      LongVector d3 = groups.lanewise(LSHR, 32).mul(multiplier0);
      LongVector d2 = d3.lanewise(LSHR, 32).lanewise(XOR, third);
      LongVector key0 = LongVector.broadcast(L, seed0);
      LongVector key1 = LongVector.broadcast(L, seed1);
      for (int round = 1; round < ROUNDS; round++) {
        key0 = key0.add(weyl0);
        key1 = key1.add(weyl1);
        LongVector a = c0.and(low).mul(multiplier0);
        LongVector b = c2.and(low).mul(multiplier1);
        c0 = b.lanewise(LSHR, 32).lanewise(XOR, c1).lanewise(XOR, key0);
        c2 = a.lanewise(LSHR, 32).lanewise(XOR, c3).lanewise(XOR, key1);
        c1 = b;
        c3 = a;
        a = d0.and(low).mul(multiplier0);
        b = d2.and(low).mul(multiplier1);
        d0 = b.lanewise(LSHR, 32).lanewise(XOR, d1).lanewise(XOR, key0);
        d2 = a.lanewise(LSHR, 32).lanewise(XOR, d3).lanewise(XOR, key1);
        d1 = b;
        d3 = a;
      }
      int at = counters.places[i];
      // Cut otherwise than above: the compiler moves what cuts the same out of the multiplications,
      // which then are whole ones of 64 bits.
      IntVector even = c0.reinterpretAsInts().and(EVEN);
      IntVector odd = d0.lanewise(LSHL, 32).reinterpretAsInts();
      even.or(odd).lanewise(LSHR, 1).intoArray(words, at);
      even = c1.reinterpretAsInts().and(EVEN);
      odd = d1.lanewise(LSHL, 32).reinterpretAsInts();
      even.or(odd).lanewise(LSHR, 1).intoArray(words, at + LANES);
      even = c2.reinterpretAsInts().and(EVEN);
      odd = d2.lanewise(LSHL, 32).reinterpretAsInts();
      even.or(odd).lanewise(LSHR, 1).intoArray(words, at + 2 * LANES);
      even = c3.reinterpretAsInts().and(EVEN);
      odd = d3.lanewise(LSHL, 32).reinterpretAsInts();
      even.or(odd).lanewise(LSHR, 1).intoArray(words, at + 3 * LANES);
    }
  }
}
