// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.reference;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.kofn.DType;
import io.github.kofn.Layout;
import io.github.kofn.internal.kernels.Draw;
import io.github.kofn.internal.kernels.SamplingKernels;
import io.github.kofn.internal.kernels.SamplingKernels.DrawOutputs;
import io.github.kofn.internal.kernels.View;
import io.github.kofn.sampling.Gumbel;
import io.github.kofn.sampling.InvalidLogitsException;
import io.github.kofn.sampling.Philox;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

/** Sets, orders and every output against a stable sort of boxed keys. */
class DrawTest {
  private static final double INF = Double.POSITIVE_INFINITY;
  private final SamplingKernels kernels = new ReferenceSampling();

  private record Entry(int column, float key) {}

  /** All outputs of one draw. */
  private record All(View indices, View ordered, View keys, View bits, View bytes, View floats) {}

  private All drawAll(View logits, int k, Draw draw, DType indexType) {
    long rows = logits.rows();
    long n = logits.columns();
    All all =
        new All(
            Matrices.zeros(indexType, rows, k),
            Matrices.zeros(indexType, rows, k),
            Matrices.zeros(DType.F32, rows, k),
            Matrices.zeros(DType.I32, rows, Math.ceilDiv(n, 32)),
            Matrices.zeros(DType.U8, rows, n),
            Matrices.zeros(DType.F32, rows, n));
    kernels.draw(
        logits, k, draw, new DrawOutputs(all.indices, false, null, all.bits, all.bytes, null));
    kernels.draw(
        logits, k, draw, new DrawOutputs(all.ordered, true, all.keys, null, null, all.floats));
    return all;
  }

  /** What must be drawn: keys from the public pieces, sorted by a comparator, stable in columns. */
  private static List<Entry> expected(double[] logits, int k, Draw draw, long row) {
    List<Entry> entries = new ArrayList<>();
    for (int c = 0; c < logits.length; c++) {
      long global = draw.firstRow() + row;
      float noise = Gumbel.of(Philox.word(draw.seed(), draw.stream(), draw.step(), global, c));
      float logit = (float) logits[c];
      float key = draw.noiseScale() == 0 ? logit : Math.fma(draw.noiseScale(), noise, logit);
      entries.add(new Entry(c, key));
    }
    entries.sort(Comparator.comparingDouble(e -> e.key == 0 ? 0.0 : -(double) e.key));
    return entries.subList(0, k);
  }

  private void assertDraw(View logits, int k, Draw draw, DType indexType) {
    All all = drawAll(logits, k, draw, indexType);
    for (int row = 0; row < logits.rows(); row++) {
      double[] values = Matrices.values(logits)[row];
      List<Entry> expected = expected(values, k, draw, row);
      double[] ordered = expected.stream().mapToDouble(Entry::column).toArray();
      double[] ascending = expected.stream().mapToDouble(Entry::column).sorted().toArray();
      double[] mask = new double[values.length];
      double[] bits = new double[Math.ceilDiv(values.length, 32)];
      for (Entry entry : expected) {
        mask[entry.column] = 1;
        long word = (long) bits[entry.column / 32] & 0xffffffffL;
        bits[entry.column / 32] = (int) (word | 1L << (entry.column % 32));
      }
      assertArrayEquals(ordered, Matrices.values(all.ordered)[row]);
      assertArrayEquals(ascending, Matrices.values(all.indices)[row]);
      assertArrayEquals(
          expected.stream().mapToDouble(Entry::key).toArray(), Matrices.values(all.keys)[row]);
      assertArrayEquals(mask, Matrices.values(all.bytes)[row]);
      assertArrayEquals(mask, Matrices.values(all.floats)[row]);
      assertArrayEquals(bits, Matrices.values(all.bits)[row]);
    }
  }

  /** Rows of few distinct values, so that most comparisons are ties when there is no noise. */
  @Property(tries = 300)
  void drawsWhatAStableSortGives(
      @ForAll @IntRange(max = 5) int rows,
      @ForAll @IntRange(min = 1, max = 140) int n,
      @ForAll @IntRange(max = 140) int wanted,
      @ForAll @IntRange(max = 3) int kind,
      @ForAll long seed) {
    Random random = new Random(seed);
    double[] palette = {0.0, -0.0, 1, -2.5, INF, 1e4, -1e4, 0x1p-140};
    double[][] values = new double[rows][n];
    for (double[] row : values) {
      for (int c = 0; c < n; c++) {
        row[c] = kind == 0 ? random.nextGaussian() : palette[random.nextInt(palette.length)];
      }
    }
    DType type = List.of(DType.F32, DType.F32, DType.BF16, DType.F16).get(kind);
    View logits = Matrices.of(type, Layout.ROW_MAJOR, values, n);
    float beta = List.of(1f, 0f, 0.5f).get(random.nextInt(3));
    long firstRow = random.nextBoolean() ? 0 : (1L << 32) - rows;
    Draw draw = new Draw(beta, seed, random.nextInt(), random.nextInt(), firstRow);
    assertDraw(logits, Math.min(wanted, n), draw, kind == 1 ? DType.U16 : DType.I32);
  }

