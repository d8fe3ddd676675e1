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

  /** Fills part of a row's masks with zeros, if it is longer than a block. */
  void clear(long row, int column, int length) {
    if (bytes != null) {
      bytes.clear(row, column, length);
    }
    if (floats != null) {
      floats.clear(row, column, length);
    }
  }

  /** Writes; the masks of rows that are longer than a block have been cleared. */
  void write(long row, int rows, SamplingScratch scratch) {
    if (bits != null) {
      writeBits(row, rows, scratch);
    }
    if (bytes != null) {
      writeBytes(row, rows, scratch);
    }
    if (floats != null) {
      writeFloats(row, rows, scratch);
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

  private void writeBytes(long row, int rows, SamplingScratch scratch) {
    if (n > SamplingScratch.BLOCK) {
      bytes.setBytes(row, scratch.columns, k);
      return;
    }
    byte[] mask = scratch.bytes(rows * n);
    Arrays.fill(mask, 0, rows * n, (byte) 0);
    int[] columns = scratch.columns;
    for (int r = 0; r < rows; r++) {
      for (int i = r * k; i < (r + 1) * k; i++) {
        mask[r * n + columns[i]] = 1;
      }
    }
    bytes.writeBytes(row, rows, mask);
  }

  private void writeFloats(long row, int rows, SamplingScratch scratch) {
    if (n > SamplingScratch.BLOCK) {
      floats.setFloats(row, scratch.columns, k);
      return;
    }
    float[] mask = scratch.floats(rows * n);
    Arrays.fill(mask, 0, rows * n, 0);
    int[] columns = scratch.columns;
    for (int r = 0; r < rows; r++) {
      for (int i = r * k; i < (r + 1) * k; i++) {
        mask[r * n + columns[i]] = 1;
      }
    }
    floats.writeRows(row, rows, mask, n);
  }
}
