// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.GT;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LE;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static jdk.incubator.vector.VectorOperators.LT;
import static jdk.incubator.vector.VectorOperators.MAX;
import static jdk.incubator.vector.VectorOperators.XOR;

import io.github.kofn.internal.kernels.Draw;
import java.lang.invoke.MethodHandles;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorSpecies;

/**
 * Vectors, with the bits of {@link io.github.kofn.sampling.Philox} and {@link
 * io.github.kofn.sampling.Gumbel}, which explain the mathematics. {@link Lanes#load Defined} once a
 * vector width.
 *
 * <p>Random words: a 64-bit lane holds a 32-bit word of one counter and, above it, anything: the
 * 32-bit multiplication ignores the upper half, and xor keeps the halves apart. A round is then two
 * multiplications, two shifts and two three-way xors for as many counters as a vector has lanes.
 * The work is in several loops because the compiler inlines only so much into one method, and puts
 * vectors on the heap where it stops. Literals, not arrays, hold constants, since the compiler
 * would load an array's elements again.
 */
final class SamplingNoiseVector implements SamplingNoise {
  private static final VectorSpecies<Float> F = Species.floats(MethodHandles.lookup());
  private static final VectorSpecies<Integer> I = Species.ints(MethodHandles.lookup());
  private static final VectorSpecies<Long> L = Species.longs(MethodHandles.lookup());
  private static final IntVector IOTA = IntVector.zero(I).addIndex(1);

  /** Takes lanes of two vectors in turn, from the lower halves and from the upper ones. */
  private static final LongVector LOWER = zip(0);

  private static final LongVector UPPER = zip(L.length() / 2);

  /** Counters whose state is kept between the rounds and the interleaving. */
  private static final int STATE = STATE_LENGTH / 4;

  private static final long LOW = 0xFFFFFFFFL;
  private static final long MULTIPLIER_0 = 0xD2511F53L;
  private static final long MULTIPLIER_1 = 0xCD9E8D57L;
  private static final long WEYL_0 = 0x9E3779B9L;
  private static final long WEYL_1 = 0xBB67AE85L;
  private static final int ONE_THIRD = 715827883;
  private static final int TWO_THIRDS = 0x3f2aaaab;

  private static LongVector zip(int first) {
    long[] lanes = new long[L.length()];
    for (int i = 0; i < lanes.length; i++) {
      lanes[i] = first + i / 2 + (i % 2) * (long) L.length();
    }
    return LongVector.fromArray(L, lanes, 0);
  }

  @Override
  public void words(
      long[] groups,
      long[] rows,
      int from,
      int to,
      long firstGroup,
      long firstRow,
      Draw draw,
      long[] state,
      int[] words) {
    for (int i = from; i < to; i += STATE) {
      int count = Math.min(STATE, to - i);
      rounds(groups, rows, i, count, firstGroup, firstRow, draw, state);
      interleave(state, count, words, 4 * i);
    }
  }

