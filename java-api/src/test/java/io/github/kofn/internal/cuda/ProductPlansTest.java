// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;

import io.github.kofn.DType;
import io.github.kofn.internal.cuda.ProductPlan.Regime;
import io.github.kofn.internal.cuda.ProductProblem.Operation;
import io.github.kofn.sparse.KofNLayout;
import java.io.IOException;
import org.junit.jupiter.api.Test;

class ProductPlansTest {
  private static final DeviceLimits LIMITS = new DeviceLimits(108, 40 << 20);

  private static ProductProblem problem(Operation operation, long batch, boolean tf32) {
    KofNLayout layout = new KofNLayout(256, 256, 64, 64, 2);
    return new ProductProblem(operation, layout, batch, DType.F32, DType.F32, tf32);
  }

  @Test
  void aPlanIsMadeOnceForEqualProblemsAndAnewForOthers() throws IOException {
    ProductCatalogue catalogue = ProductCountersTest.catalogue();
    ProductPlans plans = new ProductPlans(catalogue, LIMITS, Regime.AUTO);
    for (Operation operation : Operation.values()) {
      for (boolean tf32 : new boolean[] {false, true}) {
        for (long batch : new long[] {16, 1024}) {
          ProductPlan plan = plans.of(problem(operation, batch, tf32));
          assertEquals(
              ProductPlan.choose(catalogue, problem(operation, batch, tf32), LIMITS, Regime.AUTO),
              plan);
          assertSame(plan, plans.of(problem(operation, batch, tf32)));
        }
      }
    }
  }

  @Test
  void theLongestUnusedIsForgotten() throws IOException {
    ProductPlans plans = new ProductPlans(ProductCountersTest.catalogue(), LIMITS, Regime.AUTO);
    ProductPlan used = plans.of(problem(Operation.FORWARD, 1, false));
    ProductPlan unused = plans.of(problem(Operation.FORWARD, 2, false));
    for (int batch = 3; batch <= ProductPlans.CAPACITY + 1; batch++) {
      plans.of(problem(Operation.FORWARD, batch, false));
      assertSame(used, plans.of(problem(Operation.FORWARD, 1, false)));
    }
    assertNotSame(unused, plans.of(problem(Operation.FORWARD, 2, false)));
  }
}
