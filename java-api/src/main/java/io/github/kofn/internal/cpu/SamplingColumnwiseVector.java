// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.GE;
import static jdk.incubator.vector.VectorOperators.GT;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LE;
import static jdk.incubator.vector.VectorOperators.LT;
import static jdk.incubator.vector.VectorOperators.NE;
import static jdk.incubator.vector.VectorOperators.XOR;

import io.github.kofn.internal.kernels.Draw;
import java.lang.invoke.MethodHandles;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorSpecies;

/**
 * {@link Lanes#load Defined} once a vector width. No method takes or gives vectors, as in {@link
 * SamplingNoiseVector}.
 */
final class SamplingColumnwiseVector implements SamplingColumnwise {
  private static final VectorSpecies<Float> F = Species.floats(MethodHandles.lookup());
  private static final VectorSpecies<Integer> I = Species.ints(MethodHandles.lookup());
  private static final IntVector IOTA = IntVector.zero(I).addIndex(1);

  private static final int LANES = F.length();

  /** The greatest rank that is found by insertion; a search takes about 8 passes. */
  private static final int INSERTED = 12;

  private static final int INSERTED_AT_ONCE = 4;

  /** Lanes of the lower halves of two vectors in turn, and of the upper halves. */
  private static final IntVector LOWER = riffled(0);

  private static final IntVector UPPER = riffled(LANES / 2);

  /** Binary digits of a lane's number. */
  private static final int STAGES = Integer.numberOfTrailingZeros(LANES);

  private static IntVector riffled(int first) {
    int[] lanes = new int[LANES];
    for (int i = 0; i < LANES; i++) {
      lanes[i] = first + i / 2 + i % 2 * LANES;
    }
    return IntVector.fromArray(I, lanes, 0);
  }

  private final SamplingCipher cipher =
      Lanes.load(SamplingCipher.class, "SamplingCipherVector", LANES);

  @Override
  public int lanes() {
    return LANES;
  }

  @Override
  public void transpose(float[] rows, int columns, int groups, float[] keys, float[] square) {
    for (int g = 0; g < groups; g++) {
      for (int c = 0; c < columns; c += LANES) {
        int from = g * LANES * columns + c;
        int at = (g * columns + c) * LANES;
        if (STAGES == 2) {
          riffleTwice(rows, from, columns, keys, at);
        } else if (STAGES == 3) {
          riffle(rows, from, columns, square);
          riffleTwice(square, 0, LANES, keys, at);
        } else {
          riffleTwice(rows, from, columns, square, 0);
          riffleTwice(square, 0, LANES, keys, at);
        }
      }
    }
  }

  /**
   * Deals the elements of the first half of a square's rows and those of the second half out in
   * turn. In the place of an element this turns the binary digits of row and column by one, so as
   * many stages as there are digits in a column exchange the two.
   */
  private static void riffle(float[] source, int from, int stride, float[] target) {
    for (int i = 0; i < LANES / 2; i++) {
      int second = from + (i + LANES / 2) * stride;
      IntVector x = FloatVector.fromArray(F, source, from + i * stride).reinterpretAsInts();
      IntVector y = FloatVector.fromArray(F, source, second).reinterpretAsInts();
      LOWER.selectFrom(x, y).reinterpretAsFloats().intoArray(target, 2 * i * LANES);
      UPPER.selectFrom(x, y).reinterpretAsFloats().intoArray(target, (2 * i + 1) * LANES);
    }
  }

  /** Two stages, of four rows each time. */
  private static void riffleTwice(float[] source, int from, int stride, float[] target, int at) {
    int quarter = LANES / 4 * stride;
    for (int i = 0; i < LANES / 4; i++) {
      int row = from + i * stride;
      int to = at + 4 * i * LANES;
      IntVector a = FloatVector.fromArray(F, source, row).reinterpretAsInts();
      IntVector b = FloatVector.fromArray(F, source, row + quarter).reinterpretAsInts();
      IntVector c = FloatVector.fromArray(F, source, row + 2 * quarter).reinterpretAsInts();
      IntVector d = FloatVector.fromArray(F, source, row + 3 * quarter).reinterpretAsInts();
      IntVector even = LOWER.selectFrom(a, c);
      IntVector odd = LOWER.selectFrom(b, d);
      LOWER.selectFrom(even, odd).reinterpretAsFloats().intoArray(target, to);
      UPPER.selectFrom(even, odd).reinterpretAsFloats().intoArray(target, to + LANES);
      even = UPPER.selectFrom(a, c);
      odd = UPPER.selectFrom(b, d);
      LOWER.selectFrom(even, odd).reinterpretAsFloats().intoArray(target, to + 2 * LANES);
      UPPER.selectFrom(even, odd).reinterpretAsFloats().intoArray(target, to + 3 * LANES);
    }
  }

