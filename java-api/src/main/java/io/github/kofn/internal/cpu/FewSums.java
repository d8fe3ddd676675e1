// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import io.github.kofn.internal.kernels.ProductKernels.Pattern;
import io.github.kofn.internal.kernels.View;
import io.github.kofn.sparse.KofNLayout;
import java.util.Arrays;

/**
 * Products of blocks with a few examples. They take as long as it takes to read the kept weights, 4
 * bytes each; so these are read once, as they lie, and nothing is made of them.
 *
 * <pre>
 *              inputs of a block          forward: vectors along the inputs, so many partial sums
 *            [ w  w  w  w | w  w .. ]     an output, which are added up when a part is done
 *  outputs   [ w  w  w  w | w  w .. ]     backward: the same vectors are sums of dX, which all
 *            [ w  w  w  w | w  w .. ]     block rows are added to, one after the other
 * </pre>
 */
final class FewSums {
  /** Examples, at most. */
  private static final int MOST = 8;

  /** Outputs of a part, at most: their partial sums stay in the first-level cache. */
  private static final int OUTPUTS = 256;

  private static final int EIGHT = StripKernel.EIGHT;
  private static final int FOUR = StripKernel.FOUR;

  private final ProductWidths widths;
  private final Workers workers;

  FewSums(ProductWidths widths, Workers workers) {
    this.widths = widths;
    this.workers = workers;
  }

  /** Whether a product of so many examples, forward or backward, is computed so. */
  boolean suits(Pattern pattern, long batch, boolean forward) {
    KofNLayout l = pattern.layout();
    return widths.lanes() > 1
        && batch > 0
        && batch <= MOST
        && l.out() > 0
        && l.in() > 1
        && l.k() > 0
        && (l.blockIn() > 1
            || BlockRows.isRowsOfAll(pattern)
            || (forward && isStacked(pattern, batch)))
        && (long) Math.max(l.in(), l.out()) * 2 * MOST < Integer.MAX_VALUE;
  }

  /**
   * Whether weights of an input lie side by side for enough outputs. Four outputs of more than four
   * examples are better computed with vectors along the batch.
   */
  private static boolean isStacked(Pattern pattern, long batch) {
    return pattern.packed() && pattern.layout().blockOut() >= (batch <= FOUR ? FOUR : EIGHT);
  }

  /** Computes Y. */
  void forward(Pattern pattern, View x, View y, ProductFinish finish) {
    BlockRows rows = BlockRows.of(pattern);
    int batch = (int) x.rows();
    int in = rows.layout().in();
    int out = rows.layout().out();
    Scratch shared = widths.pool().take();
    int size = FewExamples.sizeOfRows(in, batch);
    FewExamples inputs = FewExamples.rows(shared.sums(size), in, batch);
    inputs.read(x, size, shared);
    int perPart = Math.min(OUTPUTS, Math.ceilDiv(share(out, 4), EIGHT) * EIGHT);
    workers.run(
        Math.ceilDiv(out, perPart),
        part -> {
          Scratch mine = widths.pool().take();
          int from = part * perPart;
          int to = Math.min(out, from + perPart);
          if (rows.layout().blockIn() == 1) {
            stacks(rows, inputs, from, to, y, finish, mine);
          } else {
            sums(rows, inputs, from, to, y, finish, mine);
          }
          widths.pool().give(mine);
        });
    widths.pool().give(shared);
  }

  private int share(int all, int perThread) {
    int threads = workers.threads();
    return threads == 1 ? all : Math.ceilDiv(all, perThread * threads);
  }

  private void sums(
      BlockRows rows, FewExamples x, int from, int to, View y, ProductFinish finish, Scratch mine) {
    int bo = rows.layout().blockOut();
    int lanes = widths.strips(rows.layout().blockIn()).lanes();
    int room = FewExamples.room(x.batch());
    int count = (to - from) * room;
    float[] sums = mine.sums((count + lanes) * lanes);
    Arrays.fill(sums, 0, count * lanes, 0);
    for (int r = from / bo; (long) r * bo < to; r++) {
      BlockRows.Row row = rows.row(r, 0, rows.layout().blockColumns(), mine);
      int first = Math.max(from, r * bo);
      int end = (int) Math.min(to, (r + 1L) * bo);
      long at = row.at + (first - (long) r * bo) * row.place.row();
      for (int e = 0; e < x.batch(); e += FOUR) {
        int sumsAt = (e * (to - from) + (first - from) * Math.min(FOUR, room)) * lanes;
        Dots dots = new Dots(rows, row, at, end - first, x, e, sums, sumsAt);
        sum(dots, 0, row.whole, rows.layout().blockIn());
        sum(dots, row.whole, row.slots, rows.inputsOfLast());
      }
    }
    float[] results = mine.line(count);
    widths.of(rows.layout().blockIn()).fold(sums, 0, count, results, 0);
    FewExamples.columns(results, to - from, x.batch())
        .store(from, from, to, y, finish, widths, mine);
  }

