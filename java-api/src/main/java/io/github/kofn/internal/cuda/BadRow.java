// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cuda;

import io.github.kofn.internal.kernels.Draw;
import io.github.kofn.internal.kernels.View;
import io.github.kofn.sampling.Gumbel;
import io.github.kofn.sampling.InvalidLogitsException;
import io.github.kofn.sampling.Philox;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** A kernel says only which row is bad; what is wrong with it is found here. */
final class BadRow {
  private BadRow() {}

  static InvalidLogitsException explain(
      CudaContext context, View logits, long row, int k, Draw draw) {
    int n = Math.toIntExact(logits.columns());
    int drawable = 0;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment host = arena.allocate((long) n * logits.type().bytes(), 8);
      long offset = logits.offset() + row * logits.pitch() * logits.type().bytes();
      context.copyOut(logits.buffer(), offset, host);
      int[] words = new int[4];
      for (int c = 0; c < n; c++) {
        float logit = element(host, logits, c);
        if (Float.isNaN(logit)) {
          return InvalidLogitsException.nan(row, c);
        }
        if (draw.noiseScale() != 0) {
          int globalRow = (int) (draw.firstRow() + row);
          Philox.words(draw.seed(), c >>> 2, globalRow, draw.stream(), draw.step(), words);
          logit = Math.fma(draw.noiseScale(), Gumbel.of(words[c & 3]), logit);
        }
        drawable += logit > Float.NEGATIVE_INFINITY ? 1 : 0;
      }
    }
    return InvalidLogitsException.tooFew(row, drawable, k);
  }

  private static float element(MemorySegment row, View logits, int column) {
    return switch (logits.type()) {
      case F32 -> row.getAtIndex(ValueLayout.JAVA_FLOAT, column);
      case F16 -> Float.float16ToFloat(row.getAtIndex(ValueLayout.JAVA_SHORT, column));
      case BF16 -> Float.intBitsToFloat(row.getAtIndex(ValueLayout.JAVA_SHORT, column) << 16);
      default -> throw new IllegalArgumentException("logits of " + logits.type());
    };
  }
}
