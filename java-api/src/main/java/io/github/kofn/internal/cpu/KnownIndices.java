// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import io.github.kofn.internal.kernels.View;
import java.lang.foreign.MemorySegment;

/**
 * The indices that something was made of: they change without notice, so they are compared, at a
 * tenth of a nanosecond each, before what was made is believed.
 */
final class KnownIndices {
  private final MemorySegment known;

  /** Knows none of as many indices as a view has. */
  KnownIndices(View indices) {
    this.known = MemorySegment.ofArray(new byte[Math.toIntExact(bytes(indices))]);
  }

  private static long bytes(View indices) {
    return indices.rows() * indices.columns() * indices.type().bytes();
  }

  /** Whether a view has as many bytes of indices. */
  boolean fits(View indices) {
    return known.byteSize() == bytes(indices);
  }

  /** Whether indices are others than those met last; those are known from now on. */
  boolean change(View indices) {
    MemorySegment now = indices.segment().asSlice(0, known.byteSize());
    if (now.mismatch(known) < 0) {
      return false;
    }
    known.copyFrom(now);
    return true;
  }
}
