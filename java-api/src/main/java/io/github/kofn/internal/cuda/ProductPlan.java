// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cuda;

import io.github.kofn.DType;
import io.github.kofn.internal.cuda.ProductCatalogue.Line;
import io.github.kofn.sparse.KofNLayout;
import java.util.List;

/**
 * Which kernel computes a product: a pure function of shapes and types, so that it is tested
 * without a device.
 *
 * <ul>
 *   <li>lanes along the terms, for a forward product of at most 8 examples, which is as fast as its
 *       weights arrive;
 *   <li>tensor cores, where both factors have the same type of those they take, blocks are
 *       multiples of 16 along the results, and of 32 bytes along the contraction;
 *   <li>lanes along the batch, for everything else.
 * </ul>
 */
sealed interface ProductPlan {

  /**
   * Lanes along the batch.
   *
   * @param shared how many neighbouring results share their terms
   */
  record Lanes(int shared) implements ProductPlan {}

  /**
   * Lanes along the terms.
   *
   * @param shared how many neighbouring outputs share their inputs
   * @param examples at most so many
   */
  record Few(int shared, int examples) implements ProductPlan {}

  /**
   * Tensor cores.
   *
   * @param kernel the instance: type, threads, warps along both sides of its tile, then lines (of a
   *     gradient: inputs) and results of a line
   */
  record Tensor(Line kernel) implements ProductPlan {
    String type() {
      return kernel.cells().get(0);
    }

    int threads() {
      return kernel.number(1);
    }

    /** How many lines a thread block computes. */
    int lines() {
      return kernel.number(4);
    }

    /** The results of a line. */
    int block() {
      return kernel.number(5);
    }
  }

  /** Which kernels may be chosen; tests force one. */
  enum Regime {
    AUTO,
    FEW,
    LANES,
    TENSOR
  }

  /** What the sides of blocks must be multiples of. */
  int TENSOR_SIDE = 16;

  /** The contraction's granularity on tensor cores, in bytes. */
  int UNIT_BYTES = 32;

  /** Chooses for X W^T. */
  static ProductPlan forward(
      ProductCatalogue catalogue,
      KofNLayout layout,
      long batch,
      DType x,
      DType weights,
      boolean tf32,
      Regime regime) {
    boolean few = batch <= catalogue.largest("KOFN_FEW") && x.isFloating();
    if (few && (regime == Regime.AUTO || regime == Regime.FEW)) {
      return new Few(
          catalogue.covering("KOFN_FEW", 0, layout.blockOut()),
          catalogue.covering("KOFN_FEW", 1, Math.toIntExact(batch)));
    }
    return of(
        catalogue,
        "KOFN_TENSOR",
        layout.blockOut(),
        layout.blockIn(),
        tensorType(x, weights, tf32),
        weights.bytes(),
        regime,
        catalogue.covering("KOFN_LANES", 1, layout.blockOut()));
  }

  /** Chooses for dY W. */
  static ProductPlan backward(
      ProductCatalogue catalogue,
      KofNLayout layout,
      DType dy,
      DType weights,
      boolean tf32,
      Regime regime) {
    return of(
        catalogue,
        "KOFN_TENSOR_BACK",
        layout.blockIn(),
        layout.blockOut(),
        tensorType(dy, weights, tf32),
        weights.bytes(),
        regime,
        catalogue.covering("KOFN_LANES_BACK", 0, layout.blockIn()));
  }

  /** Chooses for dY^T X on the kept blocks. */
  static ProductPlan weightGradient(
      ProductCatalogue catalogue,
      KofNLayout layout,
      DType dy,
      DType x,
      boolean tf32,
      Regime regime) {
    ProductPlan plan =
        of(
            catalogue,
            "KOFN_TENSOR_GRADIENT",
            layout.blockOut(),
            UNIT_BYTES,
            tensorType(dy, x, tf32),
            1,
            regime,
            catalogue.covering("KOFN_WEIGHT_GRADIENT", 0, layout.blockOut()));
    return layout.blockIn() % TENSOR_SIDE == 0
        ? plan
        : new Lanes(catalogue.covering("KOFN_WEIGHT_GRADIENT", 0, layout.blockOut()));
  }

  /** Chooses for dY^T X times W, everywhere. */
  static ProductPlan maskGradient(
      ProductCatalogue catalogue, DType dy, DType x, boolean tf32, Regime regime) {
    String type = tensorType(dy, x, tf32);
    return catalogue.lines().stream()
        .filter(l -> regime != Regime.LANES)
        .filter(l -> l.macro().equals("KOFN_TENSOR_MASK") && l.cells().get(0).equals(type))
        .findFirst()
        .<ProductPlan>map(Tensor::new)
        .orElse(new Lanes(1));
  }

  private static ProductPlan of(
      ProductCatalogue catalogue,
      String family,
      int results,
      int contraction,
      String type,
      int bytes,
      Regime regime,
      int shared) {
    boolean whole = contraction * bytes % UNIT_BYTES == 0;
    if (type == null || !whole || regime == Regime.LANES) {
      return new Lanes(shared);
    }
    List<Line> fitting =
        catalogue.lines().stream()
            .filter(l -> l.macro().equals(family) && l.cells().get(0).equals(type))
            .filter(l -> results % l.number(5) == 0)
            .toList();
    return fitting.isEmpty() ? new Lanes(shared) : new Tensor(fitting.getLast());
  }

  /** What tensor cores call two equal types; null where they take none or the types differ. */
  private static String tensorType(DType a, DType b, boolean tf32) {
    if (a != b) {
      return null;
    }
    return switch (a) {
      case BF16 -> "bf16";
      case F16 -> "f16";
      case I8 -> "i8";
      case F32 -> tf32 ? "tf32" : null;
      case U8, U16, I32, I64 -> null;
    };
  }
}