  /** The same for blocks of single columns: vectors along the outputs, and nothing to add up. */
  private void stacks(
      BlockRows rows, FewExamples x, int from, int to, View y, ProductFinish finish, Scratch mine) {
    int batch = x.batch();
    int bo = rows.layout().blockOut();
    int size = FewExamples.sizeOfRows(to - from, batch);
    FewExamples results = FewExamples.rows(mine.sums(size), to - from, batch);
    for (int r = from / bo; (long) r * bo < to; r++) {
      BlockRows.Row row = rows.row(r, 0, rows.layout().blockColumns(), mine);
      long base = row.at - (long) r * bo * row.place.row();
      int end = (int) Math.min(to, (r + 1L) * bo);
      for (int o = Math.max(from, r * bo); o < end; ) {
        StripKernel kernel = widths.stripsWithin(end - o);
        long at = base + o * row.place.row();
        for (int e = 0; e < batch; e += FOUR) {
          int yAt = results.at(e) + o - from;
          if (batch == 1) {
            kernel.stack(
                row.memory,
                at,
                row.place.slot(),
                row.columns,
                row.slots,
                x.values(),
                results.values(),
                yAt);
          } else {
            kernel.stackFour(
                row.memory,
                at,
                row.place.slot(),
                row.columns,
                row.slots,
                x.values(),
                x.at(e),
                x.example(),
                results.values(),
                yAt,
                results.example());
          }
        }
        o += kernel.lanes();
      }
    }
    results.store(from, from, to, y, finish, widths, mine);
  }

  /** Some outputs of a block row, whose weights begin at a byte, and up to four examples. */
  private static final class Dots {
    private final BlockRows rows;
    private final BlockRows.Row row;
    private final long at;
    private final int outputs;
    private final FewExamples x;
    private final int e;
    private final float[] sums;
    private final int sumsAt;

    private Dots(
        BlockRows rows,
        BlockRows.Row row,
        long at,
        int outputs,
        FewExamples x,
        int e,
        float[] sums,
        int sumsAt) {
      this.rows = rows;
      this.row = row;
      this.at = at;
      this.outputs = outputs;
      this.x = x;
      this.e = e;
      this.sums = sums;
      this.sumsAt = sumsAt;
    }
  }

  /** Adds slots [from, to) of which each has so many inputs. */
  private void sum(Dots d, int from, int to, int inputs) {
    if (from == to) {
      return;
    }
    StripKernel kernel = widths.strips(d.rows.layout().blockIn());
    int lanes = kernel.lanes();
    int strips = inputs / lanes;
    int wholeOutputs = strips == 0 ? 0 : d.outputs - d.outputs % (d.x.batch() == 1 ? EIGHT : FOUR);
    several(d, kernel, from, to, strips, wholeOutputs);
    for (int o = 0; o < d.outputs; o++) {
      for (int i = o < wholeOutputs ? strips * lanes : 0; i < inputs; i += lanes) {
        single(d, kernel, from, to, o, i, Math.min(lanes, inputs - i));
      }
    }
  }

  /** Whole strips of outputs [0, end). */
  private void several(Dots d, StripKernel kernel, int from, int to, int strips, int end) {
    BlockRows.Row r = d.row;
    int bi = d.rows.layout().blockIn();
    int lanes = kernel.lanes();
    float[] x = d.x.values();
    if (d.x.batch() == 1) {
      for (int o = 0; o < end; o += EIGHT) {
        long at = d.at + o * r.place.row();
        int sumsAt = d.sumsAt + o * lanes;
        kernel.eight(r.memory, at, r.place, r.columns, from, to, bi, strips, x, d.sums, sumsAt);
      }
      return;
    }
    int xAt = d.x.at(d.e);
    int pitch = d.x.example();
    for (int o = 0; o < end; o += FOUR) {
      long at = d.at + o * r.place.row();
      int sumsAt = d.sumsAt + o * FOUR * lanes;
      kernel.fourOfFour(
          r.memory, at, r.place, r.columns, from, to, bi, strips, x, xAt, pitch, d.sums, sumsAt);
    }
  }

