// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.validation;

import io.github.kofn.DType;
import io.github.kofn.sparse.KofNLayout;
import io.github.kofn.validation.Problem.PatternKind;
import java.util.Arrays;
import java.util.BitSet;
import java.util.SplittableRandom;

/** The operands of a problem, made from a seed; all numbers as floats that hold them exactly. */
final class ProductData {
  final Problem problem;
  final KofNLayout layout;

  /** The kept block columns, [blockRows, k], ascending. */
  final int[] indices;

  /** Dense, [out, in]; pruned weights are numbers like the others. */
  final float[] weights;

  /** [batch, in]. */
  final float[] x;

  /** The gradient with respect to the sums, [batch, out]. */
  final float[] dSum;

  /** The layer before's pre-activation, [batch, in], some of it exactly 0. */
  final float[] zBefore;

  /** This layer's pre-activation, [batch, out], some of it exactly 0. */
  final float[] z;

  /** [batch, out]. */
  final float[] residual;

  /** [out]. */
  final float[] bias;

  /** [out]. */
  final float[] outputScales;

  private final boolean[] kept;

  ProductData(Problem problem, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    this.problem = problem;
    this.layout = problem.layout();
    int inputs = problem.batch() * layout.in();
    int outputs = problem.batch() * layout.out();
    indices = choose(random);
    kept = new boolean[layout.blockRows() * layout.blockColumns()];
    for (int i = 0; i < indices.length; i++) {
      kept[i / layout.k() * layout.blockColumns() + indices[i]] = true;
    }
    weights = Numbers.random(random, problem.types().w(), layout.out() * layout.in());
    x = Numbers.random(random, problem.types().x(), inputs);
    dSum = Numbers.random(random, problem.types().y(), outputs);
    zBefore = withZeros(Numbers.random(random, DType.F32, inputs));
    z = withZeros(Numbers.random(random, DType.F32, outputs));
    residual = Numbers.random(random, DType.BF16, outputs);
    bias = Numbers.random(random, DType.F32, layout.out());
    outputScales = Numbers.random(random, DType.F32, layout.out());
    if (problem.pattern() == PatternKind.POLLUTED_INPUT) {
      pollute();
    }
  }

  private int[] choose(SplittableRandom random) {
    int n = layout.blockColumns();
    int k = layout.k();
    int[] columns = new int[layout.blockRows() * k];
    int candidates = problem.pattern() == PatternKind.EMPTY_COLUMNS ? k : n;
    boolean common = problem.pattern() == PatternKind.COMMON_COLUMN && k > 0;
    for (int row = 0; row < layout.blockRows(); row++) {
      int[] chosen = common ? subset(random, n - 1, k - 1) : subset(random, candidates, k);
      System.arraycopy(chosen, 0, columns, row * k, chosen.length);
      if (common) {
        columns[row * k + k - 1] = n - 1;
      }
    }
    return columns;
  }

  /** k of n, ascending (R. W. Floyd's algorithm). */
  private static int[] subset(SplittableRandom random, int n, int k) {
    BitSet chosen = new BitSet(n);
    for (int last = n - k; last < n; last++) {
      int candidate = random.nextInt(last + 1);
      chosen.set(chosen.get(candidate) ? last : candidate);
    }
    return chosen.stream().toArray();
  }

  private static float[] withZeros(float[] values) {
    for (int i = 0; i < values.length; i += 11) {
      values[i] = i % 2 == 0 ? 0.0f : -0.0f;
    }
    return values;
  }

  /**
   * One input is NaN or infinite, and the gradient of one output: what keeps it must show it,
   * nothing else may.
   */
  private void pollute() {
    float[] poison = {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY, 1};
    for (int b = 0; b < problem.batch(); b++) {
      x[b * layout.in() + layout.in() / 2] = poison[b % poison.length];
      dSum[b * layout.out() + layout.out() / 2] = poison[(b + 1) % poison.length];
    }
  }

  /** Whether output o keeps input i. */
  boolean keeps(int o, int i) {
    return kept[o / layout.blockOut() * layout.blockColumns() + i / layout.blockIn()];
  }

  /** The inputs that an output keeps, ascending. */
  int[] inputsOf(int o) {
    int k = layout.k();
    int row = o / layout.blockOut();
    int[] inputs = new int[k * layout.blockIn()];
    int count = 0;
    for (int slot = 0; slot < k; slot++) {
      int first = indices[row * k + slot] * layout.blockIn();
      for (int i = first; i < Math.min(first + layout.blockIn(), layout.in()); i++) {
        inputs[count++] = i;
      }
    }
    return Arrays.copyOf(inputs, count);
  }

  /**
   * Where weight (o, i), which is kept, lies among packed values.
   *
   * @param slot the position of i's block among the k of its row
   */
  int packedIndex(int o, int i, int slot) {
    int row = o / layout.blockOut();
    int block = row * layout.k() + slot;
    return (block * layout.blockOut() + o % layout.blockOut()) * layout.blockIn()
        + i % layout.blockIn();
  }

  /** The packed values; what lies beyond the matrix's edge is {@code beyond}. */
  float[] packedValues(float beyond) {
    float[] values = new float[Math.toIntExact(layout.packedElements())];
    Arrays.fill(values, beyond);
    forEachKept((o, i, slot) -> values[packedIndex(o, i, slot)] = weights[o * layout.in() + i]);
    return values;
  }

  /** The dense matrix with zeros where nothing is kept. */
  float[] denseValues() {
    float[] values = new float[weights.length];
    forEachKept((o, i, slot) -> values[o * layout.in() + i] = weights[o * layout.in() + i]);
    return values;
  }

  /** Hears of kept weights. */
  interface Visitor {
    void visit(int o, int i, int slot);
  }

  /** Visits every kept weight within the matrix. */
  void forEachKept(Visitor visitor) {
    for (int o = 0; o < layout.out(); o++) {
      int row = o / layout.blockOut();
      for (int slot = 0; slot < layout.k(); slot++) {
        int first = indices[row * layout.k() + slot] * layout.blockIn();
        for (int i = first; i < Math.min(first + layout.blockIn(), layout.in()); i++) {
          visitor.visit(o, i, slot);
        }
      }
    }
  }
}