  @Override
  public void words(
      SamplingCounters counters, int from, int to, int firstRow, Draw draw, int[] words) {
    cipher.words(counters, from, to, 0, firstRow, draw, words);
  }

  /**
   * The loops of a pass, called in a way that the compiler cannot inline, as in {@link
   * SamplingNoiseVector}.
   */
  private interface Pass {
    void run(float[] keys, int columns, int groups, int k, SamplingSearch search);
  }

  private static final Pass[] PASS = {
    (keys, columns, groups, k, search) -> count(keys, columns, groups, search),
    (keys, columns, groups, k, search) -> narrow(groups, k, search),
    (keys, columns, groups, k, search) -> choose(groups, k, search)
  };

  @Override
  public void thresholds(float[] keys, int columns, int groups, int k, SamplingSearch search) {
    // From above or from below, whichever is nearer.
    int flip = k <= columns - k + 1 ? 0 : -1;
    int rank = flip == 0 ? k : columns - k + 1;
    // There is room to insert a block; the candidates of a batch may be more.
    if (rank > INSERTED || columns * LANES > SamplingScratch.BLOCK) {
      searchThresholds(keys, columns, groups, k, search);
      return;
    }
    for (int g = 0; g < groups; g++) {
      ordinals(keys, g * columns * LANES, columns, flip, search.ordinals);
      Arrays.fill(search.top, 0, rank * LANES, Integer.MIN_VALUE);
      insert(search.ordinals, columns, rank, search.top);
      values(search.top, (rank - 1) * LANES, LANES, flip, search.thresholds, g * LANES);
    }
  }

  /** The places of keys in the order of all floats, ascending or descending. */
  private static void ordinals(float[] keys, int from, int columns, int flip, int[] ordinals) {
    for (int i = 0; i < columns * LANES; i += LANES) {
      IntVector bits = FloatVector.fromArray(F, keys, from + i).reinterpretAsInts();
      bits.lanewise(XOR, bits.lanewise(ASHR, 31).and(Integer.MAX_VALUE))
          .lanewise(XOR, flip)
          .intoArray(ordinals, i);
    }
    IntVector none = IntVector.broadcast(I, Integer.MIN_VALUE);
    for (int c = columns; c < columns + INSERTED_AT_ONCE - 1; c++) {
      none.intoArray(ordinals, c * LANES);
    }
  }

  /** The floats at places in the order of all floats, ascending or descending. */
  private static void values(
      int[] ordinals, int from, int length, int flip, float[] values, int at) {
    for (int i = 0; i < length; i += LANES) {
      IntVector ordinal = IntVector.fromArray(I, ordinals, from + i).lanewise(XOR, flip);
      ordinal
          .lanewise(XOR, ordinal.lanewise(ASHR, 31).and(Integer.MAX_VALUE))
          .reinterpretAsFloats()
          .intoArray(values, at + i);
    }
  }

  /**
   * Inserts columns, four at a time, into the sorted list of the greatest. An extreme of integers
   * goes through one of two ports, a comparison through the other: both are used, the former for
   * what the next step waits for. With narrower vectors, a blend is two operations.
   */
  private static void insert(int[] ordinals, int columns, int rank, int[] top) {
    for (int i = 0; i < columns * LANES; i += INSERTED_AT_ONCE * LANES) {
      IntVector a = IntVector.fromArray(I, ordinals, i);
      IntVector b = IntVector.fromArray(I, ordinals, i + LANES);
      IntVector c = IntVector.fromArray(I, ordinals, i + 2 * LANES);
      IntVector d = IntVector.fromArray(I, ordinals, i + 3 * LANES);
      for (int j = 0; j < rank * LANES; j += LANES) {
        IntVector held = IntVector.fromArray(I, top, j);
        IntVector next = held.max(a);
        a = LANES < 16 ? held.min(a) : a.blend(held, held.compare(LT, a));
        held = next.max(b);
        b = LANES < 16 ? next.min(b) : b.blend(next, next.compare(LT, b));
        next = held.max(c);
        c = LANES < 16 ? held.min(c) : c.blend(held, held.compare(LT, c));
        held = next.max(d);
        d = next.min(d);
        held.intoArray(top, j);
      }
    }
  }