  /** A strip of an output. */
  private void single(
      Dots d, StripKernel kernel, int from, int to, int output, int input, int width) {
    BlockRows.Row r = d.row;
    int bi = d.rows.layout().blockIn();
    float[] x = d.x.values();
    long at = d.at + output * r.place.row();
    if (d.x.batch() == 1) {
      int sumsAt = d.sumsAt + output * kernel.lanes();
      kernel.one(r.memory, at, r.place, r.columns, from, to, bi, input, width, x, d.sums, sumsAt);
      return;
    }
    int xAt = d.x.at(d.e);
    int sumsAt = d.sumsAt + output * FOUR * kernel.lanes();
    kernel.oneOfFour(
        r.memory,
        at,
        r.place,
        r.columns,
        from,
        to,
        bi,
        input,
        width,
        x,
        xAt,
        d.x.example(),
        d.sums,
        sumsAt);
  }

  /** Computes dX. */
  void backward(Pattern pattern, View dy, View dx, ProductFinish finish) {
    BlockRows rows = BlockRows.of(pattern);
    int batch = (int) dy.rows();
    KofNLayout layout = rows.layout();
    Scratch shared = widths.pool().take();
    int given = layout.out() * FewExamples.room(batch);
    FewExamples d = FewExamples.columns(shared.line(given), layout.out(), batch);
    d.read(dy, given, shared);
    int size = FewExamples.sizeOfRows(layout.in(), batch);
    FewExamples sums = FewExamples.rows(shared.sums(size), layout.in(), batch);
    Arrays.fill(sums.values(), 0, size, 0);
    int columns = layout.blockColumns();
    int perPart = share(columns, 2);
    workers.run(
        Math.ceilDiv(columns, perPart),
        part -> {
          Scratch mine = widths.pool().take();
          int first = part * perPart;
          int end = Math.min(columns, first + perPart);
          for (int r = 0; r < layout.blockRows(); r++) {
            BlockRows.Row row = rows.row(r, first, end, mine);
            spread(rows, row, r, 0, row.whole, layout.blockIn(), d, sums);
            spread(rows, row, r, row.whole, row.slots, rows.inputsOfLast(), d, sums);
          }
          int to = (int) Math.min(layout.in(), (long) end * layout.blockIn());
          sums.store(0, first * layout.blockIn(), to, dx, finish, widths, mine);
          widths.pool().give(mine);
        });
    widths.pool().give(shared);
  }

  /**
   * Adds what slots [from, to) of a block row, each with so many inputs, give to dX: vectors as
   * wide as inputs are left, so that none is written that another block's sums would be read from
   * too soon.
   */
  private void spread(
      BlockRows rows,
      BlockRows.Row r,
      int blockRow,
      int from,
      int to,
      int inputs,
      FewExamples dy,
      FewExamples dx) {
    int output = blockRow * rows.layout().blockOut();
    int outputs = Math.min(rows.layout().blockOut(), rows.layout().out() - output);
    for (int i = 0; i < inputs && from < to; ) {
      StripKernel kernel = widths.stripsWithin(inputs - i);
      for (int e = 0; e < dy.batch(); e += FOUR) {
        int dyAt = dy.at(e) + output * dy.feature();
        int bi = rows.layout().blockIn();
        if (dy.batch() == 1) {
          kernel.spread(
              r.memory,
              r.at,
              r.place,
              r.columns,
              from,
              to,
              bi,
              i,
              dy.values(),
              dyAt,
              outputs,
              dx.values());
        } else {
          kernel.spreadFour(
              r.memory,
              r.at,
              r.place,
              r.columns,
              from,
              to,
              bi,
              i,
              dy.values(),
              dyAt,
              outputs,
              dx.values(),
              dx.at(e),
              dx.example());
        }
      }
      i += kernel.lanes();
    }
  }
}
