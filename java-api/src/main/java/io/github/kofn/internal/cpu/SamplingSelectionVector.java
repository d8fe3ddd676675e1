// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import static jdk.incubator.vector.VectorOperators.GE;
import static jdk.incubator.vector.VectorOperators.GT;
import static jdk.incubator.vector.VectorOperators.LT;

import java.lang.invoke.MethodHandles;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorSpecies;

/** Vectors; {@link Lanes#load defined} once a vector width. */
final class SamplingSelectionVector implements SamplingSelection {
  private static final VectorSpecies<Float> F = Species.floats(MethodHandles.lookup());
  private static final VectorSpecies<Integer> I = Species.ints(MethodHandles.lookup());
  private static final IntVector IOTA = IntVector.zero(I).addIndex(1);
  private static final long LANES = (1L << F.length()) - 1;

  @Override
  public int count(float[] keys, int from, int length, float threshold) {
    FloatVector t = FloatVector.broadcast(F, threshold);
    int count = 0;
    for (int i = from; i < from + length; i += F.length()) {
      count += FloatVector.fromArray(F, keys, i).compare(GE, t).trueCount();
    }
    return count;
  }

  @Override
  public int mark(float[] keys, int from, int length, float threshold, long[] bits, int at) {
    FloatVector t = FloatVector.broadcast(F, threshold);
    int count = 0;
    for (int first = 0; first < length; first += 64) {
      long word = 0;
      for (int i = first; i < Math.min(first + 64, length); i += F.length()) {
        word |= FloatVector.fromArray(F, keys, from + i).compare(GE, t).toLong() << i;
      }
      bits[at + first / 64] = word;
      count += Long.bitCount(word);
    }
    return count;
  }

  @Override
  public long markByRank(float[] keys, int from, int length, int k) {
    long word = 0;
    for (int i = 0; i < length; i += F.length()) {
      FloatVector mine = FloatVector.fromArray(F, keys, from + i);
      IntVector rank = IntVector.zero(I);
      for (int j = from; j < from + length; j++) {
        VectorMask<Float> below = mine.compare(LT, keys[j]);
        rank = rank.add(1, below.cast(I));
      }
      VectorMask<Float> drawable = mine.compare(GT, Float.NEGATIVE_INFINITY);
      word |= rank.compare(LT, k).and(drawable.cast(I)).toLong() << i;
    }
    return length == 64 ? word : word & ((1L << length) - 1);
  }

  @Override
  public int columns(long[] bits, int word, int words, int[] columns, int at) {
    int end = at;
    for (int w = 0; w < words; w++) {
      int column = 64 * w;
      for (long rest = bits[word + w]; rest != 0; rest = shift(rest)) {
        VectorMask<Integer> mask = VectorMask.fromLong(I, rest & LANES);
        IOTA.add(column).compress(mask).intoArray(columns, end);
        end += Long.bitCount(rest & LANES);
        column += F.length();
      }
    }
    return end;
  }

  private static long shift(long word) {
    return word >>> F.length();
  }

  @Override
  public void floats(long[] bits, int word, int words, float[] mask, int at) {
    FloatVector zero = FloatVector.zero(F);
    FloatVector one = FloatVector.broadcast(F, 1);
    for (int i = 0; i < 64 * words; i += F.length()) {
      long lanes = bits[word + i / 64] >>> i & LANES;
      zero.blend(one, VectorMask.fromLong(F, lanes)).intoArray(mask, at + i);
    }
  }
}
