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

/** Runs one product on the simulated device and tells what was counted. */
final class ProductRun {
  private static final String FAMILY = "kofn.cuda.products";

  private ProductRun() {}

  /** What all launches of a product count, with values in place, by a family of kernels. */
  static Map<String, Long> count(ProductProblem problem, Regime regime, boolean packed) {
    System.setProperty(FAMILY, regime.name().toLowerCase(Locale.ROOT));
    try (Device device = SimulatedDevice.open()) {
      return count(device, problem, packed);
    } finally {
      System.clearProperty(FAMILY);
    }
  }

  private static Map<String, Long> count(Device device, ProductProblem problem, boolean packed) {
    KofNLayout layout = problem.layout();
    boolean ofWeights =
        problem.operation() == Operation.WEIGHT_GRADIENT
            || problem.operation() == Operation.MASK_GRADIENT;
    DType x = ofWeights ? problem.second() : problem.first();
    DType y = problem.first() == DType.I8 ? DType.F32 : problem.first();
    long batch = problem.batch();
    try (Tensor logits = device.zeros(DType.F32, layout.blockRows(), layout.blockColumns());
        Selection drawn = GumbelTopK.of(layout.k()).draw(logits, DrawKey.of(1, 0));
        Tensor weights = device.zeros(ofWeights ? y : problem.second(), layout.out(), layout.in());
        KofNMatrix inPlace = KofNMatrix.inPlace(layout, weights)) {
      inPlace.select(drawn);
      try (KofNMatrix matrix = packed ? inPlace.pack() : inPlace;
          Tensor input = device.zeros(x, batch, layout.in());
          Tensor output = device.zeros(y, batch, layout.out());
          Tensor back = device.zeros(y, batch, layout.in());
          Tensor gradient = device.zeros(DType.F32, matrix.values().shape())) {
        matrix.allowTf32(problem.tf32());
        Forward forward = matrix.multiply(input, output, Epilogue.NONE);
        if (problem.operation() == Operation.INPUT_GRADIENT) {
          matrix.inputGradient(forward, output, back); // builds the companion
        }
        SimulatedDevice.resetCounters();
        switch (problem.operation()) {
          case FORWARD -> matrix.multiply(input, output, Epilogue.NONE);
          case INPUT_GRADIENT -> matrix.inputGradient(forward, output, back);
          case WEIGHT_GRADIENT -> matrix.weightGradient(forward, output, gradient);
          case MASK_GRADIENT -> matrix.maskGradient(forward, output, logits);
        }
        return SimulatedDevice.counters("*");
      }
    }
  }
}
