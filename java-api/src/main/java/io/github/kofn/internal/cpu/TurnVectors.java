// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandles;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/**
 * Moves weights with vectors of one width. Masks and shuffles are constants of the methods that use
 * them: passed to them, they would be objects that the compiler looks into at every use.
 */
final class TurnVectors implements TurnKernel {
  private static final VectorSpecies<Float> F = Species.floats(MethodHandles.lookup());
  private static final ByteOrder ORDER = ByteOrder.nativeOrder();
  private static final int L = F.length();
  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;

  /** The bytes of a vector. */
  private static final long V = 4L * L;

  private static final VectorMask<Float> UPPER_8 = upper(8);
  private static final VectorMask<Float> UPPER_4 = upper(4);
  private static final VectorMask<Float> UPPER_2 = upper(2);
  private static final VectorMask<Float> UPPER_1 = upper(1);
  private static final VectorShuffle<Float> SWAP_8 = swap(8);
  private static final VectorShuffle<Float> SWAP_4 = swap(4);
  private static final VectorShuffle<Float> SWAP_2 = swap(2);
  private static final VectorShuffle<Float> SWAP_1 = swap(1);

  /** The lanes whose number has a bit set. */
  private static VectorMask<Float> upper(int bit) {
    long lanes = 0;
    for (int l = 0; l < L; l++) {
      lanes |= (l & bit) == 0 ? 0 : 1L << l;
    }
    return VectorMask.fromLong(F, lanes);
  }

  /** Exchanges lanes whose numbers differ in a bit; none where lanes are fewer. */
  private static VectorShuffle<Float> swap(int bit) {
    return VectorShuffle.fromOp(F, l -> bit < L ? l ^ bit : l);
  }

  private static FloatVector load(MemorySegment from, long at) {
    return FloatVector.fromMemorySegment(F, from, at, ORDER);
  }

  @Override
  public int lanes() {
    return L;
  }

  /**
   * Lanes change places between rows, first halves of rows half a square apart, then quarters, down
   * to single lanes: two such steps on four rows at a time, with the target between them.
   */
  @Override
  public void square(
      MemorySegment from, long at, long distance, MemorySegment to, long toAt, long pitch) {
    MemorySegment rows = from.asSlice(at, (L - 1) * distance + V);
    MemorySegment turned = to.asSlice(toAt, (L - 1) * pitch + V);
    if (L == 16) {
      for (int i = 0; i < 4; i++) {
        quarters(rows, i * distance, 4 * distance, turned, i * pitch, 4 * pitch);
      }
      for (int i = 0; i < 16; i += 4) {
        lanes(turned, i * pitch, pitch, turned, i * pitch, pitch);
      }
    } else if (L == 8) {
      for (int i = 0; i < 4; i++) {
        two(rows, i * distance, 4 * distance, turned, i * pitch, 4 * pitch);
      }
      for (int i = 0; i < 8; i += 4) {
        lanes(turned, i * pitch, pitch, turned, i * pitch, pitch);
      }
    } else {
      lanes(rows, 0, distance, turned, 0, pitch);
    }
  }

  /** Halves change places between rows 0 and 2, 1 and 3; quarters between 0 and 1, 2 and 3. */
  private static void quarters(
      MemorySegment from, long at, long distance, MemorySegment to, long toAt, long pitch) {
    FloatVector a = load(from, at);
    FloatVector b = load(from, at + distance);
    FloatVector c = load(from, at + 2 * distance);
    FloatVector d = load(from, at + 3 * distance);
    FloatVector e = a.blend(c.rearrange(SWAP_8), UPPER_8);
    FloatVector f = b.blend(d.rearrange(SWAP_8), UPPER_8);
    FloatVector g = a.rearrange(SWAP_8).blend(c, UPPER_8);
    FloatVector h = b.rearrange(SWAP_8).blend(d, UPPER_8);
    e.blend(f.rearrange(SWAP_4), UPPER_4).intoMemorySegment(to, toAt, ORDER);
    e.rearrange(SWAP_4).blend(f, UPPER_4).intoMemorySegment(to, toAt + pitch, ORDER);
    g.blend(h.rearrange(SWAP_4), UPPER_4).intoMemorySegment(to, toAt + 2 * pitch, ORDER);
    g.rearrange(SWAP_4).blend(h, UPPER_4).intoMemorySegment(to, toAt + 3 * pitch, ORDER);
  }

