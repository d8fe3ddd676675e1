// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import io.github.kofn.internal.kernels.SamplingKernels.DrawOutputs;
import io.github.kofn.internal.kernels.View;
import java.util.Arrays;

/** Writes the rows whose winners' columns, ascending, and keys stand in scratch. */
final class SamplingOutputs {
  private final int n;
  private final int k;
  private final boolean drawOrder;
  private final SamplingRows indices;
  private final SamplingRows keys;
  private final SamplingRows bits;
  private final SamplingRows bytes;
  private final SamplingRows floats;

  SamplingOutputs(int n, int k, DrawOutputs outputs) {
    this.n = n;
    this.k = k;
    drawOrder = outputs.drawOrder();
    indices = rows(outputs.indices());
    keys = rows(outputs.keys());
    bits = rows(outputs.bits());
    bytes = rows(outputs.bytes());
    floats = rows(outputs.floats());
  }

  private static SamplingRows rows(View view) {
    return view == null ? null : new SamplingRows(view);
  }

  boolean needKeys() {
    return keys != null || (drawOrder && indices != null);
  }

  /**
   * Fills masks of whole rows with zeros. Called before the rows are worked on, so that memory
   * takes the zeros while keys are made: it is what writing a mask mostly waits for.
   */
  void clear(long row, int rows) {
    if (bytes != null) {
      bytes.clearRows(row, rows);
    }
    if (floats != null) {
      floats.clearRows(row, rows);
    }
  }

  /** Fills part of a row's masks with zeros. */
  void clear(long row, int column, int length) {
    if (bytes != null) {
      bytes.clear(row, column, length);
    }
    if (floats != null) {
      floats.clear(row, column, length);
    }
  }

  /** Writes; masks have been cleared. */
  void write(long row, int rows, SamplingScratch scratch) {
    if (bits != null) {
      writeBits(row, rows, scratch);
    }
    if (bytes != null) {
      bytes.setBytes(row, rows, scratch.columns, k);
    }
    if (floats != null) {
      floats.setFloats(row, rows, scratch.columns, k);
    }
    if (drawOrder && needKeys()) {
      for (int r = 0; r < rows; r++) {
        SamplingOrder.byKey(scratch.columns, scratch.winnerKeys, r * k, k, scratch);
      }
    }
    if (indices != null) {
      indices.writeColumns(row, rows, scratch.columns, scratch);
    }
    if (keys != null) {
      keys.writeRows(row, rows, scratch.winnerKeys, k);
    }
  }

  private void writeBits(long row, int rows, SamplingScratch scratch) {
    int words = Math.ceilDiv(n, 32);
    int[] target = scratch.bits(rows * words);
    Arrays.fill(target, 0, rows * words, 0);
    int[] columns = scratch.columns;
    for (int r = 0; r < rows; r++) {
      for (int i = r * k; i < (r + 1) * k; i++) {
        target[r * words + (columns[i] >>> 5)] |= 1 << columns[i];
      }
    }
    bits.writeColumns(row, rows, target, scratch);
  }
}
