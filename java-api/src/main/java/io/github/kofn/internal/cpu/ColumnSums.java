// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import io.github.kofn.Layout;
import io.github.kofn.internal.kernels.ProductKernels.Pattern;
import io.github.kofn.internal.kernels.View;
import io.github.kofn.sparse.KofNLayout;
import java.lang.foreign.MemorySegment;

/**
 * The input gradient where blocks are single columns, row by row of W: columns of a block row share
 * its rows of dY, while rows of a column share nothing.
 *
 * <pre>
 *               chunk of columns      a chunk: as many columns as keep their rows of dX in the
 *  block row 0  [ 4  4 |   4   4 ]    first-level cache. All block rows are met a chunk at a time,
 *  block row 1  [   4  | 4     4 ]    and add four outputs' rows of dY, held in registers, to the
 *  block row 2  [ 4  4 | 4  4    ]    rows of dX that they keep.
 * </pre>
 *
 * <p>A term and panel of four outputs takes 16 FMAs, 8 cycles, four loads and four stores of dX and
 * four broadcasts. A column's sum runs over rows in ascending order.
 */
final class ColumnSums {
  /**
   * Floats of dX that a chunk has in a panel: 64 KiB, of which the first-level cache holds most.
   */
  private static final int CHUNK = 1 << 14;

  /** Blocks of a block row in a chunk, at least: they pay for loading its rows of dY. */
  private static final int WORTHWHILE = 8;

  /** Weights that are listed at once: with their columns half of the second-level cache. */
  private static final int LISTED = 1 << 17;

  /** Where results are that cannot be written to as they are computed. */
  private static final int SUMS = 1;

  private final ProductWidths widths;
  private final Workers workers;

  ColumnSums(ProductWidths widths, Workers workers) {
    this.widths = widths;
    this.workers = workers;
  }

  /**
   * Whether an input gradient can be computed so; {@link ChunkedSums} is better for what it suits.
   */
  boolean suits(Pattern pattern, long batch) {
    KofNLayout l = pattern.layout();
    return pattern.indices() != null
        && l.blockIn() == 1
        && !BlockRows.isRowsOfAll(pattern)
        && l.k() > 0
        && l.out() > 0
        && batch > 0;
  }

  /** Computes dX. */
  void backward(Pattern pattern, View dy, View dx, ProductFinish finish) {
    Scratch shared = widths.pool().take();
    new Product(pattern, dy, dx, shared).compute(finish);
    widths.pool().give(shared);
  }

  private final class Product {
    private final Pattern pattern;
    private final KofNLayout layout;
    private final View dx;
    private final Panels dy;
    private final int chunk;
    private final int chunks;
    private final int rowsAtOnce;
    private final MemorySegment copy;

    /**
     * The rows' terms: all of a row's first four outputs, then those of the next four; of outputs
     * that are left, one by one.
     */
    private final float[] terms;

    /** The floats of a row's terms. */
    private final int pitch;

    /** Where each row's terms of a chunk begin among its own, chunk after chunk; and their ends. */
    private final int[] starts;

    Product(Pattern pattern, View dy, View dx, Scratch shared) {
      this.pattern = pattern;
      this.layout = pattern.layout();
      this.dx = dx;
      this.dy = Panels.of(dy, widths, workers, shared, 0);
      this.chunk = chunk();
      this.chunks = Math.ceilDiv(layout.in(), chunk);
      int bo = layout.blockOut();
      this.rowsAtOnce = Math.clamp(LISTED / ((long) layout.k() * bo), 1, layout.blockRows());
      int last = layout.out() - (layout.blockRows() - 1) * bo;
      int most = Math.max(sizeOf(Math.min(bo, layout.out())), sizeOf(last));
      this.pitch = Math.multiplyExact(layout.k(), most);
      this.terms = shared.weights(Math.multiplyExact(rowsAtOnce, pitch));
      this.starts = shared.lists.slots(Math.multiplyExact(rowsAtOnce, chunks + 1));
      int panels = this.dy.panels();
      boolean direct = true;
      for (int p = 0; p < panels; p++) {
        direct &= Tiles.isTile(dx, p, this.dy.stride(p));
      }
      long floats = (long) panels * Layout.PANEL * layout.in();
      this.copy = direct ? null : shared.floats(SUMS, floats);
    }

