// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import io.github.kofn.Layout;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorSpecies;

/** Rows are filled by vectors: a load, an expansion and a store for as many inputs as lanes. */
final class FillVectors implements FillKernel {
  private static final VectorSpecies<Float> F = Species.floats(MethodHandles.lookup());
  private static final ByteOrder ORDER = ByteOrder.nativeOrder();
  private static final int L = F.length();
  private static final long LANES = (1L << L) - 1;

  @Override
  public void expand(
      MemorySegment kept,
      long at,
      long[] masks,
      int maskAt,
      int pieces,
      MemorySegment to,
      long toAt,
      long apart) {
    long from = at;
    for (int p = 0; p < pieces; p++) {
      long mask = masks[maskAt + p];
      MemorySegment source = kept.asSlice(from, 4L * Layout.PANEL);
      MemorySegment piece = to.asSlice(toAt + p * apart, 4L * Layout.PANEL);
      for (int i = 0; i < Layout.PANEL; i += L) {
        // Counted from the piece's first weight, so that vectors do not wait for each other.
        long before = 4L * Long.bitCount(mask & ((1L << i) - 1));
        FloatVector.fromMemorySegment(F, source, before, ORDER)
            .expand(VectorMask.fromLong(F, mask >>> i & LANES))
            .intoMemorySegment(piece, 4L * i, ORDER);
      }
      from += 4L * Long.bitCount(mask);
    }
  }

  @Override
  public void select(
      MemorySegment row,
      long at,
      long[] masks,
      int maskAt,
      int pieces,
      MemorySegment to,
      long toAt,
      long apart) {
    FloatVector zero = FloatVector.zero(F);
    for (int p = 0; p < pieces; p++) {
      long mask = masks[maskAt + p];
      MemorySegment source = row.asSlice(at + 4L * Layout.PANEL * p, 4L * Layout.PANEL);
      MemorySegment piece = to.asSlice(toAt + p * apart, 4L * Layout.PANEL);
      for (int i = 0; i < Layout.PANEL; i += L) {
        FloatVector all = FloatVector.fromMemorySegment(F, source, 4L * i, ORDER);
        zero.blend(all, VectorMask.fromLong(F, mask >>> i & LANES))
            .intoMemorySegment(piece, 4L * i, ORDER);
      }
    }
  }
}
