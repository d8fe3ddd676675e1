// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cuda;

import io.github.kofn.internal.kernels.Draw;
import io.github.kofn.internal.kernels.SamplingKernels.DrawOutputs;
import io.github.kofn.internal.kernels.View;

/** Rows of a batch, as batches of their own. */
final class Slices {
  private Slices() {}

  /** The same memory from a row on; null for no view. */
  static View of(View view, long first, long rows) {
    if (view == null) {
      return null;
    }
    long offset = view.offset() + first * view.pitch() * view.type().bytes();
    return new View(
        view.buffer(), offset, view.type(), rows, view.columns(), view.pitch(), view.layout());
  }

  /** The same draw from a row on. */
  static Draw of(Draw draw, long first) {
    return new Draw(
        draw.noiseScale(), draw.seed(), draw.stream(), draw.step(), draw.firstRow() + first);
  }

  /** The same outputs from a row on. */
  static DrawOutputs of(DrawOutputs outputs, long first, long rows) {
    return new DrawOutputs(
        of(outputs.indices(), first, rows),
        outputs.drawOrder(),
        of(outputs.keys(), first, rows),
        of(outputs.bits(), first, rows),
        of(outputs.bytes(), first, rows),
        of(outputs.floats(), first, rows));
  }
}
