// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.reference;

import io.github.kofn.internal.kernels.ProductKernels;
import io.github.kofn.internal.kernels.View;
import io.github.kofn.sparse.Activation;
import io.github.kofn.sparse.KofNLayout;

final class ReferenceProducts implements ProductKernels {
  @Override
  public void multiply(Pattern pattern, View x, View y, Finish finish) {
    throw new IllegalStateException();
  }

  @Override
  public void inputGradient(
      Pattern pattern, Companion companion, View dy, View dx, Activation derivative, View z) {
    throw new IllegalStateException();
  }

  @Override
  public void weightGradient(Pattern pattern, View x, View dy, View target) {
    throw new IllegalStateException();
  }

  @Override
  public void maskGradient(KofNLayout layout, View weights, View x, View dy, View target) {
    throw new IllegalStateException();
  }

  @Override
  public void activationGradient(
      View dy, Activation activation, View z, float scale, View dz, View dBias) {
    throw new IllegalStateException();
  }

  @Override
  public void transpose(KofNLayout layout, View indices, Companion companion) {
    throw new IllegalStateException();
  }

  @Override
  public void pack(Pattern source, View target) {
    throw new IllegalStateException();
  }

  @Override
  public void densify(Pattern source, View target) {
    throw new IllegalStateException();
  }

  @Override
  public void convert(View source, View target) {
    throw new IllegalStateException();
  }
}
