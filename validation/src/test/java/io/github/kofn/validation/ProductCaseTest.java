// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.validation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.kofn.Backend;
import io.github.kofn.DType;
import io.github.kofn.Device;
import io.github.kofn.sparse.Activation;
import io.github.kofn.sparse.KofNLayout;
import io.github.kofn.validation.Problem.PatternKind;
import io.github.kofn.validation.Problem.Types;
import io.github.kofn.validation.ProductCase.Product;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The bounds are near enough to see small errors. */
class ProductCaseTest {
  private static final Types F32 = new Types(DType.F32, DType.F32, DType.F32);
  private static final Problem PROBLEM =
      new Problem(17, new KofNLayout(10, 33, 3, 5, 2), F32, false, false, PatternKind.RANDOM);

  @ParameterizedTest
  @EnumSource
  void anErrorOfOneInAThousandInOneOperandFails(Product product) {
    ProductCase test = new ProductCase(product, PROBLEM, Activation.GELU, 3);
    ProductData data = new ProductData(PROBLEM, 3);
    Case.Check check = test.check(data);
    assertTrue(run(check).ok(), () -> run(check).detail());

    // The first weight and input that row 0 keeps, and what each product reads besides.
    int kept = data.inputsOf(0)[0];
    data.weights[kept] *= 1.001f;
    data.x[kept] *= 1.001f;
    data.dSum[0] *= 1.001f;

    assertFalse(run(check).ok(), "the changed operand was not seen");
  }

  @Test
  void aWeightPrunedByMistakeFails() {
    ProductCase test = new ProductCase(Product.MULTIPLY, PROBLEM, Activation.IDENTITY, 4);
    ProductData data = new ProductData(PROBLEM, 4);
    Case.Check check = test.check(data);

    data.weights[data.inputsOf(7)[1] + 7 * 33] = 0;

    assertFalse(run(check).ok());
  }

  @Test
  void theNormalDistributionFunctionHasItsKnownValues() {
    assertEquals(0.5, Activations.normalCdf(0));
    assertEquals(0.8413447460685429, Activations.normalCdf(1), 1e-15);
    assertEquals(0.02275013194817921, Activations.normalCdf(-2), 1e-15);
  }

  private static Agreement run(Case.Check check) {
    Agreement agreement = new Agreement();
    try (Device device = Device.open(Backend.REFERENCE)) {
      check.run(device, agreement);
    }
    return agreement;
  }
}
