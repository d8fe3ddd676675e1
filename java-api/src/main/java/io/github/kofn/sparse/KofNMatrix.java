// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.sparse;

import io.github.kofn.DType;
import io.github.kofn.Device;
import io.github.kofn.Tensor;
import io.github.kofn.internal.Access;
import io.github.kofn.internal.Check;
import io.github.kofn.internal.kernels.Derived;
import io.github.kofn.internal.kernels.ProductKernels;
import io.github.kofn.internal.kernels.ProductKernels.Companion;
import io.github.kofn.internal.kernels.ProductKernels.Pattern;
import io.github.kofn.sampling.Order;
import io.github.kofn.sampling.Selection;

/**
 * A matrix W [out, in] of which each block row keeps exactly k of n blocks, and its products with
 * activations.
 *
 * <p>Values are held in one of two ways. <b>In place</b>, for training: the kept blocks are read
 * straight out of the dense master weights, so that a new pattern re-formats nothing, and a pruned
 * weight keeps its value until it comes back. <b>Packed</b>, for inference: only the kept blocks
 * exist, [blockRows, k, blockOut, blockIn].
 *
 * {@snippet :
 * KofNMatrix w = KofNMatrix.inPlace(KofNLayout.weights(300, 784, 78), weights);
 * w.select(drawn); // each training step
 * Forward forward = w.multiply(x, y, Epilogue.NONE.withBias(bias).withActivation(Activation.RELU, z));
 * epilogue.gradient(dy, dSum, dBias);
 * w.inputGradient(forward, dSum, dx);
 * w.weightGradient(forward, dSum, dw);
 * w.maskGradient(forward, dSum, dMask);
 * }
 *
 * <p>Products are deterministic: no atomics, the same arguments give the same bits. Each element of
 * a product lies within {@code c * eps * sum |x| |w|} of the exact sum, with c and eps stated by
 * the backend. A NaN or infinity in X at an input that a row has pruned does not reach that row's
 * output; a dense product with zeros would give NaN. On a GPU the low bits of one example may
 * depend on whether all of the batch is finite, for such a batch may be multiplied densely.
 *
 * <p>Not safe for use by several threads at once.
 */
public final class KofNMatrix implements AutoCloseable {
  private final KofNLayout layout;
  private final boolean packed;
  private final Tensor values;
  private final boolean ownsValues;
  private final Tensor indices;
  private final Derived derived = new Derived();
  private CompanionTensors companion;
  private long companionVersion = -1;
  private long version;
  private boolean tf32;

  private KofNMatrix(KofNLayout layout, boolean packed, Tensor values, boolean ownsValues) {
    this.layout = layout;
    this.packed = packed;
    this.values = values;
    this.ownsValues = ownsValues;
    this.indices = values.device().zeros(layout.indexType(), layout.blockRows(), layout.k());
  }

  /**
   * A matrix whose values stay in dense weights. It keeps the first k blocks of every row until a
   * pattern is selected; with k = n that is everything, and nothing needs to be selected.
   *
   * @param layout sizes
   * @param weights [out, in], row-major F32, BF16, F16 or I8; stays the caller's, and is read at
   *     every product
   * @return the matrix, which the caller closes
   */
  public static KofNMatrix inPlace(KofNLayout layout, Tensor weights) {
    Check.notNull("layout", layout);
    Shapes.activations("weights", weights, layout.out(), layout.in());
    Shapes.rowMajor("weights", weights);
    KofNMatrix matrix = new KofNMatrix(layout, false, weights, false);
    matrix.selectFirst();
    return matrix;
  }

