// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cuda;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The plans of the last problems. A plan compares some twenty kernels, and training asks for the
 * same few at every step.
 */
final class ProductPlans {
  /** Problems remembered: those of some tens of matrices. */
  static final int CAPACITY = 256;

  private final ProductCatalogue catalogue;
  private final DeviceLimits limits;
  private final ProductPlan.Regime regime;
  private final Map<ProductProblem, ProductPlan> plans = new LinkedHashMap<>(16, 0.75f, true);

  ProductPlans(ProductCatalogue catalogue, DeviceLimits limits, ProductPlan.Regime regime) {
    this.catalogue = catalogue;
    this.limits = limits;
    this.regime = regime;
  }

  /** The plan of a problem; of more than {@link #CAPACITY}, the longest unused is forgotten. */
  ProductPlan of(ProductProblem problem) {
    ProductPlan known = plans.get(problem);
    if (known != null) {
      return known;
    }
    if (plans.size() == CAPACITY) {
      plans.remove(plans.keySet().iterator().next());
    }
    ProductPlan plan = ProductPlan.choose(catalogue, problem, limits, regime);
    plans.put(problem, plan);
    return plan;
  }
}
