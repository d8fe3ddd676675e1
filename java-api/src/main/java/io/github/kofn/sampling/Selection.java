// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.sampling;

import io.github.kofn.Tensor;
import io.github.kofn.internal.Check;
import io.github.kofn.internal.kernels.SamplingKernels.DrawOutputs;
import java.util.Map;

/**
 * What {@link GumbelTopK} drew: k columns of each row, and which draw it was. The noise is not
 * kept; whoever needs it regenerates it from the draw's key.
 */
public final class Selection implements AutoCloseable {
  private final GumbelTopK sampler;
  private final long n;
  private final Tensor indices;
  private final Map<Output, Tensor> outputs;
  private DrawKey key;

  Selection(GumbelTopK sampler, long n, Tensor indices, Map<Output, Tensor> outputs) {
    this.sampler = sampler;
    this.n = n;
    this.indices = indices;
    this.outputs = outputs;
  }

  /**
   * The sampler that drew this.
   *
   * @return the sampler
   */
  public GumbelTopK sampler() {
    return sampler;
  }

  /**
   * Which draw this is.
   *
   * @return the key that was passed to {@link GumbelTopK#draw}
   */
  public DrawKey key() {
    return key;
  }

  /**
   * The number of rows.
   *
   * @return rows of the logits
   */
  public long rows() {
    return indices.rows();
  }

  /**
   * The number of candidates in a row.
   *
   * @return columns of the logits
   */
  public long n() {
    return n;
  }

  /**
   * The drawn columns.
   *
   * @return I32 [rows, k], in the sampler's order; belongs to this selection
   */
  public Tensor indices() {
    return indices;
  }

  /**
   * Another of the sampler's outputs.
   *
   * @param output which
   * @return the tensor, as {@link Output} describes it; belongs to this selection
   * @throws IllegalArgumentException if the sampler was not asked for it
   */
  public Tensor get(Output output) {
    Tensor tensor = outputs.get(Check.notNull("output", output));
    Check.that(
        tensor != null,
        "output is %s; allowed: %s, which the sampler writes",
        output,
        sampler.outputs());
    return tensor;
  }

  DrawOutputs views() {
    return sampler.views(indices, outputs);
  }

  void drawn(DrawKey value) {
    key = value;
  }

  /** Frees the tensors. Closing twice is fine. */
  @Override
  public void close() {
    indices.close();
    outputs.values().forEach(Tensor::close);
  }
}