  /** The same with pairs of lanes, then single ones. */
  private static void lanes(
      MemorySegment from, long at, long distance, MemorySegment to, long toAt, long pitch) {
    FloatVector a = load(from, at);
    FloatVector b = load(from, at + distance);
    FloatVector c = load(from, at + 2 * distance);
    FloatVector d = load(from, at + 3 * distance);
    FloatVector e = a.blend(c.rearrange(SWAP_2), UPPER_2);
    FloatVector f = b.blend(d.rearrange(SWAP_2), UPPER_2);
    FloatVector g = a.rearrange(SWAP_2).blend(c, UPPER_2);
    FloatVector h = b.rearrange(SWAP_2).blend(d, UPPER_2);
    e.blend(f.rearrange(SWAP_1), UPPER_1).intoMemorySegment(to, toAt, ORDER);
    e.rearrange(SWAP_1).blend(f, UPPER_1).intoMemorySegment(to, toAt + pitch, ORDER);
    g.blend(h.rearrange(SWAP_1), UPPER_1).intoMemorySegment(to, toAt + 2 * pitch, ORDER);
    g.rearrange(SWAP_1).blend(h, UPPER_1).intoMemorySegment(to, toAt + 3 * pitch, ORDER);
  }

  /** Exchanges halves of eight lanes between two rows. */
  private static void two(
      MemorySegment from, long at, long distance, MemorySegment to, long toAt, long pitch) {
    FloatVector a = load(from, at);
    FloatVector b = load(from, at + distance);
    a.blend(b.rearrange(SWAP_4), UPPER_4).intoMemorySegment(to, toAt, ORDER);
    a.rearrange(SWAP_4).blend(b, UPPER_4).intoMemorySegment(to, toAt + pitch, ORDER);
  }

  @Override
  public void lay(
      MemorySegment from, long at, long distance, int rows, float[] to, int toAt, int pitch) {
    for (int i = 0; i < rows; i++) {
      load(from, at + i * distance).intoArray(to, toAt + i * pitch);
    }
  }

  @Override
  public void copy(
      MemorySegment from,
      long at,
      long distance,
      int rows,
      int count,
      MemorySegment to,
      long toAt,
      long pitch) {
    int i = 0;
    for (; i + 2 * L <= count; i += 2 * L) {
      copyTwo(from, at + 4L * i, distance, rows, to, toAt + 4L * i, pitch);
    }
    for (; i + L <= count; i += L) {
      copyOne(from, at + 4L * i, distance, rows, to, toAt + 4L * i, pitch);
    }
    for (int r = 0; r < rows && i < count; r++) {
      long source = at + r * distance;
      long target = toAt + r * pitch;
      for (int j = i; j < count; j++) {
        to.set(FLOAT, target + 4L * j, from.get(FLOAT, source + 4L * j));
      }
    }
  }

  /**
   * Copies two vectors of each row. Rows come from beyond the second-level cache, and the less is
   * done for a row, the more of them the processor waits for at once.
   */
  private static void copyTwo(
      MemorySegment from,
      long at,
      long distance,
      int rows,
      MemorySegment to,
      long toAt,
      long pitch) {
    for (int r = 0; r < rows; r++) {
      MemorySegment source = from.asSlice(at + r * distance, 2 * V);
      MemorySegment target = to.asSlice(toAt + r * pitch, 2 * V);
      FloatVector a = load(source, 0);
      FloatVector b = load(source, V);
      a.intoMemorySegment(target, 0, ORDER);
      b.intoMemorySegment(target, V, ORDER);
    }
  }

  /** Copies a vector of each row. */
  private static void copyOne(
      MemorySegment from,
      long at,
      long distance,
      int rows,
      MemorySegment to,
      long toAt,
      long pitch) {
    for (int r = 0; r < rows; r++) {
      MemorySegment target = to.asSlice(toAt + r * pitch, V);
      load(from, at + r * distance).intoMemorySegment(target, 0, ORDER);
    }
  }
}
