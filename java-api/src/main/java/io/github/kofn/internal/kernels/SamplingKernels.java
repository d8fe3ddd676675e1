// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.kernels;

/**
 * Drawing k of n, and its relaxation. Callers have checked shapes and ranges; implementations check
 * the values of logits.
 *
 * <p>Logits are F32, BF16 or F16 [rows, n], widened exactly to F32. A key is {@code fma(noiseScale,
 * G, logit)} in F32 with one rounding (the logit itself at noise scale 0). Keys are ordered
 * descending, equal keys (-0 equals +0) by ascending column. A NaN logit, and a row with fewer than
 * k keys above -infinity, raise {@link io.github.kofn.sampling.InvalidLogitsException}.
 */
public interface SamplingKernels {

  /**
   * Outputs of a draw; null where not wanted.
   *
   * @param indices I32 or U16 [rows, k]
   * @param drawOrder whether indices and keys stand in key order instead of ascending column order
   * @param keys F32 [rows, k], beside the indices
   * @param bits I32 [rows, ceil(n / 32)]; column c is bit c % 32 of word c / 32; bits beyond n are
   *     0
   * @param bytes U8 [rows, n] of 0 and 1
   * @param floats F32 [rows, n] of 0 and 1
   */
  record DrawOutputs(
      View indices, boolean drawOrder, View keys, View bits, View bytes, View floats) {}

  /** Draws k columns in each row. */
  void draw(View logits, int k, Draw draw, DrawOutputs outputs);

  /**
   * The relaxation's parameters: the sum of k successive softmaxes of key / tau, each without the
   * winners before it.
   *
   * @param tau the temperature, above 0
   * @param byKey whether winners are removed in key order (else in ascending column order)
   * @param winners I32 or U16 [rows, k], the columns drawn from the same logits and draw, in any
   *     order
   */
  record Relaxation(float tau, boolean byKey, View winners) {}

  /** Writes the relaxed sample: soft is F32 [rows, n], each row sums to k. */
  void relax(View logits, Draw draw, Relaxation relaxation, View soft);

  /**
   * The gradient of a loss with respect to the logits, through the relaxation.
   *
   * @param upstream F32 [rows, n], the loss's gradient with respect to the relaxed sample
   * @param gradient F32 [rows, n], overwritten; may be the same memory as upstream
   */
  void relaxGradient(View logits, Draw draw, Relaxation relaxation, View upstream, View gradient);

  /**
   * The entropy of each row's softmax, in nats.
   *
   * @param logits F32, BF16 or F16 [rows, n]
   * @param entropy F32 [rows, 1], or null
   * @param gradient F32 [rows, n] to which weight * d entropy / d logits is added, or null
   * @param weight the multiplier of the gradient
   */
  void entropy(View logits, View entropy, View gradient, float weight);
}
