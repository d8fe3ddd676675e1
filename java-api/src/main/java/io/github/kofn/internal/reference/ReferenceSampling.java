// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.reference;

import io.github.kofn.internal.kernels.Draw;
import io.github.kofn.internal.kernels.SamplingKernels;
import io.github.kofn.internal.kernels.View;
import java.util.Arrays;

/** Row after row; after an error the rows from the offending one on are as they were. */
final class ReferenceSampling implements SamplingKernels {
  @Override
  public void draw(View logits, int k, Draw draw, DrawOutputs outputs) {
    for (long row = 0; row < logits.rows(); row++) {
      float[] keys = Keys.ofRow(logits, row, k, draw);
      int[] drawn = Arrays.copyOf(Keys.order(keys), k);
      if (!outputs.drawOrder()) {
        Arrays.sort(drawn);
      }
      write(outputs, row, keys, drawn);
    }
  }

  private static void write(DrawOutputs outputs, long row, float[] keys, int[] drawn) {
    if (outputs.indices() != null) {
      Elements indices = new Elements(outputs.indices());
      for (int i = 0; i < drawn.length; i++) {
        indices.set(row, i, drawn[i]);
      }
    }
    if (outputs.keys() != null) {
      Elements target = new Elements(outputs.keys());
      for (int i = 0; i < drawn.length; i++) {
        target.set(row, i, keys[drawn[i]]);
      }
    }
    if (outputs.bits() != null) {
      Elements words = new Elements(outputs.bits());
      int[] bits = new int[Math.ceilDiv(keys.length, 32)];
      for (int column : drawn) {
        bits[column / 32] |= 1 << column % 32;
      }
      for (int i = 0; i < bits.length; i++) {
        words.set(row, i, bits[i]);
      }
    }
    double[] mask = new double[keys.length];
    for (int column : drawn) {
      mask[column] = 1;
    }
    if (outputs.bytes() != null) {
      new Elements(outputs.bytes()).setRow(row, mask);
    }
    if (outputs.floats() != null) {
      new Elements(outputs.floats()).setRow(row, mask);
    }
  }

  @Override
  public void relax(View logits, Draw draw, Relaxation relaxation, View soft) {
    Elements target = new Elements(soft);
    for (long row = 0; row < logits.rows(); row++) {
      target.setRow(row, successiveSoftmax(logits, row, draw, relaxation).soft());
    }
  }

  @Override
  public void relaxGradient(
      View logits, Draw draw, Relaxation relaxation, View upstream, View gradient) {
    Elements source = new Elements(upstream);
    Elements target = new Elements(gradient);
    for (long row = 0; row < logits.rows(); row++) {
      double[] above = source.row(row);
      target.setRow(row, successiveSoftmax(logits, row, draw, relaxation).gradient(above));
    }
  }

  private static SuccessiveSoftmax successiveSoftmax(
      View logits, long row, Draw draw, Relaxation relaxation) {
    Elements winners = new Elements(relaxation.winners());
    int[] removal = new int[winners.columns()];
    for (int i = 0; i < removal.length; i++) {
      removal[i] = winners.getInt(row, i);
    }
    float[] keys = Keys.ofRow(logits, row, removal.length, draw);
    if (relaxation.byKey()) {
      removal = Keys.order(keys, removal);
    } else {
      Arrays.sort(removal);
    }
    return new SuccessiveSoftmax(Centred.of(keys, relaxation.tau()), removal, relaxation.tau());
  }

  @Override
  public void entropy(View logits, View entropy, View gradient, float weight) {
    for (long row = 0; row < logits.rows(); row++) {
      float[] values = Keys.logits(logits, row);
      Keys.checkDrawable(values, row, Math.min(1, values.length));
      RowEntropy of = new RowEntropy(Centred.of(values, 1));
      if (entropy != null) {
        new Elements(entropy).set(row, 0, of.value());
      }
      if (gradient != null) {
        Elements target = new Elements(gradient);
        for (int c = 0; c < values.length; c++) {
          target.set(row, c, target.get(row, c) + weight * of.gradient(c));
        }
      }
    }
  }
}