  @Test
  void largeRowsAndAllOfThem() {
    for (int n : new int[] {1, 2, 31, 32, 33, 1023, 1025, 16385, 65536, 131071}) {
      Random random = new Random(n);
      double[] values = random.doubles(n, -3, 3).toArray();
      for (int k : new int[] {0, 1, n / 10, n - 1, n}) {
        assertDraw(Matrices.floats(values), k, new Draw(1, 7, 1, 2, 3), DType.I32);
      }
    }
  }

  @Test
  void noRowsAndNoColumns() {
    assertDraw(Matrices.zeros(DType.F32, 0, 5), 2, new Draw(1, 7, 1, 2, 3), DType.I32);
    assertDraw(Matrices.zeros(DType.F32, 3, 0), 0, new Draw(1, 7, 1, 2, 3), DType.I32);
  }

  @Test
  void aShardDrawsWhatTheWholeDraws() {
    double[][] values = new double[9][50];
    Random random = new Random(3);
    for (double[] row : values) {
      Arrays.setAll(row, i -> random.nextGaussian());
    }
    double[][] whole =
        Matrices.values(
            drawAll(Matrices.floats(values), 7, new Draw(1, 11, 2, 5, 100), DType.I32).indices);
    double[][] tail = Arrays.copyOfRange(values, 4, 9);
    double[][] shard =
        Matrices.values(
            drawAll(Matrices.floats(tail), 7, new Draw(1, 11, 2, 5, 104), DType.I32).indices);
    for (int row = 0; row < 5; row++) {
      assertArrayEquals(whole[row + 4], shard[row]);
    }
  }

  @Test
  void minusInfinityIsDrawnNeverAndInfinityFirst() {
    View logits = Matrices.floats(new double[] {-INF, 0, INF, -INF, 5, INF});
    for (int seed = 0; seed < 100; seed++) {
      All all = drawAll(logits, 4, new Draw(1, seed, 0, 0, 0), DType.I32);
      assertArrayEquals(new double[] {1, 2, 4, 5}, Matrices.values(all.indices)[0]);
      assertArrayEquals(new double[] {2, 5}, Arrays.copyOf(Matrices.values(all.ordered)[0], 2));
    }
  }

  @Test
  void errorsNameTheFirstOffendingRow() {
    double nan = Double.NaN;
    Draw draw = new Draw(1, 1, 1, 1, 40);
    assertError(
        2, "[2, 1]", draw, new double[][] {{1, 2, 3}, {1, 2, 3}, {0, nan, nan}, {nan, 0, 0}});
    assertError(0, "row 0 has 1 entries", draw, new double[][] {{-INF, -INF, 3}, {0, nan, 1}});
    assertError(1, "[1, 2]", draw, new double[][] {{1, 2, 3}, {-INF, -INF, nan}});
    assertError(1, "[1, 2]", new Draw(0, 1, 1, 1, 0), new double[][] {{1, 2, 3}, {1, 1, nan}});
  }

  private void assertError(long row, String text, Draw draw, double[][] values) {
    View logits = Matrices.floats(values);
    InvalidLogitsException error =
        assertThrows(InvalidLogitsException.class, () -> drawAll(logits, 2, draw, DType.I32));
    assertEquals(row, error.row());
    assertTrue(error.getMessage().contains(text), error.getMessage());
  }

  /** A noise scale that overflows keys counts them, not the logits. */
  @Test
  void keysBelowAllNumbersAreNotDrawable() {
    View logits = Matrices.zeros(DType.F32, 1, 64);
    InvalidLogitsException error =
        assertThrows(
            InvalidLogitsException.class,
            () -> drawAll(logits, 64, new Draw(3e38f, 5, 0, 0, 0), DType.I32));
    assertTrue(error.getMessage().startsWith("row 0 has "), error.getMessage());
  }
}
