// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.bench;

import io.github.kofn.bench.matmul.Peak;
import io.github.kofn.bench.peers.Peer;
import java.lang.reflect.Method;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.runner.BenchmarkList;
import org.openjdk.jmh.runner.format.OutputFormatFactory;
import org.openjdk.jmh.runner.options.VerboseMode;

/**
 * One benchmark method with choices of its parameters.
 *
 * @param suite where it belongs
 * @param plan the parameters
 * @param method the method's name
 */
record Job(Suite suite, Plan plan, String method) {

  /** The jobs of a suite, kofn's own first. */
  static List<Job> of(Suite suite, Options options) {
    return of(suite, options, options.avx2() ? 8 : Peak.lanes());
  }

  /**
   * The same where vectors have so many lanes: with 8, vectors of 512 bits are emulated, and those
   * of 256 bits are what kofn uses anyway.
   */
  static List<Job> of(Suite suite, Options options, int lanes) {
    return suite.plans(options.quick()).stream()
        .flatMap(plan -> methods(plan).map(method -> new Job(suite, plan, method)))
        .filter(job -> lanes >= 16 || !job.method.matches("fma512|kofn256"))
        .toList();
  }

  private static Stream<String> methods(Plan plan) {
    return Stream.of(plan.operation().getMethods())
        .filter(method -> method.isAnnotationPresent(Benchmark.class))
        .map(Method::getName)
        .filter(name -> plan.methods().isEmpty() || plan.methods().contains(name))
        .sorted(
            Comparator.comparing((String name) -> !name.startsWith("kofn")).thenComparing(n -> n));
  }

  /** As JMH knows it. */
  String name() {
    return plan.operation().getName() + "." + method;
  }

  Optional<Peer> peer() {
    return Peer.of(method);
  }

  /** How many combinations of parameters there are. */
  int cases() {
    return Math.toIntExact(allCases().count());
  }

  /** The combinations, each with the benchmark's name. */
  Stream<String> allCases() {
    var quiet = OutputFormatFactory.createFormatInstance(System.out, VerboseMode.SILENT);
    var entry =
        BenchmarkList.defaultList()
            .find(quiet, List.of("^" + Pattern.quote(name()) + "$"), List.of())
            .first();
    List<String> cases = List.of(name());
    for (Map.Entry<String, String[]> own :
        new TreeMap<>(entry.getParams().orElse(Map.of())).entrySet()) {
      List<String> values = plan.parameters().getOrDefault(own.getKey(), List.of(own.getValue()));
      cases =
          cases.stream()
              .flatMap(text -> values.stream().map(v -> text + " " + own.getKey() + "=" + v))
              .toList();
    }
    return cases.stream();
  }
}
