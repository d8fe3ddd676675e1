// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.FMA;
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
 * <p>No method takes or gives vectors: where the compiler does not inline it, because the caller
 * has grown too large already or the callee became hot first and was compiled alone, vectors go
 * through the heap. What the Vector API itself consists of is inlined always. Literals, not arrays,
 * hold constants, since the compiler would load an array's elements again.
 */
final class SamplingNoiseVector implements SamplingNoise {
  private static final VectorSpecies<Float> F = Species.floats(MethodHandles.lookup());
  private static final VectorSpecies<Integer> I = Species.ints(MethodHandles.lookup());
  private static final VectorSpecies<Long> L = Species.longs(MethodHandles.lookup());
  private static final IntVector IOTA = IntVector.zero(I).addIndex(1);
  private static final int LANES = I.length();

  /** Takes lanes of two vectors in turn, from the lower halves and from the upper ones. */
  private static final LongVector LOWER = zip(0);

  private static final LongVector UPPER = zip(L.length() / 2);

  private static final long LOW = 0xFFFFFFFFL;
  private static final int ONE_THIRD = 715827883;

  /** The bits of 2/3: those of a float less them tell its significand in [2/3, 4/3). */
  private static final int TWO_THIRDS = 0x3f2aaaab;

  private static final int SIGNIFICAND = 0x007fffff;
  private static final float LN_2 = 0.6931472f;

  private static LongVector zip(int first) {
    long[] lanes = new long[L.length()];
    for (int i = 0; i < lanes.length; i++) {
      lanes[i] = first + i / 2 + (i % 2) * (long) L.length();
    }
    return LongVector.fromArray(L, lanes, 0);
  }

  private final SamplingCipher cipher =
      Lanes.load(SamplingCipher.class, "SamplingCipherVector", LANES);

  @Override
  public int lanes() {
    return LANES;
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
    int first = from / LANES;
    int end = Math.ceilDiv(to, LANES);
    cipher.words(counters, first, end, firstGroup, firstRow, draw, words);
    interleave(words, SamplingCipher.WORDS * from, SamplingCipher.WORDS * to);
  }

  /** Puts vectors of first, second, third and fourth words into the order of their counters. */
  private static void interleave(int[] words, int from, int to) {
    for (int i = from; i < to; i += SamplingCipher.WORDS * LANES) {
      LongVector first = IntVector.fromArray(I, words, i).reinterpretAsLongs();
      LongVector second = IntVector.fromArray(I, words, i + LANES).reinterpretAsLongs();
      LongVector third = IntVector.fromArray(I, words, i + 2 * LANES).reinterpretAsLongs();
      LongVector fourth = IntVector.fromArray(I, words, i + 3 * LANES).reinterpretAsLongs();
      LongVector lower = first.and(LOW).or(second.lanewise(LSHL, 32));
      LongVector behind = third.and(LOW).or(fourth.lanewise(LSHL, 32));
      LOWER.selectFrom(lower, behind).reinterpretAsInts().intoArray(words, i);
      UPPER.selectFrom(lower, behind).reinterpretAsInts().intoArray(words, i + LANES);
      lower = first.lanewise(LSHR, 32).or(second.and(~LOW));
      behind = third.lanewise(LSHR, 32).or(fourth.and(~LOW));
      LOWER.selectFrom(lower, behind).reinterpretAsInts().intoArray(words, i + 2 * LANES);
      UPPER.selectFrom(lower, behind).reinterpretAsInts().intoArray(words, i + 3 * LANES);
    }
  }

