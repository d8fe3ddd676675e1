// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.reference;

import io.github.kofn.internal.kernels.Draw;
import io.github.kofn.internal.kernels.SamplingKernels;
import io.github.kofn.internal.kernels.View;

final class ReferenceSampling implements SamplingKernels {
  @Override
  public void draw(View logits, int k, Draw draw, DrawOutputs outputs) {
    throw new IllegalStateException();
  }

  @Override
  public void relax(View logits, Draw draw, Relaxation relaxation, View soft) {
    throw new IllegalStateException();
  }

  @Override
  public void relaxGradient(
      View logits, Draw draw, Relaxation relaxation, View upstream, View gradient) {
    throw new IllegalStateException();
  }

  @Override
  public void entropy(View logits, View entropy, View gradient, float weight) {
    throw new IllegalStateException();
  }
}
