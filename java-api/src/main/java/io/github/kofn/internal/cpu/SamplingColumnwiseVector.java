// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.GE;
import static jdk.incubator.vector.VectorOperators.GT;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LE;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static jdk.incubator.vector.VectorOperators.LT;
import static jdk.incubator.vector.VectorOperators.NE;
import static jdk.incubator.vector.VectorOperators.XOR;

import io.github.kofn.internal.kernels.Draw;
import java.lang.invoke.MethodHandles;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorSpecies;

/** {@link Lanes#load Defined} once a vector width. */
final class SamplingColumnwiseVector implements SamplingColumnwise {
  private static final VectorSpecies<Float> F = Species.floats(MethodHandles.lookup());
  private static final VectorSpecies<Integer> I = Species.ints(MethodHandles.lookup());
  private static final VectorSpecies<Long> L = Species.longs(MethodHandles.lookup());
  private static final IntVector IOTA = IntVector.zero(I).addIndex(1);

  /** Rows that share a 64-bit lane's place: the even ones, and the odd ones behind them. */
  private static final LongVector EVEN = LongVector.zero(L).addIndex(2);

  private static final int LANES = F.length();
  private static final int WORDS = 4;

  /** The greatest rank that is found by insertion; a search takes about 8 passes. */
  private static final int INSERTED = 12;

  private static final int INSERTED_AT_ONCE = 4;

  /** Groups of four columns whose state is kept between the rounds and the joining. */
  private static final int STATE = SamplingNoise.STATE_LENGTH / (WORDS * LANES);

