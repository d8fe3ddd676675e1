// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.bench;

import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Warmup;

/**
 * How everything here is measured. A class is an operation, and its methods are who performs it:
 * {@code kofn}, or the name of a {@link Peer}. States have the parameters; a peer's row is compared
 * with kofn's where all parameters that both have agree.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 4, time = 1)
@Fork(
    value = 2,
    jvmArgsAppend = {
      "--add-modules=jdk.incubator.vector",
      "--enable-native-access=ALL-UNNAMED",
      "-Xmx6g"
    })
public abstract class KofnBenchmark {
  /** The JVM's option that holds it to vectors of 256 bits. */
  static final String AVX2 = "-XX:UseAVX=2";

  /** For subclasses. */
  protected KofnBenchmark() {}
}
