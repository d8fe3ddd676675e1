// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import io.github.kofn.internal.kernels.Draw;
import io.github.kofn.internal.kernels.SamplingKernels;
import io.github.kofn.internal.kernels.View;
import java.util.Arrays;

/**
 * Splits rows over threads. No row's result depends on the split, nor on the width of the vectors
 * where it is contracted to the bit.
 */
final class CpuSampling implements SamplingKernels {
  /** Elements that are worth a hand-over between threads. */
  private static final int PART = 1 << 16;

  private final Workers workers;
  private final SamplingNoise noise;
  private final SamplingSelection selection;
  private final SamplingSoftmax softmax;

  /** Null without vectors. */
  private final SamplingColumnwise columnwise;

  private final SamplingScratch.Pool scratches;
  private final SamplingDraw.Regime forced;

  CpuSampling(int lanes, Workers workers) {
    this(lanes, workers, null);
  }

  /** With one way of selecting wherever it can be gone; null for the best. */
  CpuSampling(int lanes, Workers workers, SamplingDraw.Regime forced) {
    this.workers = workers;
    this.forced = forced;
    if (lanes == 1) {
      noise = new SamplingNoiseScalar();
      selection = new SamplingSelectionScalar();
      softmax = new SamplingSoftmaxScalar();
      columnwise = null;
    } else {
      noise = Lanes.load(SamplingNoise.class, "SamplingNoiseVector", lanes);
      selection = Lanes.load(SamplingSelection.class, "SamplingSelectionVector", lanes);
      softmax = Lanes.load(SamplingSoftmax.class, "SamplingSoftmaxVector", lanes);
      columnwise = Lanes.load(SamplingColumnwise.class, "SamplingColumnwiseVector", lanes);
    }
    scratches = new SamplingScratch.Pool(noise, selection);
  }

  @Override
  public void draw(View logits, int k, Draw draw, DrawOutputs outputs) {
    SamplingDraw rows =
        new SamplingDraw(noise, selection, columnwise, logits, k, draw, outputs, forced);
    int parts = logits.rows() < workers.threads() ? rows.parts(workers.threads()) : 1;
    if (parts > 1) {
      for (long row = 0; row < logits.rows(); row++) {
        drawInParts(rows, row, k, parts);
      }
    } else {
      forRows(logits, rows::rows);
    }
  }

  private void drawInParts(SamplingDraw rows, long row, int k, int parts) {
    SamplingScratch[] scratch = new SamplingScratch[parts];
    Arrays.setAll(scratch, i -> scratches.take());
    SamplingScratch own = scratches.take();
    int share = SamplingDraw.share(k, parts);
    workers.run(parts, part -> rows.part(row, part, parts, share, scratch[part]));
    if (!rows.join(row, scratch, share, own)) {
      workers.run(parts, part -> rows.part(row, part, parts, k, scratch[part]));
      rows.join(row, scratch, k, own);
    }
    for (SamplingScratch one : scratch) {
      scratches.giveBack(one);
    }
    scratches.giveBack(own);
  }

  /** Work on the rows from first until before last. */
  private interface RowRange {
    void run(long first, long last, SamplingScratch scratch);
  }

  private void forRows(View logits, RowRange work) {
    long rows = logits.rows();
    long perPart = Math.max(1, PART / Math.max(1, logits.columns()));
    perPart = Math.max(perPart, Math.ceilDiv(rows, 1L << 20));
    long step = workers.threads() == 1 ? Math.max(1, rows) : perPart;
    workers.run(
        Math.toIntExact(Math.ceilDiv(rows, step)),
        part -> {
          SamplingScratch scratch = scratches.take();
          work.run(part * step, Math.min(rows, (part + 1) * step), scratch);
          scratches.giveBack(scratch);
        });
  }

  @Override
  public void relax(View logits, Draw draw, Relaxation relaxation, View soft) {
    SamplingRelax rows =
        new SamplingRelax(noise, selection, softmax, logits, draw, relaxation, null, soft);
    forRows(logits, rows::rows);
  }

  @Override
  public void relaxGradient(
      View logits, Draw draw, Relaxation relaxation, View upstream, View gradient) {
    SamplingRelax rows =
        new SamplingRelax(noise, selection, softmax, logits, draw, relaxation, upstream, gradient);
    forRows(logits, rows::rows);
  }

  @Override
  public void entropy(View logits, View entropy, View gradient, float weight) {
    SamplingEntropy rows = new SamplingEntropy(noise, softmax, logits, entropy, gradient, weight);
    forRows(logits, rows::rows);
  }
}
