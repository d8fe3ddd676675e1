// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.reference;

import io.github.kofn.internal.kernels.ProductKernels.Finish;
import io.github.kofn.internal.kernels.View;

/**
 * Stores the sums of a product: {@code z = scale * outputScales[o] * sum + bias[o]}, {@code y =
 * activation(z) + residual}, in double. Only what is stored is rounded, once.
 */
final class FinishedSums {
  private final Finish finish;
  private final Elements target;
  private final Elements scales;
  private final Elements bias;
  private final Elements preActivation;
  private final Elements residual;

  FinishedSums(Finish finish, View target) {
    this.finish = finish;
    this.target = new Elements(target);
    this.scales = orNull(finish.outputScales());
    this.bias = orNull(finish.bias());
    this.preActivation = orNull(finish.preActivation());
    this.residual = orNull(finish.residual());
  }

  private static Elements orNull(View view) {
    return view == null ? null : new Elements(view);
  }

  void store(long example, int output, double sum) {
    store(example, output, output, sum);
  }

  /** With the scale and the bias of a channel that has several outputs. */
  void store(long example, int output, int channel, double sum) {
    double z = finish.scale() * sum;
    if (scales != null) {
      z *= scales.get(0, channel);
    }
    if (bias != null) {
      z += bias.get(0, channel);
    }
    if (preActivation != null) {
      preActivation.set(example, output, z);
    }
    double y = Activations.value(finish.activation(), z);
    target.set(example, output, residual == null ? y : y + residual.get(example, output));
  }
}