  private static final long LOW = 0xFFFFFFFFL;
  private static final long MULTIPLIER_0 = 0xD2511F53L;
  private static final long MULTIPLIER_1 = 0xCD9E8D57L;
  private static final long WEYL_0 = 0x9E3779B9L;
  private static final long WEYL_1 = 0xBB67AE85L;

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
        if (STAGES % 2 == 0) {
          riffle(rows, from, columns, square, 0);
        } else {
          riffle(rows, from, columns, keys, at);
        }
        for (int stage = STAGES - 1; stage > 0; stage--) {
          if (stage % 2 == 0) {
            riffle(keys, at, LANES, square, 0);
          } else {
            riffle(square, 0, LANES, keys, at);
          }
        }
      }
    }
  }

  /**
   * Deals the elements of the first half of a square's rows and those of the second half out in
   * turn. In the place of an element this turns the binary digits of row and column by one, so as
   * many stages as there are digits in a column exchange the two.
   */
  private static void riffle(float[] source, int from, int stride, float[] target, int at) {
    for (int i = 0; i < LANES / 2; i++) {
      int second = from + (i + LANES / 2) * stride;
      IntVector x = FloatVector.fromArray(F, source, from + i * stride).reinterpretAsInts();
      IntVector y = FloatVector.fromArray(F, source, second).reinterpretAsInts();
      int to = at + 2 * i * LANES;
      LOWER.selectFrom(x, y).reinterpretAsFloats().intoArray(target, to);
      UPPER.selectFrom(x, y).reinterpretAsFloats().intoArray(target, to + LANES);
    }
  }

  @Override
  public void words(long firstRow, int columns, int groups, Draw draw, long[] state, int[] words) {
    int counters = Math.ceilDiv(columns, WORDS);
    int all = groups * counters;
    for (int i = 0; i < all; i += STATE) {
      int count = Math.min(STATE, all - i);
      rounds(firstRow, counters, i, count, draw, state);
      join(state, counters, columns, i, count, words);
    }
  }

  /**
   * The ciphers of some counters, a group's one after the other, as in {@link SamplingNoiseVector}:
   * even and odd rows of the first word, then of the second, third and fourth. The first round's
   * multiplications are the same for all rows. Two counters at a time hide each other's latency.
   */
  private static void rounds(
      long firstRow, int counters, int from, int count, Draw draw, long[] state) {
    LongVector low = LongVector.broadcast(L, LOW);
    LongVector multiplier0 = LongVector.broadcast(L, MULTIPLIER_0).and(low);
    LongVector multiplier1 = LongVector.broadcast(L, MULTIPLIER_1).and(low);
    long product1 = (draw.stream() & LOW) * MULTIPLIER_1;
    long first = (product1 >>> 32) ^ (draw.seed() & LOW);
    long third = draw.step() ^ draw.seed() >>> 32;
    long row = firstRow + (long) (from / counters) * LANES;
    int counter = from % counters;
    for (int i = 0; i < count; i += 2) {
      long product0 = counter * MULTIPLIER_0;
      LongVector c0 = EVEN.add(row).lanewise(XOR, first);
      LongVector c1 = LongVector.broadcast(L, product1);
      LongVector c2 = LongVector.broadcast(L, product0 >>> 32 ^ third);
      LongVector c3 = LongVector.broadcast(L, product0);
      LongVector d0 = EVEN.add(row + 1).lanewise(XOR, first);
      LongVector d1 = c1;
      LongVector d2 = c2;
      LongVector d3 = c3;
      counter++;
      row += counter == counters ? LANES : 0;
      counter = counter == counters ? 0 : counter;
      product0 = counter * MULTIPLIER_0;
      LongVector e0 = EVEN.add(row).lanewise(XOR, first);
      LongVector e1 = c1;
      LongVector e2 = LongVector.broadcast(L, product0 >>> 32 ^ third);
      LongVector e3 = LongVector.broadcast(L, product0);
      LongVector f0 = EVEN.add(row + 1).lanewise(XOR, first);
      LongVector f1 = c1;
      LongVector f2 = e2;
      LongVector f3 = e3;
      counter++;
      row += counter == counters ? LANES : 0;
      counter = counter == counters ? 0 : counter;
      long k0 = draw.seed();
      long k1 = draw.seed() >>> 32;
      for (int round = 1; round < 10; round++) {
        k0 += WEYL_0;
        k1 += WEYL_1;
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
      }
      int at = i * WORDS * LANES;
      c0.intoArray(state, at);
      d0.intoArray(state, at + L.length());
      c1.intoArray(state, at + 2 * L.length());
      d1.intoArray(state, at + 3 * L.length());
      c2.intoArray(state, at + 4 * L.length());
      d2.intoArray(state, at + 5 * L.length());
      c3.intoArray(state, at + 6 * L.length());
      d3.intoArray(state, at + 7 * L.length());
      e0.intoArray(state, at + 8 * L.length());
      f0.intoArray(state, at + 9 * L.length());
      e1.intoArray(state, at + 10 * L.length());
      f1.intoArray(state, at + 11 * L.length());
      e2.intoArray(state, at + 12 * L.length());
      f2.intoArray(state, at + 13 * L.length());
      e3.intoArray(state, at + 14 * L.length());
      f3.intoArray(state, at + 15 * L.length());
    }
  }

  /** The upper 31 bits of the words of even and odd rows, in their order. */
  private static void join(
      long[] state, int counters, int columns, int from, int count, int[] words) {
    int group = from / counters;
    int counter = from % counters;
    for (int i = 0; i < count; i++) {
      int at = (group * columns + counter * WORDS) * LANES;
      for (int word = 0; word < WORDS; word++) {
        int source = (i * WORDS + word) * LANES;
        LongVector even = LongVector.fromArray(L, state, source);
        LongVector odd = LongVector.fromArray(L, state, source + L.length());
        LongVector pairs = even.and(LOW).or(odd.lanewise(LSHL, 32));
        pairs.reinterpretAsInts().lanewise(LSHR, 1).intoArray(words, at + word * LANES);
      }
      counter++;
      group += counter == counters ? 1 : 0;
      counter = counter == counters ? 0 : counter;
    }
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
    if (rank > INSERTED) {
      searchThresholds(keys, columns, groups, k, search);
      return;
    }
    for (int g = 0; g < groups; g++) {
      ordinals(keys, g * columns * LANES, columns, flip, search.ordinals);
      Arrays.fill(search.top, 0, rank * LANES, Integer.MIN_VALUE);
      insert(search.ordinals, columns, rank, search.top);
      IntVector found = IntVector.fromArray(I, search.top, (rank - 1) * LANES);
      value(found.lanewise(XOR, flip)).intoArray(search.thresholds, g * LANES);
    }
  }

  /** The places of keys in the order of all floats, ascending or descending. */
  private static void ordinals(float[] keys, int from, int columns, int flip, int[] ordinals) {
    for (int i = 0; i < columns * LANES; i += LANES) {
      IntVector bits = FloatVector.fromArray(F, keys, from + i).reinterpretAsInts();
      ordinal(bits).lanewise(XOR, flip).intoArray(ordinals, i);
    }
    IntVector none = IntVector.broadcast(I, Integer.MIN_VALUE);
    for (int c = columns; c < columns + INSERTED_AT_ONCE - 1; c++) {
      none.intoArray(ordinals, c * LANES);
    }
  }

  /** Inserts columns, four at a time, into the sorted list of the greatest. */
  private static void insert(int[] ordinals, int columns, int rank, int[] top) {
    for (int i = 0; i < columns * LANES; i += INSERTED_AT_ONCE * LANES) {
      IntVector a = IntVector.fromArray(I, ordinals, i);
      IntVector b = IntVector.fromArray(I, ordinals, i + LANES);
      IntVector c = IntVector.fromArray(I, ordinals, i + 2 * LANES);
      IntVector d = IntVector.fromArray(I, ordinals, i + 3 * LANES);
      for (int j = 0; j < rank * LANES; j += LANES) {
        IntVector held = IntVector.fromArray(I, top, j);
        IntVector next = held.max(a);
        a = held.min(a);
        held = next.max(b);
        b = next.min(b);
        next = held.max(c);
        c = held.min(c);
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
    for (int i = 0; i < groups * LANES; i += LANES) {
      value(IntVector.fromArray(I, search.low, i)).intoArray(search.thresholds, i);
    }
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
    FloatVector trial = value(IntVector.fromArray(I, trials, at));
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
      FloatVector lowCount = toFloat(IntVector.fromArray(I, search.lowCounts, i));
      FloatVector highCount = toFloat(IntVector.fromArray(I, search.highCounts, i));
      FloatVector top = value(high);
      FloatVector share = highCount.neg().add(k + 0.5f).div(lowCount.sub(highCount).add(1));
      FloatVector between = value(low).sub(top).fma(share, top);
      // While one end is open: the count falls by a factor of 2 a step.
      FloatVector count = toFloat(IntVector.fromArray(I, search.counts, i)).add(0.5f);
      int bits = Float.floatToRawIntBits(k + 0.5f);
      FloatVector log2 = toFloat(count.reinterpretAsInts().sub(bits)).mul(0x1p-23f);
      FloatVector beyond =
          log2.fma(broadcast(search.step), value(IntVector.fromArray(I, search.trials, i)));
      VectorMask<Integer> closed =
          low.compare(GT, SamplingSearch.LOWEST).and(high.compare(LT, SamplingSearch.HIGHEST));
      IntVector next = ordinal(beyond.blend(between, closed.cast(F)).reinterpretAsInts());
      VectorMask<Integer> outside = next.compare(LE, low).or(next.compare(GE, high));
      next = next.blend(middle(low, high), outside.or(I.maskAll(search.halve)));
      next.blend(low, low.add(1).compare(GE, high)).intoArray(search.trials, i);
    }
  }

  private static IntVector middle(IntVector low, IntVector high) {
    return low.and(high).add(low.lanewise(XOR, high).lanewise(ASHR, 1));
  }

  /** The floats at places in the order of all floats, and the other way round. */
  private static FloatVector value(IntVector ordinals) {
    return ordinal(ordinals).reinterpretAsFloats();
  }

  private static IntVector ordinal(IntVector bits) {
    return bits.lanewise(XOR, bits.lanewise(ASHR, 31).and(Integer.MAX_VALUE));
  }

  private static FloatVector broadcast(float value) {
    return FloatVector.broadcast(F, value);
  }

  private static FloatVector toFloat(IntVector v) {
    return (FloatVector) v.convertShape(I2F, F, 0);
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