  private void searchThresholds(
      float[] keys, int columns, int groups, int k, SamplingSearch search) {
    search.start(groups * LANES, columns, groups);
    do {
      for (Pass part : PASS) {
        part.run(keys, columns, groups, k, search);
      }
    } while (search.next(groups));
    values(search.low, 0, groups * LANES, 0, search.thresholds, 0);
    search.learn(LANES, k);
  }

  /** How many keys of every row are at least the trial. */
  private static void count(float[] keys, int columns, int groups, SamplingSearch search) {
    for (int g = 0; g < groups; g++) {
      if (!search.done[g]) {
        count(keys, g * columns * LANES, columns, search.trials, search.counts, g * LANES);
      }
    }
  }

  private static void count(
      float[] keys, int from, int columns, int[] trials, int[] counts, int at) {
    IntVector place = IntVector.fromArray(I, trials, at);
    FloatVector trial =
        place.lanewise(XOR, place.lanewise(ASHR, 31).and(Integer.MAX_VALUE)).reinterpretAsFloats();
    IntVector count = IntVector.zero(I);
    for (int i = from; i < from + columns * LANES; i += LANES) {
      VectorMask<Float> reach = FloatVector.fromArray(F, keys, i).compare(GE, trial);
      count = count.add(1, reach.cast(I));
    }
    count.intoArray(counts, at);
  }

  /** Narrows the brackets by the counts of the trials. */
  private static void narrow(int groups, int k, SamplingSearch search) {
    for (int i = 0; i < groups * LANES; i += LANES) {
      IntVector count = IntVector.fromArray(I, search.counts, i);
      IntVector trial = IntVector.fromArray(I, search.trials, i);
      VectorMask<Integer> enough = count.compare(GE, k);
      VectorMask<Integer> few = count.compare(LE, k);
      // Where the count is k, both ends meet.
      IntVector low = IntVector.fromArray(I, search.low, i).blend(trial, enough);
      IntVector high = IntVector.fromArray(I, search.high, i).blend(trial, few);
      low.intoArray(search.low, i);
      high.intoArray(search.high, i);
      IntVector.fromArray(I, search.lowCounts, i)
          .blend(count, enough)
          .intoArray(search.lowCounts, i);
      IntVector.fromArray(I, search.highCounts, i)
          .blend(count, few)
          .intoArray(search.highCounts, i);
      search.done[i / LANES] = low.add(1).compare(GE, high).allTrue();
    }
  }

