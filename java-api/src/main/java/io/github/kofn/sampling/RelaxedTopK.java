// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.sampling;

import io.github.kofn.DType;
import io.github.kofn.Layout;
import io.github.kofn.Tensor;
import io.github.kofn.internal.Access;
import io.github.kofn.internal.Check;
import io.github.kofn.internal.kernels.SamplingKernels.Relaxation;

/**
 * The differentiable stand-in for a draw: the sum of k successive softmaxes of {@code key / tau},
 * each without the winners before it (Huijben, Veeling and van Sloun, ICLR 2020; dynamic
 * probabilistic pruning, arXiv 2105.12686). Each row of the relaxed sample sums to k. The
 * straight-through estimator multiplies by the hard mask on the way forward and uses {@link
 * #gradient} on the way back.
 *
 * <p>Both directions cost O(n + k) a row after the draw, O(n + k log k) where winners have to be
 * brought into key order: with winners in removal order, y = key / tau, L_j the log-sum-exp of
 * everything not removed before draw j, and H_m = the sum over j up to m of exp(-L_j), the relaxed
 * sample is {@code exp(y_i) * H_min(rank_i, k)}. Nothing of size rows x k x n exists, and the noise
 * is regenerated from the draw's key.
 *
 * <p>The relaxation belongs to Plackett-Luce sampling, see {@link GumbelTopK}. Immutable, safe for
 * use by several threads.
 *
 * @param tau the temperature, finite and above 0; stable from 1e-2 to 1e2. It never touches the
 *     key, so it does not change what is drawn
 * @param removal the order in which winners are removed: by key, as the sampling theory has it; or
 *     by index, as in the code of the DPP authors, where a relaxed entry can reach about k
 */
public record RelaxedTopK(float tau, Order removal) {

  /**
   * Checks the arguments.
   *
   * @throws IllegalArgumentException if one is out of its range
   */
  public RelaxedTopK {
    Check.finitePositive("tau", tau);
    Check.notNull("removal", removal);
  }

  /**
   * The relaxation that removes winners in key order.
   *
   * @param tau the temperature, finite and above 0
   * @return the relaxation
   */
  public static RelaxedTopK of(float tau) {
    return new RelaxedTopK(tau, Order.KEY);
  }

  /**
   * Writes the relaxed sample.
   *
   * @param logits the logits that were drawn from, unchanged since
   * @param selection what was drawn
   * @param soft F32 [rows, n], overwritten
   */
  public void relax(Tensor logits, Selection selection, Tensor soft) {
    check(logits, selection);
    checkMatrix("soft", soft, selection);
    Access.engine(logits.device(), selection.indices(), soft)
        .sampling()
        .relax(
            Access.view(logits),
            selection.sampler().toDraw(selection.key()),
            relaxation(selection),
            Access.view(soft));
  }

  /**
   * The gradient of a loss with respect to the logits, through the relaxation.
   *
   * @param logits the logits that were drawn from, unchanged since
   * @param selection what was drawn
   * @param upstream F32 [rows, n]: the loss's gradient with respect to the sample (relaxed, or hard
   *     by the straight-through estimator)
   * @param gradient F32 [rows, n], overwritten; may be the upstream tensor itself
   */
  public void gradient(Tensor logits, Selection selection, Tensor upstream, Tensor gradient) {
    check(logits, selection);
    checkMatrix("upstream", upstream, selection);
    checkMatrix("gradient", gradient, selection);
    Access.engine(logits.device(), selection.indices(), upstream, gradient)
        .sampling()
        .relaxGradient(
            Access.view(logits),
            selection.sampler().toDraw(selection.key()),
            relaxation(selection),
            Access.view(upstream),
            Access.view(gradient));
  }

  private Relaxation relaxation(Selection selection) {
    return new Relaxation(tau, removal == Order.KEY, Access.view(selection.indices()));
  }

  private static void check(Tensor logits, Selection selection) {
    GumbelTopK.checkLogits(logits);
    Check.notNull("selection", selection);
    Check.that(
        logits.rows() == selection.rows() && logits.columns() == selection.n(),
        "logits is %s; allowed: [%d, %d], which the selection was drawn from",
        logits,
        selection.rows(),
        selection.n());
  }

  private static void checkMatrix(String name, Tensor tensor, Selection selection) {
    Check.notNull(name, tensor);
    Check.that(
        tensor.type() == DType.F32
            && tensor.layout() == Layout.ROW_MAJOR
            && tensor.rows() == selection.rows()
            && tensor.columns() == selection.n(),
        "%s is %s; allowed: row-major F32 [%d, %d]",
        name,
        tensor,
        selection.rows(),
        selection.n());
  }
}
