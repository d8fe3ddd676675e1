// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cuda;

import static io.github.kofn.internal.cuda.ProductParameters.address;
import static io.github.kofn.internal.cuda.ProductParameters.putGuard;
import static io.github.kofn.internal.cuda.ProductParameters.putOperands;
import static io.github.kofn.internal.cuda.ProductParameters.putPattern;
import static io.github.kofn.internal.cuda.ProductParameters.putView;

import io.github.kofn.DType;
import io.github.kofn.Layout;
import io.github.kofn.internal.cuda.CudaContext.Writer;
import io.github.kofn.internal.cuda.ProductParameters.Guard;
import io.github.kofn.internal.kernels.ProductKernels.Pattern;
import io.github.kofn.internal.kernels.View;
import io.github.kofn.sparse.KofNLayout;

/**
 * X W^T and dY^T X with gathered inputs, on tensor cores (gathered.cuh, gathered_gradient.cuh).
 * Activations are laid out in panels first, and weights as rows of a block's outputs, a row for
 * each kept input, where they do not lie so.
 */
final class GatheredProducts {
  private static final int THREADS = 256;

  /**
   * Of what lays operands out: the examples, inputs or outputs of a thread block, and its terms.
   */
  private static final int TILE = 64;

  private static final int TERMS = 32;

  /** What copies of 16 bytes need. */
  private static final int ALIGNMENT = 16;

  private final CudaContext context;
  private final Workspace workspace;
  private final ProductStorage storage;

  GatheredProducts(CudaContext context, Workspace workspace, ProductStorage storage) {
    this.context = context;
    this.workspace = workspace;
    this.storage = storage;
  }

  void launch(
      ProductPlan.Gathered plan,
      Guard guard,
      Pattern pattern,
      View source,
      View target,
      Writer finish) {
    View from = panels(source, guard);
    Pattern kept = new Pattern(pattern.layout(), pattern.indices(), true, terms(pattern, guard));
    int tiles = Math.ceilDiv(pattern.layout().out(), plan.results());
    context.launch(
        "kofn_gathered_product_" + plan.type() + "_" + plan.results(),
        tiles * Math.ceilDiv(source.rows(), plan.rows()),
        1,
        plan.threads(),
        p -> {
          putPattern(p.struct(), kept);
          putOperands(p.struct(), from, target, null, tiles, guard);
          finish.write(p);
        });
  }

  void weightGradient(ProductPlan.Gathered plan, Pattern gradient, View x, View dy) {
    KofNLayout layout = gradient.layout();
    View inputs = panels(x, Guard.NONE);
    View outputs = panels(dy, Guard.NONE);
    int tiles = Math.toIntExact(Math.ceilDiv(ProductStorage.terms(layout), plan.rows()));
    storage.inChunks(
        gradient,
        x.rows(),
        plan.chunk(x.rows()),
        (partial, chunks, split) ->
            context.launch(
                "kofn_gathered_weight_gradient_" + plan.type() + "_" + plan.results(),
                (long) layout.blockRows() * (layout.blockOut() / plan.results()) * tiles,
                chunks,
                plan.threads(),
                p -> {
                  putPattern(p.struct(), partial);
                  putOperands(p.struct(), inputs, outputs, null, tiles, Guard.NONE);
                  split.write(p);
                }));
  }

  /**
   * The same elements in panels whose inputs begin at multiples of 16 bytes; more examples are 0.
   */
  private View panels(View view, Guard guard) {
    int bytes = view.type().bytes();
    int piece = ALIGNMENT / bytes;
    long rows = Math.ceilDiv(view.rows(), piece) * (long) piece;
    View whole = workspace.matrix(view.type(), rows, view.columns());
    View panels =
        new View(
            whole.buffer(),
            whole.offset(),
            view.type(),
            rows,
            view.columns(),
            whole.pitch(),
            Layout.PANELS);
    context.launch(
        "kofn_gathered_panels_" + bytes,
        Math.ceilDiv(view.rows(), TILE) * Math.ceilDiv(view.columns(), (long) TILE),
        1,
        THREADS,
        p -> {
          putView(p.struct(), view);
          putView(p, panels);
          putGuard(p, guard);
        });
    return panels;
  }

  /** The kept weights, [block rows][kept inputs][outputs of a block]. */
  private View terms(Pattern pattern, Guard guard) {
    KofNLayout layout = pattern.layout();
    View values = pattern.values();
    if (pattern.packed() && layout.blockIn() == 1 && address(values) % ALIGNMENT == 0) {
      return values;
    }
    DType type = values.type();
    long terms = ProductStorage.terms(layout);
    View staged =
        workspace.matrix(type, Math.max(1, layout.blockRows() * terms), layout.blockOut());
    int chunks = Math.toIntExact(Math.ceilDiv(terms, TERMS));
    int parts = Math.ceilDiv(layout.blockOut(), TILE);
    context.launch(
        "kofn_gathered_terms_" + type.bytes(),
        (long) layout.blockRows() * chunks * parts,
        1,
        THREADS,
        p -> {
          putPattern(p.struct(), pattern);
          p.struct().putLong(address(staged));
          putGuard(p, guard);
          p.putInt(chunks).putInt(parts);
        });
    return staged;
  }
}
