// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.bench.report;

import io.github.kofn.bench.matmul.Peak;
import io.github.kofn.bench.sampling.Shape;
import java.util.Map;
import java.util.OptionalDouble;

/** What times of a suite are given in, and how much work a case is. */
enum Unit {
  /** Sampling. */
  PER_ELEMENT("ns per element") {
    @Override
    double perNanosecond(Map<String, String> parameters) {
      return 1.0 / Shape.of(parameters.get("shape")).elements();
    }
  },
  /** Products. */
  MILLISECONDS("ms") {
    @Override
    double perNanosecond(Map<String, String> parameters) {
      return 1e-6;
    }
  },
  /** Launches. */
  NANOSECONDS("ns") {
    @Override
    double perNanosecond(Map<String, String> parameters) {
      return 1;
    }
  };

  private final String label;

  Unit(String label) {
    this.label = label;
  }

  static Unit of(String suite) {
    return switch (suite) {
      case "sampling" -> PER_ELEMENT;
      case "launch" -> NANOSECONDS;
      default -> MILLISECONDS;
    };
  }

  String label() {
    return label;
  }

  abstract double perNanosecond(Map<String, String> parameters);

  /** Multiplications and additions with what is kept, where the operation has them. */
  static OptionalDouble usefulFlops(String operation, Map<String, String> p) {
    if (operation.equals("Peak") || !p.containsKey("batch") || !p.containsKey("block")) {
      return OptionalDouble.empty();
    }
    double n = Integer.parseInt(p.get("n"));
    double batch = Integer.parseInt(p.get("batch"));
    String[] block = p.get("block").split("x", 2);
    int blockIn = Integer.parseInt(block[1]);
    double columns = Math.ceil(n / blockIn);
    double k = Math.max(1, Math.round(columns * (100 - Integer.parseInt(p.get("sparsity"))) / 100));
    double kept = operation.equals("MaskGradient") ? 1 : k / columns;
    return OptionalDouble.of(2 * n * n * kept * batch);
  }

  /** Operations of a call of {@link Peak} with so many lanes. */
  static double peakFlops(int lanes) {
    return (double) Peak.FLOPS_PER_LANE * lanes;
  }
}
