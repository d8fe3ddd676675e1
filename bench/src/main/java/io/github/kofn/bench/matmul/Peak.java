// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.bench.matmul;

import io.github.kofn.bench.KofnBenchmark;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;

/**
 * What one core can do at most: FMAs whose operands are all in registers, twelve chains of them so
 * that none waits for another. A call is {@link #FLOPS_PER_LANE} floating-point operations for each
 * lane.
 */
public class Peak extends KofnBenchmark {
  private static final int TURNS = 1 << 16;
  private static final int CHAINS = 12;

  private static final VectorSpecies<Float> F512 = FloatVector.SPECIES_512;
  private static final VectorSpecies<Float> F256 = FloatVector.SPECIES_256;

  /** Floating-point operations of a call, for each lane: a multiplication and an addition. */
  public static final long FLOPS_PER_LANE = 2L * CHAINS * TURNS;

  /** Factors that the compiler does not know. */
  @State(Scope.Benchmark)
  public static class Factors {
    /** A factor. */
    public float factor = 0.999f;

    /** A summand. */
    public float summand = 0.001f;
  }

  /** Vectors of 512 bits. */
  @Benchmark
  public float fma512(Factors f) {
    return chains512(f.factor, f.summand);
  }

  /** Vectors of 256 bits. */
  @Benchmark
  public float fma256(Factors f) {
    return chains256(f.factor, f.summand);
  }

  /**
   * The lanes of the widest vectors that this JVM has instructions for, of those measured here.
   *
   * @return 8 or 16
   */
  public static int lanes() {
    return Math.clamp(FloatVector.SPECIES_PREFERRED.length(), F256.length(), F512.length());
  }

  /**
   * Vectors of {@link #lanes}.
   *
   * @param f the factors
   * @return what depends on all of them
   */
  public float widest(Factors f) {
    return lanes() == F512.length() ? fma512(f) : fma256(f);
  }

  private static float chains512(float factor, float summand) {
    FloatVector a = FloatVector.broadcast(F512, factor);
    FloatVector b = FloatVector.broadcast(F512, summand);
    FloatVector v0 = b;
    FloatVector v1 = b;
    FloatVector v2 = b;
    FloatVector v3 = b;
    FloatVector v4 = b;
    FloatVector v5 = b;
    FloatVector v6 = b;
    FloatVector v7 = b;
    FloatVector v8 = b;
    FloatVector v9 = b;
    FloatVector v10 = b;
    FloatVector v11 = b;
    for (int i = 0; i < TURNS; i++) {
      v0 = v0.fma(a, b);
      v1 = v1.fma(a, b);
      v2 = v2.fma(a, b);
      v3 = v3.fma(a, b);
      v4 = v4.fma(a, b);
      v5 = v5.fma(a, b);
      v6 = v6.fma(a, b);
      v7 = v7.fma(a, b);
      v8 = v8.fma(a, b);
      v9 = v9.fma(a, b);
      v10 = v10.fma(a, b);
      v11 = v11.fma(a, b);
    }
    return v0.add(v1)
        .add(v2)
        .add(v3)
        .add(v4)
        .add(v5)
        .add(v6)
        .add(v7)
        .add(v8)
        .add(v9)
        .add(v10)
        .add(v11)
        .lane(0);
  }

  /** The same again: code that has met two widths is compiled for neither. */
  private static float chains256(float factor, float summand) {
    FloatVector a = FloatVector.broadcast(F256, factor);
    FloatVector b = FloatVector.broadcast(F256, summand);
    FloatVector v0 = b;
    FloatVector v1 = b;
    FloatVector v2 = b;
    FloatVector v3 = b;
    FloatVector v4 = b;
    FloatVector v5 = b;
    FloatVector v6 = b;
    FloatVector v7 = b;
    FloatVector v8 = b;
    FloatVector v9 = b;
    FloatVector v10 = b;
    FloatVector v11 = b;
    for (int i = 0; i < TURNS; i++) {
      v0 = v0.fma(a, b);
      v1 = v1.fma(a, b);
      v2 = v2.fma(a, b);
      v3 = v3.fma(a, b);
      v4 = v4.fma(a, b);
      v5 = v5.fma(a, b);
      v6 = v6.fma(a, b);
      v7 = v7.fma(a, b);
      v8 = v8.fma(a, b);
      v9 = v9.fma(a, b);
      v10 = v10.fma(a, b);
      v11 = v11.fma(a, b);
    }
    return v0.add(v1)
        .add(v2)
        .add(v3)
        .add(v4)
        .add(v5)
        .add(v6)
        .add(v7)
        .add(v8)
        .add(v9)
        .add(v10)
        .add(v11)
        .lane(0);
  }
}
