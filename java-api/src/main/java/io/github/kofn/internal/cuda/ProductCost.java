// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cuda;

final class ProductCost {
  private ProductCost() {}

  static double cycles(ProductPlan plan, ProductProblem problem, DeviceLimits limits) {
    return plan instanceof ProductPlan.Few ? 0 : plan instanceof ProductPlan.Tensor ? 1 : plan instanceof ProductPlan.Lanes ? 2 : 3;
  }
}
