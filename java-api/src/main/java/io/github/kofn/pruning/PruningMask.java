// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.pruning;

import io.github.kofn.DType;
import io.github.kofn.Device;
import io.github.kofn.KofnException;
import io.github.kofn.Layout;
import io.github.kofn.Tensor;
import io.github.kofn.internal.Access;
import io.github.kofn.internal.Check;
import io.github.kofn.sampling.DrawKey;
import io.github.kofn.sampling.GumbelTopK;
import io.github.kofn.sampling.RelaxedTopK;
import io.github.kofn.sampling.Selection;
import io.github.kofn.sparse.KofNLayout;

/**
 * The trainable mask of one layer: logits [rows, n], of which every training step draws exactly k
 * of n in each row (dynamic probabilistic pruning, Gonzalez-Carabarin et al., arXiv 2105.12686).
 *
 * {@snippet :
 * KofNLayout layout = Granularity.WEIGHT.layout(300, 784, 0.1);
 * try (PruningMask mask = PruningMask.create(device, layout, PruningOptions.of(seed, 0, epochs));
 *     KofNMatrix w = KofNMatrix.inPlace(layout, weights)) {
 *   mask.startEpoch(epoch);
 *   w.select(mask.draw()); // a fresh mask each step, shared by the batch
 *   // forward and backward products, among them w.maskGradient(forward, dSum, dMask)
 *   mask.gradient(dMask, dLogits); // through the relaxation
 *   double penalty = mask.addEntropyGradient(dLogits);
 *   // after training: the deterministic mask
 *   w.select(mask.evaluationSelection());
 * }
 * }
 *
 * <p>The mask of step s is a function of the logits, the options and s alone. Not safe for use by
 * several threads at once.
 */
public final class PruningMask implements AutoCloseable {
  /** The standard deviation of fresh logits. */
  public static final double INITIAL_DEVIATION = 0.5;

  /**
   * Fresh logits use this step's random words; draws never do, because their steps are not
   * negative.
   */
  private static final int INITIAL_STEP = -1;

  private final KofNLayout layout;
  private final PruningOptions options;
  private final Tensor logits;
  private final boolean ownsLogits;
  private final GumbelTopK sampler;
  private final GumbelTopK evaluator;
  private Selection drawn;
  private Selection evaluated;
  private Tensor entropies;
  private RelaxedTopK relaxation;
  private int step;

  private PruningMask(
      Tensor logits, boolean ownsLogits, KofNLayout layout, PruningOptions options) {
    this.layout = layout;
    this.options = options;
    this.logits = logits;
    this.ownsLogits = ownsLogits;
    this.sampler = GumbelTopK.of(layout.k()).withNoiseScale(options.noiseScale());
    this.evaluator = sampler.withNoiseScale(0);
    startEpoch(0);
  }

  /**
   * A mask with fresh logits, see {@link #initialLogits}.
   *
   * @param device where the logits live
   * @param layout sizes: rows = block rows, n = block columns
   * @param options how it draws and learns
   * @return the mask, which the caller closes
   */
  public static PruningMask create(Device device, KofNLayout layout, PruningOptions options) {
    Check.notNull("device", device);
    float[] values = initialLogits(layout, options);
    return new PruningMask(
        device.tensorOf(values, layout.blockRows(), layout.blockColumns()), true, layout, options);
  }

  /**
   * A mask over given logits.
   *
   * @param logits F32 [block rows, block columns], row-major; stays the caller's, and is read at
   *     every draw
   * @param layout sizes: rows = block rows, n = block columns
   * @param options how it draws and learns
   * @return the mask, which the caller closes
   */
  public static PruningMask over(Tensor logits, KofNLayout layout, PruningOptions options) {
    Check.notNull("layout", layout);
    Check.notNull("options", options);
    checkMatrix("logits", logits, layout);
    return new PruningMask(logits, false, layout, options);
  }

  /**
   * Independent samples of N(0, {@value #INITIAL_DEVIATION}^2), the same bits on every machine for
   * the same seed and stream.
   *
   * @param layout sizes: rows = block rows, n = block columns
   * @param options seed and stream
   * @return rows * n values, row-major
   */
  public static float[] initialLogits(KofNLayout layout, PruningOptions options) {
    Check.notNull("layout", layout);
    Check.notNull("options", options);
    return Gaussian.matrix(
        options.seed(),
        options.stream(),
        INITIAL_STEP,
        layout.blockRows(),
        layout.blockColumns(),
        INITIAL_DEVIATION);
  }

  /**
   * The sizes.
   *
   * @return the layout
   */
  public KofNLayout layout() {
    return layout;
  }

  /**
   * How this mask draws and learns.
   *
   * @return the options
   */
  public PruningOptions options() {
    return options;
  }

  /**
   * What is trained.
   *
   * @return F32 [rows, n]
   */
  public Tensor logits() {
    return logits;
  }

  /**
   * The step of the next draw.
   *
   * @return the number of draws so far, unless {@link #setStep} changed it
   */
  public int step() {
    return step;
  }

  /**
   * Continues at another step, as when training is resumed.
   *
   * @param value the step of the next draw, at least 0
   */
  public void setStep(int value) {
    step = (int) Check.atLeast("step", value, 0);
  }

  /**
   * Sets the relaxation's temperature to an epoch's. A new mask is in epoch 0.
   *
   * @param epoch the epoch, counted from 0
   */
  public void startEpoch(int epoch) {
    relaxation = new RelaxedTopK(options.temperature().at(epoch), options.removal());
  }

