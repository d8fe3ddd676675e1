// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.validation;

import io.github.kofn.Backend;
import io.github.kofn.Device;
import io.github.kofn.KofnException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Runs the contract's cases on every kernel path. What a case must give is computed here from the
 * contract, independently of all backends, so that the reference backend is one of the paths under
 * test; paths that agree with the contract agree with the reference.
 */
public final class ContractSuite {
  /** What one case may cost where kernels are interpreted instruction by instruction. */
  private static final long QUICK_SIMULATED_KEYS = 20_000;

  private static final long QUICK_SIMULATED_MULTIPLICATIONS = 3_000_000;

  private static final String TOO_LARGE = "takes too long on the simulator for the quick set";

  private final Plan plan;
  private final Progress progress;
  private final List<CaseResult> results = new ArrayList<>();
  private final List<Report.Skip> skips = new ArrayList<>();

  private ContractSuite(Plan plan, Progress progress) {
    this.plan = plan;
    this.progress = progress;
  }

  /**
   * Runs a plan.
   *
   * @param plan what is to be validated
   * @param progress hears how far it is
   * @return the result of every case, and what was skipped
   */
  public static Report run(Plan plan, Progress progress) {
    return run(plan, cases(plan), progress);
  }

  /** Runs given cases instead of the plan's own. */
  static Report run(Plan plan, List<Case> cases, Progress progress) {
    return new ContractSuite(plan, progress).run(cases);
  }

  private Report run(List<Case> cases) {
    List<Opened> open = new ArrayList<>();
    try {
      plan.backends().stream().sorted(Comparator.reverseOrder()).forEach(b -> open(b, cases, open));
      runAll(cases, open);
    } finally {
      open.forEach(path -> path.device().close());
    }
    return new Report(results, skips);
  }

  private static List<Case> cases(Plan plan) {
    List<Case> cases = new ArrayList<>();
    for (Op op : Op.values()) {
      if (plan.ops().contains(op)) {
        cases.addAll(
            switch (op) {
              case SAMPLING -> SamplingCases.of(plan.seed(), plan.cases());
              case RELAXATION -> RelaxationCases.of(plan.seed(), plan.cases());
              case MATMUL ->
                  Stream.of(
                          ProductCases.of(plan.seed(), plan.cases()),
                          ConvolutionCases.of(plan.seed(), plan.cases()))
                      .flatMap(List::stream)
                      .toList();
            });
      }
    }
    return cases;
  }

  private record Opened(KernelPath path, Device device) {}

  private void open(Backend backend, List<Case> cases, List<Opened> open) {
    for (KernelPath path : KernelPath.of(backend)) {
      if (path.whyNot().isPresent()) {
        skipAll(path, cases, path.whyNot().get());
        continue;
      }
      try {
        open.add(new Opened(path, Device.open(path.options())));
      } catch (KofnException e) {
        skipAll(path, cases, e.getMessage());
      }
    }
  }

  private void skipAll(KernelPath path, List<Case> cases, String reason) {
    for (Op op : Op.values()) {
      int count = (int) cases.stream().filter(c -> c.op() == op).count();
      if (count > 0) {
        skips.add(new Report.Skip(path.name(), op, count, reason));
      }
    }
  }

  private void runAll(List<Case> cases, List<Opened> open) {
    int total = cases.size() * open.size();
    int done = 0;
    Map<String, Integer> tooLarge = new HashMap<>();
    for (Case test : cases) {
      Case.Check check = test.prepare();
      Map<String, Long> fingerprints = new HashMap<>();
      for (Opened path : open) {
        if (isTooLarge(test, path.device())) {
          tooLarge.merge(path.path().name() + " " + test.op(), 1, Integer::sum);
        } else {
          results.add(run(test, check, path, fingerprints));
        }
        progress.update(++done, total);
      }
    }
    for (Opened path : open) {
      for (Op op : Op.values()) {
        Integer count = tooLarge.get(path.path().name() + " " + op);
        if (count != null) {
          skips.add(new Report.Skip(path.path().name(), op, count, TOO_LARGE));
        }
      }
    }
  }

  private boolean isTooLarge(Case test, Device device) {
    return plan.cases() == CaseSet.QUICK
        && device.backend() == Backend.SIMULATED
        && test.work()
            > (test.op() == Op.MATMUL ? QUICK_SIMULATED_MULTIPLICATIONS : QUICK_SIMULATED_KEYS);
  }

  private CaseResult run(
      Case test, Case.Check check, Opened opened, Map<String, Long> fingerprints) {
    KernelPath path = opened.path();
    Agreement agreement = new Agreement();
    try {
      check.run(opened.device(), agreement);
      Long sibling = fingerprints.putIfAbsent(path.family(), agreement.fingerprint());
      if (sibling != null && sibling != agreement.fingerprint()) {
        agreement.fail("the bits depend on the number of threads");
      }
    } catch (RuntimeException | LinkageError e) {
      // Whatever a kernel throws is this case's failure; the others still have their say.
      agreement.fail(
          "threw "
              + e
              + Stream.of(e.getStackTrace())
                  .limit(1)
                  .map(at -> " at " + at)
                  .collect(Collectors.joining()));
    }
    return new CaseResult(
        test.op(),
        path.name(),
        test.type(),
        test.shape(),
        agreement.error(),
        agreement.bound(),
        agreement.ok(),
        agreement.detail(),
        plan.repeat(opened.device().backend(), test.op()));
  }
}
