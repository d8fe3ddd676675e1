// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import io.github.kofn.internal.kernels.SamplingKernels.DrawOutputs;
import io.github.kofn.internal.kernels.View;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/** Writes the rows whose winners' columns, keys and selection stand in scratch. */
final class SamplingOutputs {
  private static final VarHandle BYTES_AS_LONG =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

  /** The lowest bit of every byte. */
  private static final long LOWEST = 0x0101010101010101L;

  /** Words of a selection that are spread into a mask at a time, of a long row. */
  private static final int WORDS = 32;

  private final SamplingSelection selection;
  private final int n;
  private final int k;
  private final boolean drawOrder;
  private final SamplingRows indices;
  private final SamplingRows keys;
  private final SamplingRows bits;
  private final SamplingRows bytes;
  private final SamplingRows floats;

  SamplingOutputs(SamplingSelection selection, int n, int k, DrawOutputs outputs) {
    this.selection = selection;
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

  boolean needBits() {
    return bits != null || bytes != null || floats != null;
  }

  void write(long row, int rows, SamplingScratch scratch) {
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
    if (bits != null) {
      writeBits(row, rows, scratch);
    }
    if (bytes != null) {
      writeBytes(row, rows, scratch);
    }
    if (floats != null) {
      writeFloats(row, rows, scratch);
    }
  }

  private void writeBits(long row, int rows, SamplingScratch scratch) {
    int words = Math.ceilDiv(n, 64);
    int halves = Math.ceilDiv(n, 32);
    int[] target = scratch.columns(rows * halves + 1);
    for (int r = 0; r < rows; r++) {
      for (int i = 0; i < halves; i++) {
        target[r * halves + i] = (int) (scratch.bits[r * words + i / 2] >>> (32 * (i & 1)));
      }
    }
    bits.writeColumns(row, rows, target, scratch);
  }

  private void writeBytes(long row, int rows, SamplingScratch scratch) {
    int words = Math.ceilDiv(n, 64);
    int step = rows == 1 ? WORDS : words;
    byte[] mask = scratch.bytes(rows * Math.min(n, 64 * step) + 64);
    for (int first = 0; first < words; first += step) {
      int length = Math.min(64 * step, n - 64 * first);
      for (int r = 0; r < rows; r++) {
        for (int i = 0; i < length; i += 8) {
          long word = scratch.bits[r * words + first + i / 64];
          BYTES_AS_LONG.set(mask, r * n + i, Long.expand((word >>> i) & 0xff, LOWEST));
        }
      }
      bytes.writeBytes(row, 64 * first, rows, mask, Math.min(n, 64 * step), length);
    }
  }

  private void writeFloats(long row, int rows, SamplingScratch scratch) {
    int words = Math.ceilDiv(n, 64);
    int step = rows == 1 ? WORDS : words;
    float[] mask = scratch.floats(rows * Math.min(n, 64 * step) + 64);
    for (int first = 0; first < words; first += step) {
      int length = Math.min(64 * step, n - 64 * first);
      for (int r = 0; r < rows; r++) {
        int count = Math.ceilDiv(length, 64);
        selection.floats(scratch.bits, r * words + first, count, mask, r * n);
      }
      if (rows == 1) {
        floats.writePart(row, 64 * first, length, mask, 0);
      } else {
        floats.writeRows(row, rows, mask, n);
      }
    }
  }
}