  /**
   * The relaxation's temperature.
   *
   * @return tau in the epoch that was started last
   */
  public float temperature() {
    return relaxation.tau();
  }

  /**
   * Draws the mask of the next training step.
   *
   * @return what was drawn; belongs to this mask, and the next call overwrites it
   * @throws io.github.kofn.sampling.InvalidLogitsException if a logit is NaN, or a row has fewer
   *     than k logits above -infinity
   * @throws IllegalStateException after step 2^31 - 1
   */
  public Selection draw() {
    if (step == Integer.MAX_VALUE) {
      throw new IllegalStateException("step is " + step + ": no steps are left");
    }
    DrawKey key = DrawKey.of(options.seed(), options.stream()).atStep(step);
    if (drawn == null) {
      drawn = sampler.draw(logits, key);
    } else {
      sampler.draw(logits, key, drawn);
    }
    assert logits.device().isCapturing() || requireExactlyK(drawn);
    step++;
    return drawn;
  }

  /**
   * The mask for evaluation and inference: the k largest logits of each row, without noise. Does
   * not disturb training.
   *
   * @return the same for the same logits, every time; belongs to this mask, and the next call
   *     overwrites it
   * @throws io.github.kofn.sampling.InvalidLogitsException if a logit is NaN, or a row has fewer
   *     than k logits above -infinity
   */
  public Selection evaluationSelection() {
    DrawKey key = DrawKey.of(options.seed(), options.stream());
    if (evaluated == null) {
      evaluated = evaluator.draw(logits, key);
    } else {
      evaluator.draw(logits, key, evaluated);
    }
    requireExactlyK(evaluated);
    return evaluated;
  }

  /**
   * Sees for itself that a selection holds exactly k different entries of every row: of every
   * group, not only in total.
   *
   * @param selection what was drawn
   * @return true
   * @throws KofnException if it does not
   */
  public boolean requireExactlyK(Selection selection) {
    Check.notNull("selection", selection);
    int k = layout.k();
    int[] columns = selection.indices().toInts();
    if (columns.length != layout.blockRows() * k) {
      throw new KofnException(
          "a mask holds %d entries instead of %d"
              .formatted(columns.length, layout.blockRows() * k));
    }
    for (int i = 0; i < columns.length; i++) {
      int least = i % k == 0 ? 0 : columns[i - 1] + 1;
      if (columns[i] < least || columns[i] >= layout.blockColumns()) {
        throw new KofnException(
            "row %d of a mask does not hold %d different entries of %d in ascending order: entry %d is %d"
                .formatted(i / k, k, layout.blockColumns(), i % k, columns[i]));
      }
    }
    return true;
  }

  /**
   * The straight-through gradient: the mask of the last draw was used on the way forward, its
   * relaxation is differentiated on the way back. Pruned entries get a gradient too.
   *
   * @param dMask F32 [rows, n]: the loss's gradient with respect to the mask, see {@link
   *     io.github.kofn.sparse.KofNMatrix#maskGradient}
   * @param dLogits F32 [rows, n], overwritten; may be dMask itself
   * @throws IllegalStateException if nothing was drawn yet
   */
  public void gradient(Tensor dMask, Tensor dLogits) {
    if (drawn == null) {
      throw new IllegalStateException("gradient needs a draw before it");
    }
    relaxation.gradient(logits, drawn, dMask, dLogits);
  }

  /**
   * The regulariser {@code mu * sum over rows of H(softmax(logits))}, in nats, with mu the options'
   * entropy weight.
   *
   * @param dLogits F32 [rows, n]: the regulariser's gradient is added
   * @return the regulariser's value, to be added to the loss; 0 at once if mu is 0
   */
  public double addEntropyGradient(Tensor dLogits) {
    checkMatrix("dLogits", dLogits, layout);
    if (options.entropyWeight() == 0) {
      return 0;
    }
    if (entropies == null) {
      entropies = logits.device().zeros(DType.F32, layout.blockRows(), 1);
    }
    Access.engine(logits.device(), dLogits)
        .sampling()
        .entropy(
            Access.view(logits),
            Access.view(entropies),
            Access.view(dLogits),
            options.entropyWeight());
    double sum = 0;
    for (float entropy : entropies.toFloats()) {
      sum += entropy;
    }
    return options.entropyWeight() * sum;
  }

  /**
   * How decided the logits are, and how much the rows differ.
   *
   * @return confidence and diversity
   * @throws KofnException if a row has no finite maximum
   */
  public MaskMetrics metrics() {
    return MaskMetrics.of(logits.toFloats(), layout.blockRows(), layout.blockColumns());
  }

  private static void checkMatrix(String name, Tensor tensor, KofNLayout layout) {
    Check.notNull(name, tensor);
    Check.that(
        tensor.type() == DType.F32
            && tensor.layout() == Layout.ROW_MAJOR
            && tensor.rows() == layout.blockRows()
            && tensor.columns() == layout.blockColumns(),
        "%s is %s; allowed: row-major F32 [%d, %d]",
        name,
        tensor,
        layout.blockRows(),
        layout.blockColumns());
  }

  /** Frees what this mask made; given logits stay. Closing twice is fine. */
  @Override
  public void close() {
    if (drawn != null) {
      drawn.close();
    }
    if (evaluated != null) {
      evaluated.close();
    }
    if (entropies != null) {
      entropies.close();
    }
    if (ownsLogits) {
      logits.close();
    }
  }
}
