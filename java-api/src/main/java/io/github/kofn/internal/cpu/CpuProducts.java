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
 * <p>Everything is computed in F32; other types, heap memory, row-major activations and panels that
 * are no whole number of vectors wide pass through aligned scratch memory on their way in and out.
 * I8 times I8 is summed in integers.
 */
final class CpuProducts implements ProductKernels {
  private final ProductWidths widths;
  private final Workers workers;
  private final ProductSums sums;
  private final ProductGradients gradients;

  CpuProducts(int lanes, Workers workers) {
    this.widths = new ProductWidths(lanes);
    this.workers = workers;
    this.sums = new ProductSums(widths, workers);
    this.gradients = new ProductGradients(widths, workers);
  }

  @Override
  public void multiply(Pattern pattern, View x, View y, Finish finish) {
    ProductFinish epilogue = ProductFinish.of(finish, pattern.layout().out());
    if (x.type() == DType.I8 && pattern.values().type() == DType.I8) {
      new ProductIntegers(widths, workers).multiply(pattern, x, y, epilogue);
      return;
    }
    sums.compute(ProductTerms.forward(pattern), x, y, epilogue);
  }

  @Override
  public void inputGradient(
      Pattern pattern, Companion companion, View dy, View dx, Activation derivative, View z) {
    ProductFinish epilogue = new ProductFinish.Backward(derivative, z);
    sums.compute(ProductTerms.backward(pattern, companion), dy, dx, epilogue);
  }

  @Override
  public void weightGradient(Pattern pattern, View x, View dy, View target) {
    gradients.weights(pattern, x, dy, target);
  }

  @Override
  public void maskGradient(KofNLayout layout, View weights, View x, View dy, View target) {
    gradients.mask(layout, weights, x, dy, target);
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