  /**
   * A matrix of kept blocks only.
   *
   * @param layout sizes
   * @param values [blockRows, k, blockOut, blockIn], row-major F32, BF16, F16 or I8; elements
   *     beyond the matrix's edge are ignored; stays the caller's
   * @param indices I32 [blockRows, k], ascending and unique in each row; copied
   * @return the matrix, which the caller closes
   * @throws IllegalArgumentException if an index is out of range, or a row is not ascending
   */
  public static KofNMatrix packed(KofNLayout layout, Tensor values, Tensor indices) {
    Check.notNull("layout", layout);
    Check.notNull("values", values);
    Shapes.rowMajor("values", values);
    Check.that(
        values.size() == layout.packedElements(),
        "values is %s; allowed: [%d, %d, %d, %d]",
        values,
        layout.blockRows(),
        layout.k(),
        layout.blockOut(),
        layout.blockIn());
    KofNMatrix matrix = new KofNMatrix(layout, true, values, false);
    try {
      matrix.select(indices);
      return matrix;
    } catch (RuntimeException e) {
      matrix.close();
      throw e;
    }
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
   * Whether only kept blocks exist.
   *
   * @return true if packed, false if in place
   */
  public boolean isPacked() {
    return packed;
  }

  /**
   * The values: dense weights, or packed blocks.
   *
   * @return the tensor
   */
  public Tensor values() {
    return values;
  }

  /**
   * The kept block columns.
   *
   * @return [blockRows, k] of the layout's index type, ascending in each row; belongs to this
   *     matrix
   */
  public Tensor indices() {
    return indices;
  }

  /**
   * Lets products of F32 with F32 round their factors to TF32, of 10 mantissa bits, where a device
   * multiplies those faster: a relative error of up to 2^-11 for each factor, instead of true F32.
   * Off by default; backends without TF32 ignore it.
   *
   * @param allowed whether it is allowed from now on
   * @return this matrix
   */
  public KofNMatrix allowTf32(boolean allowed) {
    tf32 = allowed;
    return this;
  }

  /**
   * Whether {@link #allowTf32} allowed it.
   *
   * @return true if F32 factors may be rounded to TF32
   */
  public boolean allowsTf32() {
    return tf32;
  }

  /**
   * Keeps what was drawn.
   *
   * @param selection drawn with {@link Order#INDEX} from logits [blockRows, blockColumns], with the
   *     layout's k
   * @throws IllegalStateException if the matrix is packed: its values belong to its pattern
   */
  public void select(Selection selection) {
    Check.notNull("selection", selection);
    requireInPlace("select");
    Check.that(
        selection.sampler().order() == Order.INDEX,
        "the selection's order is %s; allowed: INDEX",
        selection.sampler().order());
    Check.that(
        selection.rows() == layout.blockRows()
            && selection.n() == layout.blockColumns()
            && selection.sampler().k() == layout.k(),
        "the selection holds %d of %d in %d rows; allowed: %d of %d in %d rows",
        selection.sampler().k(),
        selection.n(),
        selection.rows(),
        layout.k(),
        layout.blockColumns(),
        layout.blockRows());
    indices.convertFrom(selection.indices());
    version++;
  }

  private void select(Tensor columns) {
    Shapes.matrix("indices", columns, layout.blockRows(), layout.k());
    checkIndices(columns.toInts());
    indices.convertFrom(columns);
    version++;
  }

  private void selectFirst() {
    int[] first = new int[layout.blockRows() * layout.k()];
    for (int i = 0; i < first.length; i++) {
      first[i] = i % layout.k();
    }
    try (Tensor columns = values.device().tensorOf(first, layout.blockRows(), layout.k())) {
      select(columns);
    }
  }

  private void checkIndices(int[] columns) {
    for (int i = 0; i < columns.length; i++) {
      int row = i / layout.k();
      int slot = i % layout.k();
      String name = "indices[" + row + ", " + slot + "]";
      Check.range(name, columns[i], 0, layout.blockColumns() - 1);
      Check.that(
          slot == 0 || columns[i] > columns[i - 1],
          "%s is %d after %d; allowed: ascending and unique",
          name,
          columns[i],
          slot == 0 ? 0 : columns[i - 1]);
    }
  }

  /**
   * Y = X W^T, with an epilogue. Integer products (X and W both I8) have exact 32-bit sums.
   *
   * @param x [batch, in], F32, BF16, F16 or I8, in either layout
   * @param y [batch, out], F32, BF16 or F16, in either layout, overwritten; must not overlap x
   * @param epilogue what is done to the sums
   * @return what the backward products need; ignore it at inference
   */
  public Forward multiply(Tensor x, Tensor y, Epilogue epilogue) {
    Check.notNull("x", x);
    Check.notNull("epilogue", epilogue);
    Shapes.activations("x", x, x.rows(), layout.in());
    Shapes.activations("y", y, x.rows(), layout.out());
    Shapes.floating("y", y);
    Check.that(x != y, "y is x; allowed: another tensor");
    Check.that(
        (x.type() == DType.I8) == (values.type() == DType.I8),
        "x is %s and the weights %s; allowed: both I8 or neither",
        x.type(),
        values.type());
    kernels(
            x,
            y,
            epilogue.outputScales(),
            epilogue.bias(),
            epilogue.preActivation(),
            epilogue.residual())
        .multiply(
            pattern(), Access.view(x), Access.view(y), epilogue.finish(x.rows(), layout.out()));
    return forward(x);
  }

  /**
   * dX = dSum W.
   *
   * @param forward from the forward product
   * @param dSum F32, BF16 or F16 [batch, out]: the loss's gradient with respect to the sums, see
   *     {@link Epilogue#gradient}
   * @param dx F32, BF16 or F16 [batch, in], overwritten; columns that no row kept become 0
   * @throws IllegalStateException if another pattern was selected since the forward product
   */
  public void inputGradient(Forward forward, Tensor dSum, Tensor dx) {
    inputGradient(forward, dSum, dx, Activation.IDENTITY, null);
  }

  /**
   * dX = (dSum W) * activation'(z): the gradient with respect to the sums of the layer before, in
   * one pass.
   *
   * @param forward from the forward product
   * @param dSum F32, BF16 or F16 [batch, out]: the loss's gradient with respect to the sums
   * @param dx F32, BF16 or F16 [batch, in], overwritten
   * @param activation the activation of the layer before
   * @param z F32 [batch, in], the pre-activation of the layer before; null with the identity
   * @throws IllegalStateException if another pattern was selected since the forward product
   */
  public void inputGradient(
      Forward forward, Tensor dSum, Tensor dx, Activation activation, Tensor z) {
    checkBackward(forward, dSum, layout.in(), layout.out());
    Shapes.activations("dx", dx, dSum.rows(), layout.in());
    Shapes.floating("dx", dx);
    Check.notNull("activation", activation);
    boolean derivative = activation != Activation.IDENTITY;
    if (derivative) {
      Shapes.activations("z", z, dSum.rows(), layout.in());
      Shapes.f32("z", z);
    }
    kernels(dSum, dx, z)
        .inputGradient(
            pattern(),
            companion(),
            Access.view(dSum),
            Access.view(dx),
            derivative ? activation : null,
            derivative ? Access.view(z) : null);
  }

  /**
   * dW = dSum^T X on the kept blocks.
   *
   * @param forward from the forward product
   * @param dSum F32, BF16 or F16 [batch, out]: the loss's gradient with respect to the sums
   * @param dw F32, shaped like {@link #values()}; kept blocks are overwritten, all else stays as it
   *     was
   * @throws IllegalStateException if another pattern was selected since the forward product
   */
  public void weightGradient(Forward forward, Tensor dSum, Tensor dw) {
    checkBackward(forward, dSum, layout.in(), layout.out());
    checkWeightGradient(dw);
    kernels(forward.x(), dSum, dw)
        .weightGradient(pattern(), Access.view(forward.x()), Access.view(dSum), Access.view(dw));
  }

  /**
   * The loss's gradient with respect to the mask, for all n candidates: the sum over a block's
   * elements of W * (dSum^T X). Pruned blocks have one too; it is what lets them come back.
   *
   * @param forward from the forward product
   * @param dSum F32, BF16 or F16 [batch, out]: the loss's gradient with respect to the sums
   * @param dMask F32 [blockRows, blockColumns], overwritten
   * @throws IllegalStateException if the matrix is packed, for its pruned weights are gone; or if
   *     another pattern was selected since the forward product
   */
  public void maskGradient(Forward forward, Tensor dSum, Tensor dMask) {
    checkBackward(forward, dSum, layout.in(), layout.out());
    checkMaskGradient(dMask);
    kernels(forward.x(), dSum, dMask)
        .maskGradient(
            layout,
            Access.view(values),
            Access.view(forward.x()),
            Access.view(dSum),
            Access.view(dMask),
            tf32);
  }

  /**
   * The kept blocks alone.
   *
   * @return a packed matrix with its own values, which the caller closes
   */
  public KofNMatrix pack() {
    Tensor blocks =
        values
            .device()
            .zeros(
                values.type(), layout.blockRows(), layout.k(), layout.blockOut(), layout.blockIn());
    KofNMatrix matrix = new KofNMatrix(layout, true, blocks, true);
    kernels().pack(pattern(), Access.view(blocks));
    matrix.indices.convertFrom(indices);
    return matrix;
  }

  /**
   * The dense matrix, with zeros where nothing is kept.
   *
   * @return [out, in] of the values' type, which the caller closes
   */
  public Tensor toDense() {
    Tensor dense = values.device().zeros(values.type(), layout.out(), layout.in());
    kernels().densify(pattern(), Access.view(dense));
    return dense;
  }

  /** The kept part, for kernels. */
  Pattern pattern() {
    return new Pattern(layout, Access.view(indices), packed, Access.view(values), tf32, derived);
  }

  /** The pattern by columns, made when it is first needed. */
  Companion companion() {
    if (companion == null) {
      companion = new CompanionTensors(values.device(), layout);
    }
    if (companionVersion != version) {
      kernels().transpose(layout, Access.view(indices), companion.views());
      companionVersion = version;
    }
    return companion.views();
  }

  /** What a forward product of this matrix leaves for the backward ones. */
  Forward forward(Tensor x) {
    return new Forward(this, version, x);
  }

  /** Checks what every backward product takes; inputs and outputs are counted in features. */
  void checkBackward(Forward forward, Tensor dSum, int inputs, int outputs) {
    Check.notNull("forward", forward);
    Check.that(forward.matrix() == this, "forward is of another matrix; allowed: of this one");
    Shapes.activations("forward's x", forward.x(), forward.x().rows(), inputs);
    if (forward.version() != version) {
      throw new IllegalStateException(
          "the forward product used pattern %d and the matrix now has pattern %d: select only after the backward products"
              .formatted(forward.version(), version));
    }
    Check.notNull("dSum", dSum);
    Shapes.activations("dSum", dSum, forward.x().rows(), outputs);
    Shapes.floating("dSum", dSum);
  }

  void checkWeightGradient(Tensor dw) {
    Check.notNull("dw", dw);
    Shapes.f32("dw", dw);
    Shapes.rowMajor("dw", dw);
    Check.that(
        dw.size() == values.size() && dw.columns() == values.columns(),
        "dw is %s; allowed: the shape of the values, %s",
        dw,
        values);
  }

  void checkMaskGradient(Tensor dMask) {
    requireInPlace("maskGradient");
    Shapes.matrix("dMask", dMask, layout.blockRows(), layout.blockColumns());
    Shapes.f32("dMask", dMask);
    Shapes.rowMajor("dMask", dMask);
  }

  private void requireInPlace(String operation) {
    if (packed) {
      throw new IllegalStateException(
          operation + " needs a matrix in place; this one is packed, its pruned weights are gone");
    }
  }

  private ProductKernels kernels(Tensor... operands) {
    return Access.engine(values.device(), operands).products();
  }

  /** Frees the pattern, and the values where {@link #pack} made them. Closing twice is fine. */
  @Override
  public void close() {
    indices.close();
    if (companion != null) {
      companion.close();
    }
    if (ownsValues) {
      values.close();
    }
  }

  /** The tensors behind a companion. */
  private static final class CompanionTensors implements AutoCloseable {
    private final Tensor starts;
    private final Tensor rows;
    private final Tensor slots;

    CompanionTensors(Device device, KofNLayout layout) {
      long entries = (long) layout.blockRows() * layout.k();
      starts = device.zeros(DType.I32, layout.blockColumns() + 1L);
      rows = device.zeros(DType.I32, entries);
      slots = device.zeros(DType.I32, entries);
    }

    Companion views() {
      return new Companion(Access.view(starts), Access.view(rows), Access.view(slots));
    }

    @Override
    public void close() {
      starts.close();
      rows.close();
      slots.close();
    }
  }
}