  /** Trials where keys that are spread evenly would put the k-th greatest. */
  private static void choose(int groups, int k, SamplingSearch search) {
    for (int i = 0; i < groups * LANES; i += LANES) {
      IntVector low = IntVector.fromArray(I, search.low, i);
      IntVector high = IntVector.fromArray(I, search.high, i);
      IntVector trial = IntVector.fromArray(I, search.trials, i);
      // The floats at these places.
      FloatVector bottom =
          low.lanewise(XOR, low.lanewise(ASHR, 31).and(Integer.MAX_VALUE)).reinterpretAsFloats();
      FloatVector top =
          high.lanewise(XOR, high.lanewise(ASHR, 31).and(Integer.MAX_VALUE)).reinterpretAsFloats();
      FloatVector tried =
          trial
              .lanewise(XOR, trial.lanewise(ASHR, 31).and(Integer.MAX_VALUE))
              .reinterpretAsFloats();
      IntVector lowCounts = IntVector.fromArray(I, search.lowCounts, i);
      IntVector highCounts = IntVector.fromArray(I, search.highCounts, i);
      FloatVector lowCount = (FloatVector) lowCounts.convertShape(I2F, F, 0);
      FloatVector highCount = (FloatVector) highCounts.convertShape(I2F, F, 0);
      FloatVector share = highCount.neg().add(k + 0.5f).div(lowCount.sub(highCount).add(1));
      FloatVector between = bottom.sub(top).fma(share, top);
      // While one end is open: the count falls by a factor of 2 a step.
      IntVector counts = IntVector.fromArray(I, search.counts, i);
      FloatVector count = ((FloatVector) counts.convertShape(I2F, F, 0)).add(0.5f);
      IntVector ratio = count.reinterpretAsInts().sub(Float.floatToRawIntBits(k + 0.5f));
      FloatVector log2 = ((FloatVector) ratio.convertShape(I2F, F, 0)).mul(0x1p-23f);
      FloatVector beyond = log2.fma(FloatVector.broadcast(F, search.step), tried);
      VectorMask<Integer> closed =
          low.compare(GT, SamplingSearch.LOWEST).and(high.compare(LT, SamplingSearch.HIGHEST));
      IntVector bits = beyond.blend(between, closed.cast(F)).reinterpretAsInts();
      IntVector next = bits.lanewise(XOR, bits.lanewise(ASHR, 31).and(Integer.MAX_VALUE));
      VectorMask<Integer> outside = next.compare(LE, low).or(next.compare(GE, high));
      IntVector middle = low.and(high).add(low.lanewise(XOR, high).lanewise(ASHR, 1));
      next = next.blend(middle, outside.or(I.maskAll(search.halve)));
      next.blend(low, low.add(1).compare(GE, high)).intoArray(search.trials, i);
    }
  }

  @Override
  public void mark(float[] keys, int columns, int group, float[] thresholds, int[] marks) {
    FloatVector threshold =
        FloatVector.fromArray(F, thresholds, group * LANES).max(-Float.MAX_VALUE);
    int from = group * columns * LANES;
    for (int c = 0; c < columns; c++) {
      FloatVector key = FloatVector.fromArray(F, keys, from + c * LANES);
      marks[c] = (int) key.compare(GE, threshold).toLong();
    }
    for (int c = columns; c < columns + 2 * LANES; c++) {
      marks[c] = 0;
    }
  }

  @Override
  public boolean list(int[] marks, int columns, int rows, int k, int[] list, int at) {
    return columns <= 2 * LANES
        ? listPairs(marks, rows, k, list, at)
        : listLong(marks, columns, rows, k, list, at);
  }

  /** Rows of at most two vectors, whose marks stay in registers. */
  private static boolean listPairs(int[] marks, int rows, int k, int[] list, int at) {
    IntVector first = IntVector.fromArray(I, marks, 0);
    IntVector second = IntVector.fromArray(I, marks, LANES);
    IntVector behind = IOTA.add(LANES);
    int wrong = 0;
    for (int r = 0; r < rows; r++) {
      int start = at + r * k;
      VectorMask<Integer> one = first.and(1 << r).compare(NE, 0);
      VectorMask<Integer> two = second.and(1 << r).compare(NE, 0);
      int end = start + one.trueCount();
      IOTA.compress(one).intoArray(list, start);
      behind.compress(two).intoArray(list, end);
      wrong |= end + two.trueCount() - start - k;
    }
    return wrong == 0;
  }

  private static boolean listLong(int[] marks, int columns, int rows, int k, int[] list, int at) {
    int wrong = 0;
    for (int r = 0; r < rows; r++) {
      int end = at + r * k;
      for (int c = 0; c < columns; c += LANES) {
        VectorMask<Integer> marked = IntVector.fromArray(I, marks, c).and(1 << r).compare(NE, 0);
        IOTA.add(c).compress(marked).intoArray(list, end);
        end += marked.trueCount();
      }
      wrong |= end - at - (r + 1) * k;
    }
    return wrong == 0;
  }

  @Override
  public int list(int[] marks, int columns, int row, int[] list, int at) {
    int end = at;
    for (int c = 0; c < columns; c += LANES) {
      VectorMask<Integer> marked = IntVector.fromArray(I, marks, c).and(1 << row).compare(NE, 0);
      IOTA.add(c).compress(marked).intoArray(list, end);
      end += marked.trueCount();
    }
    return end;
  }
}
