// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.bench;

import io.github.kofn.bench.peers.Peer;
import io.github.kofn.bench.report.Machine;
import java.io.IOException;
import java.io.PrintStream;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.profile.GCProfiler;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.results.format.ResultFormatFactory;
import org.openjdk.jmh.results.format.ResultFormatType;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;

/** One run: every plan of some suites, each benchmark in forks of its own. */
final class Session {
  private static final int FORKS = 2;

  private final boolean quick;
  private final Path log;
  private final PrintStream progress;
  private final Machine.Load load = new Machine.Load();
  private final Map<Peer, Optional<String>> whyNot = new EnumMap<>(Peer.class);
  private final List<RunResult> results = new ArrayList<>();
  private final List<String> failures = new ArrayList<>();
  private final Map<String, String> skipped = new LinkedHashMap<>();

  Session(boolean quick, Path log, PrintStream progress) {
    this.quick = quick;
    this.log = log;
    this.progress = progress;
  }

  /** One benchmark method with its parameters. */
  private record Job(Suite suite, Plan plan, String method) {
    String name() {
      return plan.operation().getName() + "." + method;
    }
  }

  void run(List<Suite> suites) throws IOException {
    List<Job> jobs = suites.stream().filter(this::isPossible).flatMap(this::jobs).toList();
    jobs.stream().map(job -> Peer.of(job.method)).flatMap(Optional::stream).forEach(this::probe);
    for (int i = 0; i < jobs.size(); i++) {
      Job job = jobs.get(i);
      Optional<Peer> peer = Peer.of(job.method);
      if (peer.isPresent() && whyNot.get(peer.get()).isPresent()) {
        skipped.put(peer.get().title(), whyNot.get(peer.get()).get());
        continue;
      }
      progress.printf("[%d/%d] %s%n", i + 1, jobs.size(), job.name());
      run(job);
    }
  }

  private boolean isPossible(Suite suite) {
    Optional<String> reason = suite.whyNot();
    reason.ifPresent(
        text -> {
          progress.println("skipped: " + suite.title() + ": " + text);
          skipped.put(suite.title(), text);
        });
    return reason.isEmpty();
  }

  private void probe(Peer peer) {
    whyNot.computeIfAbsent(
        peer,
        p -> {
          Optional<String> reason = p.whyNot();
          reason.ifPresent(text -> progress.println("skipped: " + p.title() + ": " + text));
          return reason;
        });
  }

  private Stream<Job> jobs(Suite suite) {
    return suite.plans(quick).stream()
        .flatMap(plan -> methods(plan).map(method -> new Job(suite, plan, method)));
  }

  private static Stream<String> methods(Plan plan) {
    return Stream.of(plan.operation().getMethods())
        .filter(method -> method.isAnnotationPresent(Benchmark.class))
        .map(Method::getName)
        .filter(name -> plan.methods().isEmpty() || plan.methods().contains(name))
        .sorted(
            Comparator.comparing((String name) -> !name.startsWith("kofn")).thenComparing(n -> n));
  }

  private void run(Job job) throws IOException {
    ChainedOptionsBuilder options =
        new OptionsBuilder()
            .include("^" + Pattern.quote(job.name()) + "$")
            .forks(FORKS)
            .shouldFailOnError(true)
            // What takes nanoseconds is compiled anew until everything around it is.
            .warmupIterations(job.suite == Suite.LAUNCH ? 4 : 2)
            .warmupTime(time(quick ? 500 : 700))
            .measurementIterations(quick ? 3 : 4)
            .measurementTime(time(400));
    job.plan
        .parameters()
        .forEach((name, values) -> options.param(name, values.toArray(String[]::new)));
    if (job.suite == Suite.LAUNCH) {
      options.addProfiler(GCProfiler.class);
    }
    Path part = Files.createTempFile("kofn-bench", ".log");
    options.output(part.toString());
    try {
      load.sample();
      Collection<RunResult> got = new Runner(options.build()).run();
      results.addAll(got);
      got.forEach(result -> tell(job, result));
    } catch (RunnerException e) {
      failures.add(job.name() + ": " + cause(part).orElse(e.getMessage()));
      progress.println("FAILED: " + failures.getLast());
    } finally {
      Files.write(
          log, Files.readAllBytes(part), StandardOpenOption.CREATE, StandardOpenOption.APPEND);
      Files.delete(part);
    }
  }

  private static TimeValue time(int milliseconds) {
    return new TimeValue(milliseconds, TimeUnit.MILLISECONDS);
  }

  /** The exception that JMH printed where a benchmark failed. */
  private static Optional<String> cause(Path output) throws IOException {
    List<String> lines = Files.readAllLines(output, StandardCharsets.UTF_8);
    for (int i = 0; i + 1 < lines.size(); i++) {
      if (lines.get(i).contains("<failure>")) {
        return lines.subList(i + 1, lines.size()).stream()
            .filter(line -> !line.isBlank())
            .findFirst();
      }
    }
    return Optional.empty();
  }

  private void tell(Job job, RunResult result) {
    var primary = result.getPrimaryResult();
    progress.printf(
        job.suite == Suite.LAUNCH
            ? "    %-20s %-54s %14.1f +- %.1f %s%n"
            : "    %-20s %-54s %14.0f +- %.0f %s%n",
        primary.getLabel(),
        Measurement.parameters(result),
        primary.getScore(),
        primary.getScoreError(),
        primary.getScoreUnit());
  }

  /** Writes JMH's own JSON. */
  void writeJson(Path file) throws IOException {
    try (PrintStream out = new PrintStream(file.toFile(), StandardCharsets.UTF_8)) {
      ResultFormatFactory.getInstance(ResultFormatType.JSON, out).writeOut(results);
    }
  }

  List<Measurement> measurements() {
    return results.stream().map(Measurement::of).toList();
  }

  /** What went wrong, a line each. */
  List<String> failures() {
    return failures;
  }

  /** Peers that this machine could not measure, and why. */
  Map<String, String> skipped() {
    return skipped;
  }

  /** The peers that were measured, with versions. */
  List<String> peers() {
    return whyNot.entrySet().stream()
        .filter(entry -> entry.getValue().isEmpty())
        .map(entry -> entry.getKey().title())
        .toList();
  }

  Machine.Load load() {
    return load;
  }
}
