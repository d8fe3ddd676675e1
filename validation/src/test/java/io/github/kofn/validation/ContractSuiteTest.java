// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.validation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.abort;

import io.github.kofn.Backend;
import io.github.kofn.DType;
import io.github.kofn.Device;
import io.github.kofn.sampling.DrawKey;
import io.github.kofn.sampling.GumbelTopK;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ContractSuiteTest {
  private static final long SEED = 1;

  @ParameterizedTest
  @EnumSource
  void everyAvailablePathKeepsTheContract(Backend backend) {
    Device.unavailableReason(backend).ifPresent(reason -> abort(backend.label() + ": " + reason));
    Plan plan = new Plan(Set.of(backend), EnumSet.allOf(Op.class), SEED, CaseSet.QUICK);

    Report report = ContractSuite.run(plan, Progress.SILENT);

    assertTrue(report.failures().isEmpty(), () -> describe(report.failures()));
    assertFalse(report.results().isEmpty());
  }

  @Test
  void theSimulatedDeviceIsNeverTakenForARealOne() {
    Device.unavailableReason(Backend.SIMULATED).ifPresent(reason -> abort(reason));
    Device.open(Backend.SIMULATED).close();

    String cuda = Device.unavailableReason(Backend.CUDA).orElse("");

    if (cuda.isEmpty()) {
      try (Device device = Device.open(Backend.CUDA)) {
        assertFalse(device.facts().get("device").contains("simulated"), device.description());
      }
    }
  }

  private static String describe(List<CaseResult> failures) {
    StringBuilder text = new StringBuilder(failures.size() + " failures, among them:\n");
    failures.stream()
        .limit(10)
        .map(f -> "%s %s %s %s: %s%n".formatted(f.path(), f.op(), f.type(), f.shape(), f.detail()))
        .forEach(text::append);
    return text.toString();
  }

  @Test
  void aFlippedBitFailsWithItsSeedAndCommand() {
    Plan plan = new Plan(Set.of(Backend.REFERENCE), Set.of(Op.SAMPLING), 77, CaseSet.QUICK);

    Report report = ContractSuite.run(plan, List.of(new FlippedBit()), Progress.SILENT);

    CaseResult failure = report.failures().getFirst();
    assertEquals(1, failure.error());
    assertEquals(0, failure.bound());
    assertEquals(
        "./kofn validate --backend reference --op sampling --seed 77 --cases quick",
        failure.repeat());
    assertTrue(failure.detail().startsWith("indices[0] is "), failure.detail());
  }

  /** Takes what a device really drew, and flips one bit of it. */
  private record FlippedBit() implements Case {
    @Override
    public Op op() {
      return Op.SAMPLING;
    }

    @Override
    public String type() {
      return "F32";
    }

    @Override
    public String shape() {
      return "one bit flipped";
    }

    @Override
    public long work() {
      return 1;
    }

    @Override
    public Check prepare() {
      return (device, agreement) -> {
        try (var logits = device.zeros(DType.F32, 3, 40);
            var drawn = GumbelTopK.of(4).draw(logits, DrawKey.of(1, 2))) {
          int[] indices = drawn.indices().toInts();
          int[] flipped = indices.clone();
          flipped[0] ^= 1;
          agreement.exactly("indices", indices, flipped);
        }
      };
    }
  }

  @Test
  void anExceptionIsAFailureOfItsCaseAlone() {
    Plan plan = new Plan(Set.of(Backend.REFERENCE), Set.of(Op.MATMUL), 5, CaseSet.QUICK);
    Case fails = new Throwing();

    Report report = ContractSuite.run(plan, List.of(fails, fails), Progress.SILENT);

    assertEquals(2, report.failures().size());
    assertTrue(report.failures().getFirst().detail().contains("no such kernel"));
  }

  private record Throwing() implements Case {
    @Override
    public Op op() {
      return Op.MATMUL;
    }

    @Override
    public String type() {
      return "F32";
    }

    @Override
    public String shape() {
      return "throws";
    }

    @Override
    public long work() {
      return 1;
    }

    @Override
    public Check prepare() {
      return (device, agreement) -> {
        throw new IllegalStateException("no such kernel");
      };
    }
  }

  @Test
  void whatCannotRunIsCountedWithItsReason() {
    Backend missing =
        EnumSet.of(Backend.CUDA, Backend.SIMULATED).stream()
            .filter(backend -> Device.unavailableReason(backend).isPresent())
            .findFirst()
            .orElse(null);
    if (missing == null) {
      abort("every backend is there");
    }
    Plan plan = new Plan(Set.of(missing), Set.of(Op.SAMPLING), SEED, CaseSet.QUICK);

    Report report = ContractSuite.run(plan, Progress.SILENT);

    assertEquals(SamplingCases.of(SEED, CaseSet.QUICK).size(), report.skipped());
    assertEquals(
        Device.unavailableReason(missing).orElseThrow(), report.skips().getFirst().reason());
  }

  @ParameterizedTest
  @EnumSource
  void shapesNameTheirCases(CaseSet set) {
    for (List<Case> cases :
        List.of(
            SamplingCases.of(SEED, set),
            RelaxationCases.of(SEED, set),
            ProductCases.of(SEED, set),
            ConvolutionCases.of(SEED, set))) {
      Set<String> names = new HashSet<>();
      for (Case test : cases) {
        assertTrue(names.add(test.type() + test.shape()), () -> "twice: " + test.shape());
      }
    }
  }

  @Test
  void theSameSeedMakesTheSameCases() {
    assertEquals(SamplingCases.of(9, CaseSet.QUICK), SamplingCases.of(9, CaseSet.QUICK));
    assertEquals(ProductCases.of(9, CaseSet.QUICK), ProductCases.of(9, CaseSet.QUICK));
  }
}