    /** The floats of a column's terms of so many outputs. */
    private static int sizeOf(int outputs) {
      return outputs / ColumnKernel.FOUR * ColumnKernel.TERM_OF_FOUR
          + outputs % ColumnKernel.FOUR * ColumnKernel.TERM_OF_ONE;
    }

    private int outputsOf(int blockRow) {
      return Math.min(layout.blockOut(), layout.out() - blockRow * layout.blockOut());
    }

    private int chunk() {
      int paying = (int) Math.min(layout.in(), (long) WORTHWHILE * layout.in() / layout.k());
      int size = Math.min(layout.in(), Math.max(paying, CHUNK / dy.stride(0)));
      int threads = workers.threads();
      return threads == 1 ? size : Math.min(size, Math.ceilDiv(layout.in(), 2 * threads));
    }

    void compute(ProductFinish finish) {
      int panels = dy.panels();
      int rows = layout.blockRows();
      for (int first = 0; first < rows; first += rowsAtOnce) {
        int from = first;
        int count = Math.min(rowsAtOnce, rows - from);
        int share = Math.ceilDiv(count, workers.threads());
        workers.run(
            Math.ceilDiv(count, share),
            part -> {
              Scratch mine = widths.pool().take();
              list(from, part * share, Math.min(count, (part + 1) * share), mine);
              widths.pool().give(mine);
            });
        workers.run(chunks * panels, part -> add(part / panels, part % panels, from, count));
      }
      workers.run(
          chunks * panels,
          part -> {
            Scratch mine = widths.pool().take();
            finish(part / panels, part % panels, finish, mine);
            widths.pool().give(mine);
          });
    }

    /** Lists block rows [from, to) of those that begin with {@code base}. */
    private void list(int base, int from, int to, Scratch scratch) {
      int k = layout.k();
      int bo = pattern.packed() ? layout.blockOut() : Math.min(layout.blockOut(), layout.out());
      int[] columns = scratch.features(k);
      float[] weights = scratch.tile(Math.multiplyExact(k, bo));
      for (int r = from; r < to; r++) {
        long index = (long) (base + r) * k;
        Elements.readIndices(pattern.indices(), index, columns, 0, k, scratch);
        if (pattern.packed()) {
          Elements.read(pattern.values(), index * bo, weights, 0, k * bo);
        } else {
          readInPlace(base + r, columns, weights, scratch);
        }
        int next = 0;
        for (int t = 0; t < k; t++) {
          while (columns[t] >= next * (long) chunk) {
            starts[next++ * rowsAtOnce + r] = t;
          }
          columns[t] -= (next - 1) * chunk;
        }
        while (next <= chunks) {
          starts[next++ * rowsAtOnce + r] = k;
        }
        write(columns, weights, outputsOf(base + r), r * pitch);
      }
    }

    /** A block row's weights, output after output. Elements far apart are read one by one. */
    private void readInPlace(int blockRow, int[] columns, float[] weights, Scratch scratch) {
      int k = layout.k();
      View values = pattern.values();
      boolean apart = k < layout.in() / 16;
      float[] line = apart ? null : scratch.line(layout.in());
      for (int o = 0; o < outputsOf(blockRow); o++) {
        long row = ((long) blockRow * layout.blockOut() + o) * values.pitch();
        if (apart) {
          Elements.readAt(values, row, columns, 0, weights, o * k, k);
          continue;
        }
        Elements.read(values, row, line, 0, layout.in());
        widths.gather().pick(line, columns, 0, weights, o * k, k);
      }
    }

