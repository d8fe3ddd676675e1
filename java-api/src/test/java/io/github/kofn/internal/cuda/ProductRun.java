// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cuda;

import io.github.kofn.DType;
import io.github.kofn.Device;
import io.github.kofn.Tensor;
import io.github.kofn.internal.cuda.ProductPlan.Regime;
import io.github.kofn.internal.cuda.ProductProblem.Operation;
import io.github.kofn.sampling.DrawKey;
import io.github.kofn.sampling.GumbelTopK;
import io.github.kofn.sampling.Selection;
import io.github.kofn.sparse.Epilogue;
import io.github.kofn.sparse.Forward;
import io.github.kofn.sparse.KofNLayout;
import io.github.kofn.sparse.KofNMatrix;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;

/** Runs one product on the simulated device and tells what was counted. */
final class ProductRun {
  private static final String FAMILY = "kofn.cuda.products";

  private ProductRun() {}

  /** What all launches of a product count, by a family of kernels. */
  static Map<String, Long> count(ProductProblem problem, Regime regime, boolean packed) {
    System.setProperty(FAMILY, regime.name().toLowerCase(Locale.ROOT));
    try (Device device = SimulatedDevice.open()) {
      return count(device, problem, packed);
    } finally {
      System.clearProperty(FAMILY);
    }
  }

  /**
   * The same without the sanitizer, which looks at every access, and with thread blocks in the
   * order of their numbers, which decides what L2 still holds: for large products.
   */
  static Map<String, Long> countOnly(ProductProblem problem, Regime regime, boolean packed) {
    SimulatedDevice.set("off", "all");
    SimulatedDevice.set("random_order", "0");
    try {
      return count(problem, regime, packed);
    } finally {
      SimulatedDevice.set("random_order", "1");
      SimulatedDevice.set("off", "");
    }
  }

  private static Map<String, Long> count(Device device, ProductProblem problem, boolean packed) {
    KofNLayout layout = problem.layout();
    boolean ofWeights =
        problem.operation() == Operation.WEIGHT_GRADIENT
            || problem.operation() == Operation.MASK_GRADIENT;
    DType x = ofWeights ? problem.second() : problem.first();
    DType y = problem.first() == DType.I8 ? DType.F32 : problem.first();
    DType w = ofWeights ? y : problem.second();
    long batch = problem.batch();
    SimulatedDevice.set("counting", "0");
    try (Tensor values = values(device, layout, w, packed);
        KofNMatrix matrix = matrix(device, layout, values, packed);
        Tensor input = device.zeros(x, batch, layout.in());
        Tensor output = device.zeros(y, batch, layout.out());
        Tensor back = device.zeros(y, batch, layout.in());
        Tensor gradient = device.zeros(DType.F32, values.shape());
        Tensor mask = device.zeros(DType.F32, layout.blockRows(), layout.blockColumns())) {
      matrix.allowTf32(problem.tf32());
      Forward forward = matrix.multiply(input, output, Epilogue.NONE);
      if (problem.operation() == Operation.INPUT_GRADIENT) {
        matrix.inputGradient(forward, output, back); // builds the companion
      }
      device.stream().synchronize();
      SimulatedDevice.set("counting", "1");
      SimulatedDevice.resetCounters();
      switch (problem.operation()) {
        case FORWARD -> matrix.multiply(input, output, Epilogue.NONE);
        case INPUT_GRADIENT -> matrix.inputGradient(forward, output, back);
        case WEIGHT_GRADIENT -> matrix.weightGradient(forward, output, gradient);
        case MASK_GRADIENT -> matrix.maskGradient(forward, output, mask);
      }
      device.stream().synchronize();
      return SimulatedDevice.counters("*");
    } finally {
      SimulatedDevice.set("counting", "1");
    }
  }

  private static Tensor values(Device device, KofNLayout layout, DType type, boolean packed) {
    return packed
        ? device.zeros(type, layout.blockRows(), layout.k(), layout.blockOut(), layout.blockIn())
        : device.zeros(type, layout.out(), layout.in());
  }

  private static KofNMatrix matrix(
      Device device, KofNLayout layout, Tensor values, boolean packed) {
    if (packed) {
      try (Tensor indices = device.tensorOf(indices(layout), layout.blockRows(), layout.k())) {
        return KofNMatrix.packed(layout, values, indices);
      }
    }
    KofNMatrix matrix = KofNMatrix.inPlace(layout, values);
    if (layout.isDense()) {
      return matrix;
    }
    try (Tensor logits = device.zeros(DType.F32, layout.blockRows(), layout.blockColumns());
        Selection drawn = GumbelTopK.of(layout.k()).draw(logits, DrawKey.of(1, 0))) {
      matrix.select(drawn);
    }
    return matrix;
  }

  /** k of n columns of every block row, ascending, each set as likely as any other. */
  private static int[] indices(KofNLayout layout) {
    SplittableRandom random = new SplittableRandom(1);
    int[] indices = new int[layout.blockRows() * layout.k()];
    int next = 0;
    for (int row = 0; row < layout.blockRows(); row++) {
      int wanted = layout.k();
      for (int column = 0; wanted > 0; column++) {
        if (random.nextInt(layout.blockColumns() - column) < wanted) {
          indices[next++] = column;
          wanted--;
        }
      }
    }
    return indices;
  }
}
