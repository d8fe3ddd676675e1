// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.reference;

import io.github.kofn.internal.kernels.ProductKernels;
import io.github.kofn.internal.kernels.View;
import io.github.kofn.sparse.Activation;
import io.github.kofn.sparse.KofNLayout;

/**
 * The products as their formulas say, term by term, with sums in double in ascending order. A
 * product of two stored elements is exact in double, and so is a sum of integer products. Inputs
 * that an output does not keep are never read for it, so what they hold does not matter.
 */
final class ReferenceProducts implements ProductKernels {
  @Override
  public void multiply(Pattern pattern, View x, View y, Finish finish) {
    KeptBlocks kept = new KeptBlocks(pattern);
    Elements weights = new Elements(pattern.values());
    Elements inputs = new Elements(x);
    FinishedSums target = new FinishedSums(finish, y);
    for (long b = 0; b < x.rows(); b++) {
      double[] example = inputs.row(b);
      for (int o = 0; o < pattern.layout().out(); o++) {
        double[] sum = {0};
        kept.forEach(o, (i, position) -> sum[0] += example[i] * weights.at(position));
        target.store(b, o, sum[0]);
      }
    }
  }

  /** The pattern alone defines the result; the companion is a way to it that others take. */
  @Override
  public void inputGradient(
      Pattern pattern, Companion companion, View dy, View dx, Activation derivative, View z) {
    KeptBlocks kept = new KeptBlocks(pattern);
    Elements weights = new Elements(pattern.values());
    Elements upstream = new Elements(dy);
    Elements target = new Elements(dx);
    for (long b = 0; b < dy.rows(); b++) {
      double[] sums = new double[pattern.layout().in()];
      for (int o = 0; o < pattern.layout().out(); o++) {
        double dyo = upstream.get(b, o);
        kept.forEach(o, (i, position) -> sums[i] += dyo * weights.at(position));
      }
      if (derivative != null) {
        double[] preActivations = new Elements(z).row(b);
        for (int i = 0; i < sums.length; i++) {
          sums[i] *= Activations.derivative(derivative, preActivations[i]);
        }
      }
      target.setRow(b, sums);
    }
  }

  /** Elements of packed blocks beyond the matrix's edge get the gradient 0. */
  @Override
  public void weightGradient(Pattern pattern, View x, View dy, View target) {
    if (pattern.packed()) {
      clear(target);
    }
    Pattern gradient = new Pattern(pattern.layout(), pattern.indices(), pattern.packed(), target);
    KeptBlocks kept = new KeptBlocks(gradient);
    Elements inputs = new Elements(x);
    Elements upstream = new Elements(dy);
    Elements sums = new Elements(target);
    for (int o = 0; o < pattern.layout().out(); o++) {
      int output = o;
      kept.forEach(
          o, (i, position) -> sums.put(position, correlation(upstream, output, inputs, i)));
    }
  }

  /** The sum over the batch of dY[b, o] X[b, i]. */
  private static double correlation(Elements dy, int o, Elements x, int i) {
    double sum = 0;
    for (long b = 0; b < x.rows(); b++) {
      sum += dy.get(b, o) * x.get(b, i);
    }
    return sum;
  }

  @Override
  public void maskGradient(KofNLayout layout, View weights, View x, View dy, View target) {
    Elements w = new Elements(weights);
    Elements inputs = new Elements(x);
    Elements upstream = new Elements(dy);
    Elements result = new Elements(target);
    double[][] sums = new double[layout.blockRows()][layout.blockColumns()];
    for (int o = 0; o < layout.out(); o++) {
      double[] row = sums[o / layout.blockOut()];
      for (int i = 0; i < layout.in(); i++) {
        row[i / layout.blockIn()] += w.get(o, i) * correlation(upstream, o, inputs, i);
      }
    }
    for (int row = 0; row < sums.length; row++) {
      result.setRow(row, sums[row]);
    }
  }

  @Override
  public void activationGradient(
      View dy, Activation activation, View z, float scale, View dz, View dBias) {
    Elements upstream = new Elements(dy);
    Elements preActivations = activation == Activation.IDENTITY ? null : new Elements(z);
    Elements target = dz == null ? null : new Elements(dz);
    double[] sums = new double[upstream.columns()];
    for (long b = 0; b < dy.rows(); b++) {
      for (int f = 0; f < sums.length; f++) {
        double gradient = upstream.get(b, f);
        if (preActivations != null) {
          gradient *= Activations.derivative(activation, preActivations.get(b, f));
        }
        sums[f] += gradient;
        if (target != null) {
          target.set(b, f, scale * gradient);
        }
      }
    }
    if (dBias != null) {
      new Elements(dBias).setRow(0, sums);
    }
  }

  /** A counting sort by column; rows, visited in order, stay ascending. */
  @Override
  public void transpose(KofNLayout layout, View indices, Companion companion) {
    Elements columns = new Elements(indices);
    int[] next = new int[layout.blockColumns() + 1];
    for (int row = 0; row < layout.blockRows(); row++) {
      for (int slot = 0; slot < layout.k(); slot++) {
        next[columns.getInt(row, slot) + 1]++;
      }
    }
    Elements starts = new Elements(companion.starts());
    for (int column = 0; column < next.length; column++) {
      next[column] += column == 0 ? 0 : next[column - 1];
      starts.set(0, column, next[column]);
    }
    Elements rows = new Elements(companion.rows());
    Elements slots = new Elements(companion.slots());
    for (int row = 0; row < layout.blockRows(); row++) {
      for (int slot = 0; slot < layout.k(); slot++) {
        int entry = next[columns.getInt(row, slot)]++;
        rows.set(0, entry, row);
        slots.set(0, entry, slot);
      }
    }
  }

  @Override
  public void pack(Pattern source, View target) {
    if (source.packed()) {
      densify(source, target);
      return;
    }
    clear(target);
    Pattern packed = new Pattern(source.layout(), source.indices(), true, target);
    KeptBlocks kept = new KeptBlocks(packed);
    Elements dense = new Elements(source.values());
    Elements blocks = new Elements(target);
    for (int o = 0; o < source.layout().out(); o++) {
      int output = o;
      kept.forEach(o, (i, position) -> blocks.put(position, dense.get(output, i)));
    }
  }

  @Override
  public void densify(Pattern source, View target) {
    KeptBlocks kept = new KeptBlocks(source);
    Elements values = new Elements(source.values());
    Elements dense = new Elements(target);
    for (int o = 0; o < source.layout().out(); o++) {
      double[] row = new double[source.layout().in()];
      kept.forEach(o, (i, position) -> row[i] = values.at(position));
      dense.setRow(o, row);
    }
  }

  @Override
  public void convert(View source, View target) {
    Elements from = new Elements(source);
    Elements to = new Elements(target);
    for (long row = 0; row < source.rows(); row++) {
      for (long column = 0; column < source.columns(); column++) {
        to.copy(row, column, from);
      }
    }
  }

  private static void clear(View view) {
    Elements elements = new Elements(view);
    for (long row = 0; row < view.rows(); row++) {
      elements.setRow(row, new double[elements.columns()]);
    }
  }
}