  /**
   * The ciphers of up to {@link #STATE} counters; first words, then second, third and fourth words
   * at distances of STATE. Two vectors of counters hide each other's latency.
   */
  private static void rounds(
      long[] groups,
      long[] rows,
      int from,
      int counters,
      long firstGroup,
      long firstRow,
      Draw draw,
      long[] state) {
    LongVector stream = LongVector.broadcast(L, draw.stream());
    LongVector step = LongVector.broadcast(L, draw.step());
    LongVector low = LongVector.broadcast(L, LOW);
    LongVector multiplier0 = LongVector.broadcast(L, MULTIPLIER_0).and(low);
    LongVector multiplier1 = LongVector.broadcast(L, MULTIPLIER_1).and(low);
    for (int i = 0; i < counters; i += 4 * L.length()) {
      int j = i + L.length();
      int m = i + 2 * L.length();
      int n = i + 3 * L.length();
      LongVector c0 = LongVector.fromArray(L, groups, from + i).add(firstGroup);
      LongVector c1 = LongVector.fromArray(L, rows, from + i).add(firstRow);
      LongVector c2 = stream;
      LongVector c3 = step;
      LongVector d0 = LongVector.fromArray(L, groups, from + j).add(firstGroup);
      LongVector d1 = LongVector.fromArray(L, rows, from + j).add(firstRow);
      LongVector d2 = stream;
      LongVector d3 = step;
      LongVector e0 = LongVector.fromArray(L, groups, from + m).add(firstGroup);
      LongVector e1 = LongVector.fromArray(L, rows, from + m).add(firstRow);
      LongVector e2 = stream;
      LongVector e3 = step;
      LongVector f0 = LongVector.fromArray(L, groups, from + n).add(firstGroup);
      LongVector f1 = LongVector.fromArray(L, rows, from + n).add(firstRow);
      LongVector f2 = stream;
      LongVector f3 = step;
      long k0 = draw.seed();
      long k1 = draw.seed() >>> 32;
      for (int round = 0; round < 10; round++) {
        LongVector key0 = LongVector.broadcast(L, k0);
        LongVector key1 = LongVector.broadcast(L, k1);
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
        a = e0.and(low).mul(multiplier0);
        b = e2.and(low).mul(multiplier1);
        e0 = b.lanewise(LSHR, 32).lanewise(XOR, e1).lanewise(XOR, key0);
        e2 = a.lanewise(LSHR, 32).lanewise(XOR, e3).lanewise(XOR, key1);
        e1 = b;
        e3 = a;
        a = f0.and(low).mul(multiplier0);
        b = f2.and(low).mul(multiplier1);
        f0 = b.lanewise(LSHR, 32).lanewise(XOR, f1).lanewise(XOR, key0);
        f2 = a.lanewise(LSHR, 32).lanewise(XOR, f3).lanewise(XOR, key1);
        f1 = b;
        f3 = a;
        k0 += WEYL_0;
        k1 += WEYL_1;
      }
      c0.intoArray(state, i);
      c1.intoArray(state, i + STATE);
      c2.intoArray(state, i + 2 * STATE);
      c3.intoArray(state, i + 3 * STATE);
      d0.intoArray(state, j);
      d1.intoArray(state, j + STATE);
      d2.intoArray(state, j + 2 * STATE);
      d3.intoArray(state, j + 3 * STATE);
      e0.intoArray(state, m);
      e1.intoArray(state, m + STATE);
      e2.intoArray(state, m + 2 * STATE);
      e3.intoArray(state, m + 3 * STATE);
      f0.intoArray(state, n);
      f1.intoArray(state, n + STATE);
      f2.intoArray(state, n + 2 * STATE);
      f3.intoArray(state, n + 3 * STATE);
    }
  }

  /** The upper 31 bits of every counter's four words, counter after counter. */
  private static void interleave(long[] state, int counters, int[] words, int at) {
    for (int i = 0; i < counters; i += L.length()) {
      LongVector lower =
          pair(LongVector.fromArray(L, state, i), LongVector.fromArray(L, state, i + STATE));
      LongVector upper =
          pair(
              LongVector.fromArray(L, state, i + 2 * STATE),
              LongVector.fromArray(L, state, i + 3 * STATE));
      upper31(LOWER, lower, upper).intoArray(words, at + 4 * i);
      upper31(UPPER, lower, upper).intoArray(words, at + 4 * i + I.length());
    }
  }

  /** Two 32-bit words in a lane, the first below. */
  private static LongVector pair(LongVector first, LongVector second) {
    return first.and(LOW).or(second.lanewise(LSHL, 32));
  }

  private static IntVector upper31(LongVector order, LongVector low, LongVector high) {
    return order.selectFrom(low, high).reinterpretAsInts().lanewise(LSHR, 1);
  }

  /**
   * Loops over a block, called in a place that the compiler cannot inline them into, since it meets
   * several receivers: what it inlines into one method is limited, and where it stops, vectors are
   * put on the heap, which makes a loop ten times slower. Whether it stopped used to depend on
   * which loop became hot first.
   */
  private interface Loop {
    int run(
        int[] words,
        int word,
        float[] keys,
        int from,
        int length,
        float scale,
        float offset,
        int column,
        SamplingLists lists,
        int at);
  }

  private static final int LOGARITHMS = 2;
  private static final int ADD = 2;
  private static final int DENSE = 3;
  private static final int SPARSE = 4;

