// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.validation;

import io.github.kofn.DType;
import io.github.kofn.Tensor;
import io.github.kofn.sampling.DrawKey;
import io.github.kofn.sampling.GumbelTopK;
import io.github.kofn.sampling.Order;
import io.github.kofn.sampling.RelaxedTopK;
import io.github.kofn.sampling.Selection;
import java.util.Arrays;
import java.util.SplittableRandom;

/**
 * A relaxed sample, or its gradient, twice: near enough to the definition, and the same bits both
 * times.
 *
 * <p><b>The bound.</b> Let u = 2^-24, and m the greatest element of the exact row: at most 1 where
 * winners go in key order, at most k otherwise. What a path needs per row and per winner can be
 * held in double; what is of size n is F32: a weight {@code w = exp(-d)} with d a difference of
 * keys over tau. The difference, the division and exp cost a few units, and the rounding of d costs
 * w d u, where w d is at most 1 / e, so that an element is off by a few u relative to itself and by
 * u relative to m. The weights' sum adds log2 n roundings where it is summed as a tree, and the
 * mean of d over a softmax, at most ln n + 1, twice. Together, with room for exp's own error,
 *
 * <pre>
 * |soft - exact|     &lt;= u ((32 + 2 ln n + log2 n) exact + m)
 * |gradient - exact| &lt;= 2 u / tau (40 + 4 ln n + 2 log2 n) (exact soft + m) max|v|
 * </pre>
 *
 * Elements that can never be drawn are exactly 0. Weights below F32's normal numbers may be flushed
 * to 0, which costs k 2^-126 at most. The sum over a row is k within the sum of its bounds.
 *
 * @param sampling rows, n, k, logits and draw
 * @param tau the temperature
 * @param removal the order of removal
 * @param backward whether the gradient is computed
 */
record RelaxationCase(SamplingCase sampling, float tau, Order removal, boolean backward)
    implements Case {
  private static final double UNIT = 0x1p-24;

  @Override
  public Op op() {
    return Op.RELAXATION;
  }

  @Override
  public String type() {
    return sampling.type();
  }

  @Override
  public String shape() {
    return "%s %s tau=%s by %s"
        .formatted(backward ? "gradient" : "soft", sampling.shape(), Float.toString(tau), removal);
  }

  @Override
  public long work() {
    return sampling.work();
  }

  @Override
  public Check prepare() {
    int rows = sampling.rows();
    int n = sampling.n();
    float[] logits = sampling.values();
    float[] upstream =
        Numbers.random(new SplittableRandom(sampling.seed() + 1), DType.F32, rows * n);
    double[] expected = new double[rows * n];
    double[] bounds = new double[rows * n];
    for (int row = 0; row < rows; row++) {
      expectRow(row, logits, upstream, expected, bounds);
    }
    GumbelTopK sampler = GumbelTopK.of(sampling.k()).withNoiseScale(sampling.noiseScale());
    RelaxedTopK relaxed = new RelaxedTopK(tau, removal);
    String what = backward ? "gradient" : "soft";
    return (device, agreement) -> {
      try (SamplingCase.Rows placed = sampling.place(device, logits, rows);
          Selection selection = sampler.draw(placed.logits(), sampling.key());
          Tensor first = device.tensorOf(upstream, rows, n);
          Tensor second = device.tensorOf(upstream, rows, n)) {
        if (backward) {
          try (Tensor v = device.tensorOf(upstream, rows, n)) {
            relaxed.gradient(placed.logits(), selection, v, first);
          }
          relaxed.gradient(placed.logits(), selection, second, second);
        } else {
          relaxed.relax(placed.logits(), selection, first);
          relaxed.relax(placed.logits(), selection, second);
        }
        agreement.within(what, expected, bounds, first.toFloats());
        agreement.sameBits(what + " again", first.toFloats(), second.toFloats());
      }
    };
  }

  private void expectRow(
      int row, float[] logits, float[] upstream, double[] expected, double[] bounds) {
    int n = sampling.n();
    int k = sampling.k();
    DrawKey draw = sampling.key();
    float[] keys =
        GumbelKeys.of(
            Arrays.copyOfRange(logits, row * n, (row + 1) * n), sampling.noiseScale(), draw, row);
    int[] winners = Arrays.copyOf(GumbelKeys.order(keys), k);
    if (removal == Order.INDEX) {
      Arrays.sort(winners);
    }
    float[] v = Arrays.copyOfRange(upstream, row * n, (row + 1) * n);
    SuccessiveSoftmaxes exact = new SuccessiveSoftmaxes(keys, winners, tau, v);
    double m = greatest(exact.soft);
    double flushed = k * (double) Float.MIN_NORMAL;
    double logs = 2 * Math.log(n) + Math.log(n) / Math.log(2);
    double slope = 2 * greatestMagnitude(v) / tau;
    for (int i = 0; i < n; i++) {
      double soft = exact.soft[i];
      double relative = UNIT * (backward ? 40 + 2 * logs : 32 + logs);
      double bound =
          backward
              ? slope * (relative * (soft + m) + flushed)
              : relative * soft + UNIT * m + flushed;
      int at = row * n + i;
      expected[at] = backward ? exact.gradient[i] : soft;
      bounds[at] = exact.y[i] == Double.NEGATIVE_INFINITY ? 0 : bound;
    }
  }

  private static double greatest(double[] values) {
    return Arrays.stream(values).max().orElse(0);
  }

  private static double greatestMagnitude(float[] values) {
    double greatest = 0;
    for (float value : values) {
      greatest = Math.max(greatest, Math.abs(value));
    }
    return greatest;
  }
}