  /**
   * Loops over a block, called in a place that the compiler cannot inline them into, since it meets
   * several receivers: what it inlines into one method is limited, and where it stops, vectors are
   * put on the heap, which makes a loop ten times slower. Whether it stopped used to depend on
   * which loop became hot first.
   *
   * <p>The loops of exact noise take constants as vectors: where an operation of integers took a
   * number, its vector was put on the heap in some JVMs that had drawn other shapes before, and
   * noise took three times as long.
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
  private static final int ROWS = 5;

  private static final Loop[] LOOPS = {
    (words, word, keys, from, length, scale, offset, column, lists, at) ->
        innerLogarithms(words, word, length),
    (words, word, keys, from, length, scale, offset, column, lists, at) ->
        outerLogarithms(words, word, length),
    (words, word, keys, from, length, scale, offset, column, lists, at) ->
        addLogarithms(words, word, scale, keys, from, length),
    SamplingNoiseVector::listDense,
    SamplingNoiseVector::listSparse,
    (words, word, keys, from, length, scale, offset, column, lists, at) ->
        listRows(words, keys, length, column, scale, offset, lists, at)
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
    FloatVector ln2 = FloatVector.broadcast(F, LN_2);
    IntVector zero = IntVector.zero(I);
    IntVector all = IntVector.broadcast(I, Integer.MAX_VALUE);
    IntVector third = IntVector.broadcast(I, ONE_THIRD);
    IntVector twoThirds = IntVector.broadcast(I, TWO_THIRDS);
    IntVector significand = IntVector.broadcast(I, SIGNIFICAND);
    IntVector bits = IntVector.broadcast(I, 23);
    FloatVector one = FloatVector.broadcast(F, 1);
    for (int i = from; i < from + length; i += LANES) {
      IntVector h = IntVector.fromArray(I, words, i);
      FloatVector low = ((FloatVector) h.convertShape(I2F, F, 0)).fma(-0x1p-31f, -0x1p-32f);
      IntVector rest = h.lanewise(XOR, all);
      FloatVector v = ((FloatVector) rest.convertShape(I2F, F, 0)).fma(0x1p-31f, 0x1p-32f);
      IntVector t = v.reinterpretAsInts().sub(twoThirds);
      VectorMask<Integer> isLow = h.compare(LT, third);
      IntVector exponent = t.lanewise(ASHR, bits).blend(zero, isLow);
      FloatVector f =
          t.and(significand)
              .add(twoThirds)
              .reinterpretAsFloats()
              .sub(one)
              .blend(low, isLow.cast(F));
      FloatVector p =
          f.fma(-0.1264119f, 0.14003551f)
              .lanewise(FMA, f, -0.122422084f)
              .lanewise(FMA, f, 0.14001307f)
              .lanewise(FMA, f, -0.1667629f)
              .lanewise(FMA, f, 0.2001075f)
              .lanewise(FMA, f, -0.2499989f)
              .lanewise(FMA, f, 0.3333321f)
              .lanewise(FMA, f, -0.5f)
              .fma(f.mul(f), f);
      FloatVector log = ((FloatVector) exponent.convertShape(I2F, F, 0)).fma(ln2, p);
      log.reinterpretAsInts().intoArray(words, i);
    }
    return 0;
  }

  /** Puts the bits of ln(-x), the noise with its sign turned, in the place of those of x. */
  private static int outerLogarithms(int[] words, int from, int length) {
    FloatVector ln2 = FloatVector.broadcast(F, LN_2);
    IntVector turned = IntVector.broadcast(I, TWO_THIRDS + Integer.MIN_VALUE);
    IntVector twoThirds = IntVector.broadcast(I, TWO_THIRDS);
    IntVector significand = IntVector.broadcast(I, SIGNIFICAND);
    IntVector bits = IntVector.broadcast(I, 23);
    FloatVector one = FloatVector.broadcast(F, 1);
    for (int i = from; i < from + length; i += LANES) {
      // The logarithm is negative: subtracting the sign bit along makes it positive.
      IntVector t = IntVector.fromArray(I, words, i).sub(turned);
      IntVector exponent = t.lanewise(ASHR, bits);
      FloatVector f = t.and(significand).add(twoThirds).reinterpretAsFloats().sub(one);
      FloatVector p =
          f.fma(-0.1264119f, 0.14003551f)
              .lanewise(FMA, f, -0.122422084f)
              .lanewise(FMA, f, 0.14001307f)
              .lanewise(FMA, f, -0.1667629f)
              .lanewise(FMA, f, 0.2001075f)
              .lanewise(FMA, f, -0.2499989f)
              .lanewise(FMA, f, 0.3333321f)
              .lanewise(FMA, f, -0.5f)
              .fma(f.mul(f), f);
      FloatVector log = ((FloatVector) exponent.convertShape(I2F, F, 0)).fma(ln2, p);
      log.reinterpretAsInts().intoArray(words, i);
    }
    return 0;
  }

  private static int addLogarithms(
      int[] words, int word, float beta, float[] keys, int from, int length) {
    IntVector greatest = IntVector.zero(I);
    IntVector magnitude = IntVector.broadcast(I, Integer.MAX_VALUE);
    FloatVector scale = FloatVector.broadcast(F, -beta);
    for (int i = 0; i < length; i += LANES) {
      FloatVector minusGumbel = IntVector.fromArray(I, words, word + i).reinterpretAsFloats();
      FloatVector key = minusGumbel.fma(scale, FloatVector.fromArray(F, keys, from + i));
      key.intoArray(keys, from + i);
      greatest = greatest.lanewise(MAX, key.reinterpretAsInts().and(magnitude));
    }
    return greatest.reduceLanes(MAX);
  }

