// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.bench;

import io.github.kofn.bench.peers.Peer;
import io.github.kofn.bench.report.Machine;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
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
  private static final double MINUTE = 60e9;

  /** Iterations, in milliseconds: the compiler is done after a second if it has a core. */
  private static final int WARM_UP = 650;

  private static final int MEASURE = 300;
  private static final int ITERATIONS = 3;

  private final Options options;
  private final Path log;
  private final PrintStream progress;
  private final Map<Peer, Optional<String>> whyNot = new EnumMap<>(Peer.class);

  Session(Options options, Path log, PrintStream progress) {
    this.options = options;
    this.log = log;
    this.progress = progress;
  }

  /** Where a suite's results go. */
  interface Sink {
    /**
     * Takes them.
     *
     * @param json a file of JMH's JSON, which is deleted afterwards
     */
    void put(Suite suite, Run run, Path json) throws IOException;
  }

  /** Runs all that was asked for and can be measured. */
  void run(Sink sink) throws IOException {
    Map<Suite, List<Job>> jobs = new EnumMap<>(Suite.class);
    for (Suite suite : options.suites()) {
      jobs.put(suite, suite.whyNot().isPresent() ? List.of() : Job.of(suite, options));
    }
    // In the order of the peers: those that need a real driver come before who loads another one.
    jobs.values().stream()
        .flatMap(List::stream)
        .flatMap(job -> job.peer().stream())
        .distinct()
        .sorted()
        .forEach(this::probe);
    jobs.replaceAll((suite, all) -> all.stream().filter(this::isPossible).toList());
    Estimate estimate =
        new Estimate(jobs.values().stream().flatMap(List::stream).mapToInt(Job::cases).sum());
    progress.println(estimate);
    for (Suite suite : options.suites()) {
      runSuite(suite, jobs.get(suite), estimate, sink);
    }
  }

  private void probe(Peer peer) {
    Optional<String> reason = peer.whyNot();
    whyNot.put(peer, reason);
    reason.ifPresent(text -> progress.println("skipped: " + peer.title() + ": " + text));
  }

  private boolean isPossible(Job job) {
    return job.peer().isEmpty() || whyNot.get(job.peer().get()).isEmpty();
  }

  /** How much there is to do, and how much of it is left. */
  private static final class Estimate {
    /** Starting a JVM, preparing and checking, in seconds: what was seen. */
    private static final double AROUND = 2;

    private final int cases;
    private int done;
    private long start;

    Estimate(int cases) {
      this.cases = cases;
    }

    void start() {
      start = System.nanoTime();
    }

    /** The minutes that are left, at the rate of what is done. */
    double minutesLeft() {
      return (System.nanoTime() - start) / MINUTE * (cases - done) / Math.max(1, done);
    }

    @Override
    public String toString() {
      double seconds = cases * FORKS * (AROUND + (2 * WARM_UP + ITERATIONS * MEASURE) / 1000.0);
      return String.format(
          Locale.ROOT,
          "%d cases in %d JVMs: about %.0f min",
          cases,
          cases * FORKS,
          Math.ceil(seconds / 60));
    }
  }

  private void runSuite(Suite suite, List<Job> jobs, Estimate estimate, Sink sink)
      throws IOException {
    String when =
        LocalDateTime.now(ZoneId.systemDefault())
            .truncatedTo(ChronoUnit.MINUTES)
            .format(DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm", Locale.ROOT));
    long start = System.nanoTime();
    Machine.Load load = new Machine.Load();
    List<RunResult> results = new ArrayList<>();
    List<String> failures = new ArrayList<>();
    if (estimate.done == 0) {
      estimate.start();
    }
    for (Job job : jobs) {
      progress.printf(
          Locale.ROOT,
          "[%d/%d]%s %s%n",
          estimate.done + 1,
          estimate.cases,
          estimate.done == 0
              ? ""
              : String.format(Locale.ROOT, " %.0f min left:", estimate.minutesLeft()),
          job.name());
      load.sample();
      run(job, results, failures);
      estimate.done += job.cases();
    }
    Path json = Files.createTempFile("kofn-bench", ".json");
    try (PrintStream out = new PrintStream(json.toFile(), StandardCharsets.UTF_8)) {
      ResultFormatFactory.getInstance(ResultFormatType.JSON, out).writeOut(results);
    }
    Run run =
        new Run(
            suite.label(),
            options.command(),
            when,
            (System.nanoTime() - start) / MINUTE,
            Machine.vectors(options.avx2()),
            load.toString(),
            peers(jobs),
            skipped(suite),
            failures);
    sink.put(suite, run, json);
    Files.delete(json);
  }

  private static List<String> peers(List<Job> jobs) {
    return jobs.stream().flatMap(job -> job.peer().stream()).distinct().map(Peer::title).toList();
  }

  /** Who of a suite this machine cannot measure, and why. */
  private Map<String, String> skipped(Suite suite) {
    Map<String, String> skipped = new LinkedHashMap<>();
    suite.whyNot().ifPresent(reason -> skipped.put(suite.title(), reason));
    Job.of(suite, options).stream()
        .flatMap(job -> job.peer().stream())
        .forEach(
            peer ->
                whyNot
                    .getOrDefault(peer, Optional.empty())
                    .ifPresent(reason -> skipped.put(peer.title(), reason)));
    return skipped;
  }

  private void run(Job job, List<RunResult> results, List<String> failures) throws IOException {
    ChainedOptionsBuilder jmh =
        new OptionsBuilder()
            .include("^" + Pattern.quote(job.name()) + "$")
            .forks(FORKS)
            .shouldFailOnError(true)
            .warmupIterations(job.suite().warmUps(options.quick()))
            .warmupTime(time(WARM_UP))
            .measurementIterations(ITERATIONS)
            .measurementTime(time(MEASURE));
    if (options.avx2()) {
      jmh.jvmArgsAppend(KofnBenchmark.AVX2);
    }
    job.plan()
        .parameters()
        .forEach((name, values) -> jmh.param(name, values.toArray(String[]::new)));
    if (job.suite() == Suite.LAUNCH) {
      jmh.addProfiler(GCProfiler.class);
    }
    Path part = Files.createTempFile("kofn-bench", ".log");
    jmh.output(part.toString());
    try {
      Collection<RunResult> got = new Runner(jmh.build()).run();
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
    var params = result.getParams();
    List<String> parameters =
        params.getParamsKeys().stream().map(key -> key + "=" + params.getParam(key)).toList();
    progress.printf(
        Locale.ROOT,
        job.suite() == Suite.LAUNCH
            ? "    %-20s %-54s %14.1f +- %.1f %s%n"
            : "    %-20s %-54s %14.0f +- %.0f %s%n",
        primary.getLabel(),
        String.join(" ", parameters),
        primary.getScore(),
        primary.getScoreError(),
        primary.getScoreUnit());
  }
}
