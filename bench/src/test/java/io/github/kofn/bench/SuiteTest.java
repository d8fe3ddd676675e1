// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SuiteTest {
  /** What only a machine with vectors of 512 bits measures. */
  private static final String WIDE = "fma512|kofn256";

  private static List<Job> jobs(String... arguments) {
    Options options = Options.of(arguments);
    return options.suites().stream().flatMap(suite -> Job.of(suite, options).stream()).toList();
  }

  /** A name of a method or of a parameter that does not exist would leave something out. */
  @ParameterizedTest
  @ValueSource(strings = {"--quick", "--avx2"})
  void plansNameWhatExists(String argument) {
    for (Job job : jobs(argument)) {
      assertTrue(job.cases() > 0, job.name());
    }
    for (Suite suite : Suite.values()) {
      for (Plan plan : suite.plans(argument.equals("--quick"))) {
        List<String> all =
            Stream.of(plan.operation().getMethods()).map(method -> method.getName()).toList();
        assertTrue(all.containsAll(plan.methods()), plan::toString);
      }
    }
  }

  /** No case is measured twice. */
  @Test
  void plansDoNotOverlap() {
    List<String> cases = jobs().stream().flatMap(Job::allCases).toList();
    assertEquals(new TreeSet<>(cases).size(), cases.size());
  }

  @Test
  void narrowVectorsLeaveOutWhatIsWider() {
    for (Suite suite : List.of(Suite.MATMUL, Suite.SAMPLING)) {
      List<Job> wide = Job.of(suite, Options.of(new String[0]), 16);
      List<Job> narrow = Job.of(suite, Options.of(new String[0]), 8);
      assertTrue(wide.stream().anyMatch(job -> job.method().matches(WIDE)), suite.label());
      assertTrue(narrow.stream().noneMatch(job -> job.method().matches(WIDE)), suite.label());
    }
    assertTrue(jobs("--avx2").stream().noneMatch(job -> job.method().matches(WIDE)));
  }

  /** Beside a GPU's: two forks of four to five seconds. */
  @Test
  void everythingTakesHalfAnHour() {
    int cases =
        jobs().stream().filter(job -> !job.name().contains(".Gpu")).mapToInt(Job::cases).sum();
    assertTrue(cases <= 260, () -> cases + " cases");
  }
}
