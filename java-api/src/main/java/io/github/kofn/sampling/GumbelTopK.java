// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.sampling;

import io.github.kofn.DType;
import io.github.kofn.Layout;
import io.github.kofn.Tensor;
import io.github.kofn.internal.Access;
import io.github.kofn.internal.Check;
import io.github.kofn.internal.kernels.Draw;
import io.github.kofn.internal.kernels.SamplingKernels.DrawOutputs;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;

/**
 * Draws exactly k of n entries without replacement in each row of logits, by the Gumbel top-k
 * trick: the k largest of {@code logit + noiseScale * G} with G standard Gumbel (Kool, van Hoof and
 * Welling, ICML 2019).
 *
 * {@snippet :
 * GumbelTopK topK = GumbelTopK.of(26);
 * try (Selection drawn = topK.draw(logits, DrawKey.of(seed, 0).atStep(step))) {
 *   int[] columns = drawn.indices().toInts(); // [rows, 26], ascending in each row
 * }
 * }
 *
 * <p>Keys are {@code fma(noiseScale, G, logit)} in F32 with one rounding; larger keys win, equal
 * keys (-0 equals +0) by lower column. The result is the same, bit for bit, on every backend. With
 * noise scale 0 no noise is drawn: the deterministic top-k of inference.
 *
 * <p><b>The distribution</b> is Plackett-Luce with weights exp(logit / noiseScale): successive
 * draws without replacement. It is <em>not</em> the k-subset (conditional Poisson) distribution, in
 * which a set's probability is proportional to the product of its weights; estimators made for one
 * are biased under the other.
 *
 * <p>Immutable, safe for use by several threads.
 *
 * @param k entries drawn from each row, 0 to n
 * @param noiseScale beta, finite, at least 0; dividing the logits by a temperature T is the same as
 *     a noise scale of T
 * @param order the order of the indices in a {@link Selection}
 * @param outputs what a draw writes besides the indices
 */
public record GumbelTopK(int k, float noiseScale, Order order, Set<Output> outputs) {

  /**
   * Checks the arguments.
   *
   * @throws IllegalArgumentException if one is out of its range
   */
  public GumbelTopK {
    Check.atLeast("k", k, 0);
    Check.finiteAtLeast("noiseScale", noiseScale, 0);
    Check.notNull("order", order);
    outputs = Set.copyOf(Check.notNull("outputs", outputs));
  }

  /**
   * Draws with noise scale 1 and indices in ascending order.
   *
   * @param k entries drawn from each row
   * @return the sampler
   */
  public static GumbelTopK of(int k) {
    return new GumbelTopK(k, 1, Order.INDEX, Set.of());
  }

  /**
   * The same sampler with another noise scale.
   *
   * @param value beta, finite and at least 0; 0 for the deterministic top-k
   * @return the copy
   */
  public GumbelTopK withNoiseScale(float value) {
    return new GumbelTopK(k, value, order, outputs);
  }

  /**
   * The same sampler with indices in another order.
   *
   * @param value the order
   * @return the copy
   */
  public GumbelTopK withOrder(Order value) {
    return new GumbelTopK(k, noiseScale, value, outputs);
  }

  /**
   * The same sampler with exactly these outputs besides the indices.
   *
   * @param values what a draw writes
   * @return the copy
   */
  public GumbelTopK withOutputs(Output... values) {
    Set<Output> set = EnumSet.noneOf(Output.class);
    set.addAll(Set.of(values));
    return new GumbelTopK(k, noiseScale, order, set);
  }

  /**
   * Draws into new tensors.
   *
   * @param logits F32, BF16 or F16 [rows, n]; infinities are allowed, entries of -infinity are
   *     never drawn
   * @param key which draw
   * @return what was drawn, which the caller closes
   * @throws InvalidLogitsException if a logit is NaN, or a row has fewer than k entries above
   *     -infinity
   * @throws IllegalArgumentException if k exceeds n, or the rows exceed the 2^32 that a key can
   *     number
   */
  public Selection draw(Tensor logits, DrawKey key) {
    checkArguments(logits, key);
    Selection selection = allocate(logits);
    try {
      draw(logits, key, selection);
      return selection;
    } catch (RuntimeException e) {
      selection.close();
      throw e;
    }
  }

  /**
   * Draws again into the tensors of an earlier selection, allocating nothing.
   *
   * @param logits as many rows and columns as before
   * @param key which draw
   * @param target a selection that this sampler made; overwritten
   * @throws InvalidLogitsException if a logit is NaN, or a row has fewer than k entries above
   *     -infinity; the target's contents are undefined then
   */
  public void draw(Tensor logits, DrawKey key, Selection target) {
    checkArguments(logits, key);
    Check.notNull("target", target);
    Check.that(
        target.sampler().equals(this)
            && target.rows() == logits.rows()
            && target.n() == logits.columns(),
        "target holds %d rows of %s from %d; allowed: %d rows of %s from %d",
        target.rows(),
        target.sampler(),
        target.n(),
        logits.rows(),
        this,
        logits.columns());
    Access.engine(logits.device(), target.indices())
        .sampling()
        .draw(Access.view(logits), k, toDraw(key), target.views());
    target.drawn(key);
    Access.drawn(logits.device(), steps -> target.drawn(key.atStep(key.step() + steps)));
  }

  Draw toDraw(DrawKey key) {
    return new Draw(noiseScale, key.seed(), key.stream(), key.step(), key.firstRow());
  }

  private void checkArguments(Tensor logits, DrawKey key) {
    checkLogits(logits);
    Check.notNull("key", key);
    Check.range("k", k, 0, logits.columns());
    Check.range("firstRow + rows", key.firstRow() + logits.rows(), 0, 1L << 32);
  }

  static void checkLogits(Tensor logits) {
    Check.notNull("logits", logits);
    Check.that(
        logits.type().isFloating() && logits.layout() == Layout.ROW_MAJOR,
        "logits is %s; allowed: row-major F32, BF16 or F16",
        logits);
    Check.range("n (columns of logits)", logits.columns(), 0, Integer.MAX_VALUE);
  }

  private Selection allocate(Tensor logits) {
    long rows = logits.rows();
    long n = logits.columns();
    var device = logits.device();
    Tensor indices = device.zeros(DType.I32, rows, k);
    Map<Output, Tensor> tensors = new EnumMap<>(Output.class);
    Selection selection = new Selection(this, n, indices, tensors);
    try {
      for (Output output : outputs) {
        tensors.put(
            output,
            switch (output) {
              case KEYS -> device.zeros(DType.F32, rows, k);
              case BIT_MASK -> device.zeros(DType.I32, rows, Math.ceilDiv(n, 32));
              case BYTE_MASK -> device.zeros(DType.U8, rows, n);
              case FLOAT_MASK -> device.zeros(DType.F32, rows, n);
            });
      }
      return selection;
    } catch (RuntimeException e) {
      selection.close();
      throw e;
    }
  }

  DrawOutputs views(Tensor indices, Map<Output, Tensor> tensors) {
    return new DrawOutputs(
        Access.view(indices),
        order == Order.KEY,
        Access.viewOrNull(tensors.get(Output.KEYS)),
        Access.viewOrNull(tensors.get(Output.BIT_MASK)),
        Access.viewOrNull(tensors.get(Output.BYTE_MASK)),
        Access.viewOrNull(tensors.get(Output.FLOAT_MASK)));
  }
}
