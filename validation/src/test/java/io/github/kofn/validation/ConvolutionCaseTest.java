// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.validation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.abort;

import io.github.kofn.Backend;
import io.github.kofn.DType;
import io.github.kofn.Device;
import io.github.kofn.sparse.Activation;
import io.github.kofn.sparse.Convolution;
import io.github.kofn.validation.ConvolutionCase.Operation;
import io.github.kofn.validation.Problem.PatternKind;
import io.github.kofn.validation.Problem.Types;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ConvolutionCaseTest {
  private static final Types F32 = new Types(DType.F32, DType.F32, DType.F32);
  private static final Convolution SHAPE = new Convolution(3, 6, 5, 4, 3, 2, 2, 1);
  private static final Problem PROBLEM =
      new Problem(3, SHAPE.kernels(2), F32, false, false, PatternKind.RANDOM);

  @ParameterizedTest
  @EnumSource
  void everyAvailablePathConvolves(Backend backend) {
    Device.unavailableReason(backend).ifPresent(reason -> abort(backend.label() + ": " + reason));
    Plan plan = new Plan(Set.of(backend), Set.of(Op.MATMUL), 1, CaseSet.QUICK);

    Report report = ContractSuite.run(plan, ConvolutionCases.of(1, CaseSet.QUICK), Progress.SILENT);

    assertTrue(report.failures().isEmpty(), () -> report.failures().getFirst().toString());
    assertFalse(report.results().isEmpty());
  }

  /** The bounds are near enough to see small errors. */
  @ParameterizedTest
  @EnumSource
  void anErrorOfOneInAThousandInOneOperandFails(Operation operation) {
    ConvolutionCase test = new ConvolutionCase(operation, SHAPE, PROBLEM, Activation.GELU, 3);
    ConvolutionData data = new ConvolutionData(SHAPE, PROBLEM, 3);
    Case.Check check = test.check(data);
    assertTrue(run(check).ok(), () -> run(check).detail());

    // A weight that row 0 keeps and that is inside the image at pixel 0, and what it meets there.
    int column = 0;
    while (data.patches[0][column] < 0 || !data.weights.keeps(0, column)) {
      column++;
    }
    data.weights.weights[column] *= 1.001f;
    data.x[data.patches[0][column]] *= 1.001f;
    data.dSum[0] *= 1.001f;

    assertFalse(run(check).ok(), "the changed operand was not seen");
  }

  /** Patches against windows written out by hand. */
  @Test
  void patchesAreTheWindowsOfAnImageWithABorder() {
    Convolution shape = new Convolution(1, 2, 3, 1, 2, 2, 2, 1);
    ConvolutionData data =
        new ConvolutionData(
            shape, new Problem(1, shape.kernels(1), F32, false, false, PatternKind.RANDOM), 1);

    assertEquals(4, data.patches.length);
    assertEquals(List.of(-1, -1, -1, 0), list(data.patches[0]));
    assertEquals(List.of(-1, -1, 1, 2), list(data.patches[1]));
    assertEquals(List.of(-1, 3, -1, -1), list(data.patches[2]));
    assertEquals(List.of(4, 5, -1, -1), list(data.patches[3]));
  }

  private static List<Integer> list(int[] values) {
    return Arrays.stream(values).boxed().toList();
  }

  private static Agreement run(Case.Check check) {
    Agreement agreement = new Agreement();
    try (Device device = Device.open(Backend.REFERENCE)) {
      check.run(device, agreement);
    }
    return agreement;
  }
}