  private static final Loop[] LOOPS = {
    (words, word, keys, from, length, scale, offset, column, lists, at) ->
        innerLogarithms(words, word, length),
    (words, word, keys, from, length, scale, offset, column, lists, at) ->
        outerLogarithms(words, word, length),
    (words, word, keys, from, length, scale, offset, column, lists, at) ->
        addLogarithms(words, word, scale, keys, from, length),
    SamplingNoiseVector::listDense,
    SamplingNoiseVector::listSparse
  };

  /** The only place of these calls: seen apart, each would have one receiver. */
  private static int run(
      int loop,
      int[] words,
      int word,
      float[] keys,
      int from,
      int length,
      float scale,
      float offset,
      int column,
      SamplingLists lists,
      int at) {
    return LOOPS[loop].run(words, word, keys, from, length, scale, offset, column, lists, at);
  }

  @Override
  public int addNoise(int[] words, int word, float beta, float[] keys, int from, int length) {
    for (int i = 0; i < LOGARITHMS; i++) {
      run(i, words, word, keys, from, length, beta, 0, 0, null, 0);
    }
    return run(ADD, words, word, keys, from, length, beta, 0, 0, null, 0);
  }

  /** Puts the bits of ln(1 - u) in the place of words. */
  private static int innerLogarithms(int[] words, int from, int length) {
    for (int i = from; i < from + length; i += I.length()) {
      IntVector h = IntVector.fromArray(I, words, i);
      FloatVector low = toFloat(h).fma(broadcast(-0x1p-31f), broadcast(-0x1p-32f));
      FloatVector v =
          toFloat(h.lanewise(XOR, Integer.MAX_VALUE)).fma(broadcast(0x1p-31f), broadcast(0x1p-32f));
      IntVector t = v.reinterpretAsInts().sub(TWO_THIRDS);
      VectorMask<Integer> isLow = h.compare(LT, ONE_THIRD);
      FloatVector exponent = toFloat(t.lanewise(ASHR, 23).blend(0, isLow));
      FloatVector f = significand(t).blend(low, isLow.cast(F));
      log(exponent, f).reinterpretAsInts().intoArray(words, i);
    }
    return 0;
  }

  /** Puts the bits of ln(-x), the noise with its sign turned, in the place of those of x. */
  private static int outerLogarithms(int[] words, int from, int length) {
    for (int i = from; i < from + length; i += I.length()) {
      // The logarithm is negative: subtracting the sign bit along makes it positive.
      IntVector t = IntVector.fromArray(I, words, i).sub(TWO_THIRDS + Integer.MIN_VALUE);
      FloatVector minusGumbel = log(toFloat(t.lanewise(ASHR, 23)), significand(t));
      minusGumbel.reinterpretAsInts().intoArray(words, i);
    }
    return 0;
  }

  private static int addLogarithms(
      int[] words, int word, float beta, float[] keys, int from, int length) {
    IntVector greatest = IntVector.zero(I);
    FloatVector scale = FloatVector.broadcast(F, -beta);
    for (int i = 0; i < length; i += F.length()) {
      FloatVector minusGumbel = IntVector.fromArray(I, words, word + i).reinterpretAsFloats();
      FloatVector key = minusGumbel.fma(scale, FloatVector.fromArray(F, keys, from + i));
      key.intoArray(keys, from + i);
      greatest = greatest.lanewise(MAX, key.reinterpretAsInts().and(Integer.MAX_VALUE));
    }
    return greatest.reduceLanes(MAX);
  }

  @Override
  public int greatestMagnitude(float[] keys, int from, int length) {
    IntVector greatest = IntVector.zero(I);
    for (int i = from; i < from + length; i += F.length()) {
      IntVector bits = FloatVector.fromArray(F, keys, i).reinterpretAsInts();
      greatest = greatest.lanewise(MAX, bits.and(Integer.MAX_VALUE));
    }
    return greatest.reduceLanes(MAX);
  }

  private static FloatVector broadcast(float value) {
    return FloatVector.broadcast(F, value);
  }

  private static FloatVector toFloat(IntVector v) {
    return (FloatVector) v.convertShape(I2F, F, 0);
  }

