// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.validation;

import io.github.kofn.DType;
import io.github.kofn.Device;
import io.github.kofn.Tensor;
import io.github.kofn.sampling.DrawKey;
import io.github.kofn.sampling.GumbelTopK;
import io.github.kofn.sampling.InvalidLogitsException;
import io.github.kofn.sampling.Selection;
import java.util.Arrays;
import java.util.SplittableRandom;

/**
 * One row that cannot be drawn from: the error names it, in the same words everywhere.
 *
 * @param rows how many rows
 * @param n columns
 * @param k entries drawn from each row
 * @param logits their type
 * @param nan whether the row holds a NaN; else it has k - 1 drawable entries
 * @param badRow which row
 * @param badColumn where the NaN is
 * @param seed what logits and draw are made from
 */
record InvalidLogitsCase(
    int rows, int n, int k, DType logits, boolean nan, int badRow, int badColumn, long seed)
    implements Case {

  @Override
  public Op op() {
    return Op.SAMPLING;
  }

  @Override
  public String type() {
    return logits.toString();
  }

  @Override
  public String shape() {
    return "[%d, %d] k=%d %s"
        .formatted(
            rows,
            n,
            k,
            nan
                ? "NaN at [" + badRow + ", " + badColumn + "]"
                : "too few entries in row " + badRow);
  }

  @Override
  public long work() {
    return (long) rows * n;
  }

  @Override
  public Check prepare() {
    SplittableRandom random = new SplittableRandom(seed);
    DrawKey key = DrawKey.of(random.nextLong(), 7);
    float[] values = Numbers.random(random, logits, rows * n);
    if (nan) {
      values[badRow * n + badColumn] = Float.NaN;
    } else {
      Arrays.fill(values, badRow * n + k - 1, (badRow + 1) * n, Float.NEGATIVE_INFINITY);
    }
    String expected =
        (nan
                ? InvalidLogitsException.nan(badRow, badColumn)
                : InvalidLogitsException.tooFew(badRow, k - 1L, k))
            .getMessage();
    return (device, agreement) -> draw(device, values, key, expected, agreement);
  }

  private void draw(
      Device device, float[] values, DrawKey key, String expected, Agreement agreement) {
    try (Tensor tensor = Numbers.tensor(device, logits, values, rows, n);
        Selection selection = GumbelTopK.of(k).draw(tensor, key)) {
      agreement.fail("drew " + selection.indices() + "; expected the error: " + expected);
    } catch (InvalidLogitsException e) {
      if (!expected.equals(e.getMessage()) || e.row() != badRow) {
        agreement.fail("the error is: " + e.getMessage() + "; expected: " + expected);
      }
    }
  }
}