    /** Writes a block row's terms. */
    private void write(int[] columns, float[] weights, int outputs, int at) {
      int k = layout.k();
      int term = pattern.packed() ? layout.blockOut() : 1;
      int across = pattern.packed() ? 1 : k;
      int to = at;
      int o = 0;
      for (; o + ColumnKernel.FOUR <= outputs; o += ColumnKernel.FOUR) {
        int w = o * across;
        for (int t = 0; t < k; t++) {
          terms[to] = Float.intBitsToFloat(columns[t]);
          terms[to + 1] = weights[w];
          terms[to + 2] = weights[w + across];
          terms[to + 3] = weights[w + 2 * across];
          terms[to + 4] = weights[w + 3 * across];
          w += term;
          to += ColumnKernel.TERM_OF_FOUR;
        }
      }
      for (; o < outputs; o++) {
        for (int t = 0; t < k; t++) {
          terms[to] = Float.intBitsToFloat(columns[t]);
          terms[to + 1] = weights[t * term + o * across];
          to += ColumnKernel.TERM_OF_ONE;
        }
      }
    }

    /** Adds what is listed to a chunk of a panel. */
    private void add(int chunk, int panel, int firstRow, int rows) {
      int stride = dy.stride(panel);
      MemorySegment sums = sums().asSlice(at(chunk, panel), bytes(chunk, panel));
      if (firstRow == 0) {
        sums.fill((byte) 0);
      }
      long row = 4L * stride;
      MemorySegment given = dy.segment(panel).asSlice(dy.offset(panel), row * layout.out());
      ColumnKernel kernel = widths.columns(dy.width(panel));
      int k = layout.k();
      for (int r = 0; r < rows; r++) {
        int from = starts[chunk * rowsAtOnce + r];
        int to = starts[(chunk + 1) * rowsAtOnce + r];
        int output = (firstRow + r) * layout.blockOut();
        int end = output + outputsOf(firstRow + r);
        int at = r * pitch;
        for (; output + ColumnKernel.FOUR <= end && from < to; output += ColumnKernel.FOUR) {
          MemorySegment four = given.asSlice(output * row, ColumnKernel.FOUR * row);
          int size = ColumnKernel.TERM_OF_FOUR;
          kernel.four(four, terms, at + from * size, at + to * size, sums, stride);
          at += k * size;
        }
        for (; output < end && from < to; output++) {
          MemorySegment one = given.asSlice(output * row, row);
          int size = ColumnKernel.TERM_OF_ONE;
          kernel.one(one, terms, at + from * size, at + to * size, sums, stride);
          at += k * size;
        }
      }
    }

    private MemorySegment sums() {
      return copy == null ? dx.buffer().host() : copy;
    }

    private int from(int ofChunk) {
      return ofChunk * chunk;
    }

    private int to(int ofChunk) {
      return (int) Math.min(layout.in(), (ofChunk + 1L) * chunk);
    }

    private long at(int ofChunk, int panel) {
      return copy == null
          ? Tiles.offset(dx, panel, from(ofChunk))
          : 4
              * ((long) panel * Layout.PANEL * layout.in()
                  + (long) from(ofChunk) * dy.stride(panel));
    }

    private long bytes(int ofChunk, int panel) {
      return 4L * (to(ofChunk) - from(ofChunk)) * dy.stride(panel);
    }

    private void finish(int ofChunk, int panel, ProductFinish finish, Scratch scratch) {
      int stride = dy.stride(panel);
      int from = from(ofChunk);
      int to = to(ofChunk);
      long at = at(ofChunk, panel);
      MemorySegment tile = sums();
      finish.apply(widths.of(dy.width(panel)), tile, at, stride, panel, from, to, scratch);
      if (copy != null) {
        Tiles.store(tile, at, stride, dx, panel, from, to, scratch.stage);
      }
    }
  }
}