  /** From the bits of a float less those of 2/3: its significand in [2/3, 4/3), less 1. */
  private static FloatVector significand(IntVector t) {
    return t.and(0x007fffff).add(TWO_THIRDS).reinterpretAsFloats().sub(1);
  }

  private static FloatVector log(FloatVector exponent, FloatVector f) {
    FloatVector p = f.fma(broadcast(-0.1264119f), broadcast(0.14003551f));
    p = p.fma(f, broadcast(-0.122422084f));
    p = p.fma(f, broadcast(0.14001307f));
    p = p.fma(f, broadcast(-0.1667629f));
    p = p.fma(f, broadcast(0.2001075f));
    p = p.fma(f, broadcast(-0.2499989f));
    p = p.fma(f, broadcast(0.3333321f));
    p = p.fma(f, broadcast(-0.5f)).fma(f.mul(f), f);
    return exponent.fma(broadcast(0.6931472f), p);
  }

  @Override
  public int filter(
      int[] words,
      float[] logits,
      int from,
      int length,
      float beta,
      float threshold,
      int column,
      boolean sparse,
      SamplingLists lists,
      int at) {
    float slope = SamplingNoise.filterSlope(beta, threshold);
    float offset = SamplingNoise.filterOffset(slope, threshold);
    int loop = sparse ? SPARSE : DENSE;
    return run(loop, words, from, logits, from, length, slope, offset, column, lists, at);
  }

  /** Lists where the logarithm of h is not above {@code logit * slope + offset}. */
  private static int listDense(
      int[] words,
      int word,
      float[] logits,
      int from,
      int length,
      float slope,
      float offset,
      int column,
      SamplingLists lists,
      int at) {
    FloatVector scale = broadcast(slope);
    FloatVector least = broadcast(offset);
    int end = at;
    for (int i = 0; i < length; i += F.length()) {
      IntVector h = IntVector.fromArray(I, words, word + i);
      FloatVector logit = FloatVector.fromArray(F, logits, from + i);
      VectorMask<Float> may = mayPass(h, logit, scale, least);
      list(may, h, logit, column + i, lists, end);
      end += may.trueCount();
    }
    return end;
  }

  /** The same where vectors with nothing to list are so many that it pays to branch. */
  private static int listSparse(
      int[] words,
      int word,
      float[] logits,
      int from,
      int length,
      float slope,
      float offset,
      int column,
      SamplingLists lists,
      int at) {
    FloatVector scale = broadcast(slope);
    FloatVector least = broadcast(offset);
    int end = at;
    for (int i = 0; i < length; i += F.length()) {
      IntVector h = IntVector.fromArray(I, words, word + i);
      FloatVector logit = FloatVector.fromArray(F, logits, from + i);
      VectorMask<Float> may = mayPass(h, logit, scale, least);
      if (may.anyTrue()) {
        list(may, h, logit, column + i, lists, end);
        end += may.trueCount();
      }
    }
    return end;
  }

  private static VectorMask<Float> mayPass(
      IntVector h, FloatVector logit, FloatVector scale, FloatVector least) {
    // The negation lets NaN pass.
    return toFloat(toFloat(h).reinterpretAsInts()).compare(GT, logit.fma(scale, least)).not();
  }

  private static void list(
      VectorMask<Float> may,
      IntVector words,
      FloatVector logits,
      int column,
      SamplingLists lists,
      int at) {
    IOTA.add(column).compress(may.cast(I)).intoArray(lists.columns, at);
    words.compress(may.cast(I)).intoArray(lists.words, at);
    logits.compress(may).intoArray(lists.keys, at);
  }

  @Override
  public int filterLogits(
      float[] logits,
      int from,
      int length,
      float threshold,
      int column,
      SamplingLists lists,
      int at) {
    int end = at;
    for (int i = 0; i < length; i += F.length()) {
      FloatVector logit = FloatVector.fromArray(F, logits, from + i);
      VectorMask<Float> above = logit.compare(LE, threshold).not();
      IOTA.add(column + i).compress(above.cast(I)).intoArray(lists.columns, end);
      logit.compress(above).intoArray(lists.keys, end);
      end += above.trueCount();
    }
    return end;
  }
}