  @Override
  public int greatestMagnitude(float[] keys, int from, int length) {
    IntVector greatest = IntVector.zero(I);
    for (int i = from; i < from + length; i += LANES) {
      IntVector bits = FloatVector.fromArray(F, keys, i).reinterpretAsInts();
      greatest = greatest.lanewise(MAX, bits.and(Integer.MAX_VALUE));
    }
    return greatest.reduceLanes(MAX);
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
    FloatVector scale = FloatVector.broadcast(F, slope);
    FloatVector least = FloatVector.broadcast(F, offset);
    int end = at;
    for (int i = 0; i < length; i += LANES) {
      IntVector h = IntVector.fromArray(I, words, word + i);
      FloatVector logit = FloatVector.fromArray(F, logits, from + i);
      // The negation lets NaN pass.
      IntVector log2 = ((FloatVector) h.convertShape(I2F, F, 0)).reinterpretAsInts();
      FloatVector level = (FloatVector) log2.convertShape(I2F, F, 0);
      VectorMask<Float> may = level.compare(GT, logit.fma(scale, least)).not();
      IOTA.add(column + i).compress(may.cast(I)).intoArray(lists.columns, end);
      h.compress(may.cast(I)).intoArray(lists.words, end);
      logit.compress(may).intoArray(lists.keys, end);
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
    FloatVector scale = FloatVector.broadcast(F, slope);
    FloatVector least = FloatVector.broadcast(F, offset);
    int end = at;
    for (int i = 0; i < length; i += LANES) {
      IntVector h = IntVector.fromArray(I, words, word + i);
      FloatVector logit = FloatVector.fromArray(F, logits, from + i);
      // The negation lets NaN pass.
      IntVector log2 = ((FloatVector) h.convertShape(I2F, F, 0)).reinterpretAsInts();
      FloatVector level = (FloatVector) log2.convertShape(I2F, F, 0);
      VectorMask<Float> may = level.compare(GT, logit.fma(scale, least)).not();
      if (may.anyTrue()) {
        IOTA.add(column + i).compress(may.cast(I)).intoArray(lists.columns, end);
        h.compress(may.cast(I)).intoArray(lists.words, end);
        logit.compress(may).intoArray(lists.keys, end);
        end += may.trueCount();
      }
    }
    return end;
  }

  @Override
  public int filterRows(
      int[] words,
      float[] logits,
      int rows,
      int stride,
      float beta,
      float threshold,
      SamplingLists lists,
      int at) {
    float slope = SamplingNoise.filterSlope(beta, threshold);
    float offset = SamplingNoise.filterOffset(slope, threshold);
    return run(ROWS, words, 0, logits, 0, rows, slope, offset, stride, lists, at);
  }

  private static int listRows(
      int[] words,
      float[] logits,
      int rows,
      int stride,
      float slope,
      float offset,
      SamplingLists lists,
      int at) {
    FloatVector scale = FloatVector.broadcast(F, slope);
    FloatVector least = FloatVector.broadcast(F, offset);
    int end = at;
    for (int r = 0; r < rows; r++) {
      int from = r * stride;
      lists.begins[lists.rows] = end;
      for (int i = 0; i < stride; i += LANES) {
        IntVector h = IntVector.fromArray(I, words, from + i);
        FloatVector logit = FloatVector.fromArray(F, logits, from + i);
        // The negation lets NaN pass.
        IntVector log2 = ((FloatVector) h.convertShape(I2F, F, 0)).reinterpretAsInts();
        FloatVector level = (FloatVector) log2.convertShape(I2F, F, 0);
        VectorMask<Float> may = level.compare(GT, logit.fma(scale, least)).not();
        IOTA.add(i).compress(may.cast(I)).intoArray(lists.columns, end);
        h.compress(may.cast(I)).intoArray(lists.words, end);
        logit.compress(may).intoArray(lists.keys, end);
        end += may.trueCount();
      }
      lists.ends[lists.rows++] = end;
      IntVector.zero(I).intoArray(lists.words, end);
      FloatVector.broadcast(F, Float.NEGATIVE_INFINITY).intoArray(lists.keys, end);
      end = (end + LANES - 1) & -LANES;
    }
    return end;
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
    for (int i = 0; i < length; i += LANES) {
      FloatVector logit = FloatVector.fromArray(F, logits, from + i);
      VectorMask<Float> above = logit.compare(LE, threshold).not();
      IOTA.add(column + i).compress(above.cast(I)).intoArray(lists.columns, end);
      logit.compress(above).intoArray(lists.keys, end);
      end += above.trueCount();
    }
    return end;
  }
}
