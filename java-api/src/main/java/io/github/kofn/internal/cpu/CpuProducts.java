// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import io.github.kofn.DType;
import io.github.kofn.internal.kernels.ProductKernels;
import io.github.kofn.internal.kernels.View;
import io.github.kofn.sparse.Activation;
import io.github.kofn.sparse.KofNLayout;

/**
 * Products with vectors along the batch.
 *
 * <p>A kept weight meets 64 examples, a panel's row, which lie side by side: one broadcast and,
 * with 16 lanes, four FMAs whose other operand is memory. The floor of single weights is therefore
 * set by loads: of first-level loads six a weight and panel (index, weight and four vectors), three
 * cycles at two a cycle; rows that come from the second-level cache take 256 bytes, 5 to 6 cycles
 * at what it delivers, so that large batches meet them a chunk at a time ({@link ChunkedSums}).
 * Outputs that share their inputs (blocks with more than one output, dense matrices) are computed
 * six or four at a time: a row is loaded once for 24 FMAs, 12 cycles, and FMAs are the floor
 * ({@link BlockSums}), and so are rows of single weights that keep at least half of their inputs,
 * with zeros for the others ({@link FilledTerms}). Up to eight examples are bound by reading the
 * weights, once and where they lie ({@link FewSums}); in the input gradient through blocks of
 * single columns, rows of dY spread over what their outputs keep ({@link ColumnSums}). Whatever
 * suits none of these goes through listed terms ({@link ProductSums}).
 *
 * <p>Everything is computed in F32; other types, heap memory, row-major activations and panels that
 * are no whole number of vectors wide pass through aligned scratch memory on their way in and out.
 * I8 times I8 is summed in integers, without vectors of its own. {@link #convert} leaves integers
 * wider than a byte to the reference. GELU and SiLU are computed one element at a time.
 *
 * <p>Error, per element, with eps = 2^-24: a sum of m products runs through at most m + 4 roundings
 * (chains of fused or separate steps, then a tree over at most 16 lanes, never longer than m + 4),
 * so it is within (m + 4) eps sum|x||w|, to first order in eps. m is k * blockIn forward, the
 * number of outputs for the input gradient, the batch for the weight gradient, and the batch plus
 * the elements of a block for the mask gradient; the epilogue adds a rounding for the product of
 * the scales, one for scaling, one for the bias and one for the residual. GELU and SiLU: {@link
 * ProductActivations}.
 */
final class CpuProducts implements ProductKernels {
  private final ProductWidths widths;
  private final Workers workers;
  private final ProductSums sums;
  private final BlockSums blocks;
  private final ChunkedSums chunked;
  private final FewSums few;
  private final ColumnSums columns;
  private final ProductGradients gradients;

  CpuProducts(int lanes, Workers workers) {
    this.widths = new ProductWidths(lanes);
    this.workers = workers;
    this.sums = new ProductSums(widths, workers);
    this.blocks = new BlockSums(widths, workers);
    this.chunked = new ChunkedSums(widths, workers);
    this.few = new FewSums(widths, workers);
    this.columns = new ColumnSums(widths, workers);
    this.gradients = new ProductGradients(widths, workers);
  }

  @Override
  public void multiply(Pattern pattern, View x, View y, Finish finish) {
    ProductFinish epilogue = ProductFinish.of(finish, pattern.layout().out());
    if (x.type() == DType.I8 && pattern.values().type() == DType.I8) {
      new ProductIntegers(widths, workers).multiply(pattern, x, y, epilogue);
      return;
    }
    if (few.suits(pattern, x.rows(), true)) {
      few.forward(pattern, x, y, epilogue);
    } else if (blocks.suits(pattern, x.rows())) {
      blocks.forward(pattern, x, y, epilogue);
    } else if (!blocks.filled(pattern, x, y, epilogue)
        && !chunked.forward(pattern, x, y, epilogue)) {
      sums.compute(ProductTerms.forward(pattern, widths), x, y, epilogue);
    }
  }

  @Override
  public void inputGradient(
      Pattern pattern, Companion companion, View dy, View dx, Activation derivative, View z) {
    ProductFinish epilogue = new ProductFinish.Backward(derivative, z);
    if (few.suits(pattern, dy.rows(), false)) {
      few.backward(pattern, dy, dx, epilogue);
    } else if (blocks.suits(pattern, dy.rows())) {
      blocks.backward(pattern, companion, dy, dx, epilogue);
    } else if (chunked.suits(pattern, dy.rows(), true)) {
      chunked.backward(pattern, companion, dy, dx, epilogue);
    } else if (columns.suits(pattern, dy.rows())) {
      columns.backward(pattern, dy, dx, epilogue);
    } else {
      sums.compute(ProductTerms.backward(pattern, companion, widths), dy, dx, epilogue);
    }
  }

  @Override
  public void weightGradient(Pattern pattern, View x, View dy, View target) {
    gradients.weights(pattern, x, dy, target);
  }

  @Override
  public void maskGradient(KofNLayout layout, View weights, View x, View dy, View target) {
    MaskGradient.compute(widths, workers, layout, weights, x, dy, target);
  }

  @Override
  public void activationGradient(
      View dy, Activation activation, View z, float scale, View dz, View dBias) {
    gradients.activations(dy, activation, z, scale, dz, dBias);
  }

  @Override
  public void transpose(KofNLayout layout, View indices, Companion companion) {
    ProductFormats.transpose(layout, indices, companion);
  }

  @Override
  public void pack(Pattern source, View target) {
    ProductFormats.pack(source, target, workers, widths.pool());
  }

  @Override
  public void densify(Pattern source, View target) {
    ProductFormats.densify(source, target, workers, widths.pool());
  }

  @Override
  public void convert(View source, View target) {
    ProductFormats.convert(source, target, workers, widths.pool());
  }
}
