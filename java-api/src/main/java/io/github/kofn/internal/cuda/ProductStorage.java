// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cuda;

import static io.github.kofn.internal.cuda.ProductParameters.address;
import static io.github.kofn.internal.cuda.ProductParameters.putPattern;
import static io.github.kofn.internal.cuda.ProductParameters.putView;

import io.github.kofn.DType;
import io.github.kofn.Layout;
import io.github.kofn.internal.cuda.CudaContext.Writer;
import io.github.kofn.internal.kernels.ProductKernels.Pattern;
import io.github.kofn.internal.kernels.View;
import io.github.kofn.sparse.KofNLayout;

/** Packed and dense forms, conversions, and operands as kernels want them. */
final class ProductStorage {
  private static final int THREADS = 256;

  /** What copies of 16 bytes need. */
  private static final int ALIGNMENT = 16;

  private final CudaContext context;
  private final Workspace workspace;

  ProductStorage(CudaContext context, Workspace workspace) {
    this.context = context;
    this.workspace = workspace;
  }

  /** Packed values from values in place. */
  void pack(Pattern source, View target) {
    launchElements("pack_blocks", source, target, chunks -> p -> p.struct().putInt(chunks));
  }

  /** The kept elements into a dense matrix, or its transpose, of which the others stay. */
  void scatter(Pattern source, View target, boolean transposed) {
    launchElements(
        "scatter_blocks",
        source,
        target,
        chunks ->
            p -> {
              p.struct().putInt(chunks);
              p.struct().putInt(transposed ? 1 : 0);
            });
  }

  private interface More {
    Writer of(int chunks);
  }

  private void launchElements(String name, Pattern source, View target, More more) {
    KofNLayout layout = source.layout();
    long inRow = (long) layout.k() * layout.blockOut() * layout.blockIn();
    int chunks = Math.toIntExact(Math.ceilDiv(inRow, THREADS));
    Writer rest = more.of(chunks);
    context.launch(
        "kofn_matmul_" + name,
        (long) layout.blockRows() * chunks,
        1,
        THREADS,
        p -> {
          putPattern(p.struct(), source);
          putView(p.struct(), target);
          rest.write(p);
        });
  }

  /** The kept inputs of a block row. */
  static long terms(KofNLayout layout) {
    return (long) layout.k() * layout.blockIn();
  }

  /** Launches a kernel that computes a gradient of weights, a chunk of the batch a block in y. */
  interface Chunks {
    /**
     * Launches it.
     *
     * @param partial what receives the gradients: the first chunk's, packed where there are more
     * @param chunks how many there are
     * @param split writes struct Split
     */
    void launch(Pattern partial, long chunks, Writer split);
  }

  /** A gradient of weights over chunks of so many examples, whose sums are added in their order. */
  void inChunks(Pattern gradient, long batch, long examples, Chunks kernel) {
    KofNLayout layout = gradient.layout();
    long chunks = Math.max(1, Math.ceilDiv(batch, Math.max(1, examples)));
    long inRow = terms(layout) * layout.blockOut();
    long elements = layout.blockRows() * inRow;
    View sums = chunks == 1 ? null : workspace.matrix(DType.F32, chunks, elements);
    Pattern partial = chunks == 1 ? gradient : new Pattern(layout, gradient.indices(), true, sums);
    kernel.launch(partial, chunks, p -> p.struct().putLong(examples).putLong(elements));
    if (chunks > 1) {
      int parts = Math.toIntExact(Math.ceilDiv(inRow, THREADS));
      context.launch(
          "kofn_matmul_sum_gradients",
          (long) layout.blockRows() * parts,
          1,
          THREADS,
          p -> {
            putPattern(p.struct(), gradient);
            p.struct().putLong(address(sums)).putLong(elements);
            p.putInt(Math.toIntExact(chunks)).putInt(parts);
          });
    }
  }

  /** Zeros everywhere. */
  void clear(View target) {
    launchThreads(
        "clear_matrix", target.rows() * target.columns(), p -> putView(p.struct(), target));
  }

  void convert(View source, View target) {
    launchThreads(
        "convert",
        source.rows() * source.columns(),
        p -> {
          putView(p.struct(), source);
          putView(p.struct(), target);
        });
  }

  private void launchThreads(String name, long threads, Writer writer) {
    context.launch("kofn_matmul_" + name, Math.ceilDiv(threads, THREADS), 1, THREADS, writer);
  }

  /** The same elements, row-major, with rows that begin at multiples of 16 bytes. */
  View aligned(View view) {
    int bytes = view.type().bytes();
    boolean already =
        view.layout() == Layout.ROW_MAJOR
            && address(view) % ALIGNMENT == 0
            && view.pitch() * bytes % ALIGNMENT == 0;
    return already ? view : copy(view, view.type());
  }

  /** The same elements, row-major. */
  View rowMajor(View view) {
    return view.layout() == Layout.ROW_MAJOR ? view : copy(view, view.type());
  }

  /** The same elements, row-major, in F32. */
  View floats(View view) {
    boolean already = view.layout() == Layout.ROW_MAJOR && view.type() == DType.F32;
    return already ? view : copy(view, DType.F32);
  }

  private View copy(View view, DType type) {
    View copy = scratch(type, view.rows(), view.columns());
    convert(view, copy);
    return copy;
  }

  /** A row-major matrix in the workspace whose rows begin at multiples of 16 bytes. */
  View scratch(DType type, long rows, long columns) {
    int bytes = type.bytes();
    long pitch = Math.ceilDiv(columns * bytes, ALIGNMENT) * ALIGNMENT / bytes;
    View whole = workspace.matrix(type, rows, pitch);
    return new View(whole.buffer(), whole.offset(), type, rows, columns, pitch, Layout.ROW_MAJOR);
  }
}
