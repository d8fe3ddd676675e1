// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import io.github.kofn.DType;
import io.github.kofn.internal.kernels.Derived;
import io.github.kofn.internal.kernels.ProductKernels.Companion;
import io.github.kofn.internal.kernels.ProductKernels.Pattern;
import io.github.kofn.internal.kernels.View;
import io.github.kofn.sparse.KofNLayout;

/**
 * The terms of a pattern of single weights in chunks, in both directions, and the indices that they
 * were made of. Making them takes a few nanoseconds a kept weight, half as long as a product of 256
 * examples; while the indices stay as they were, they are compared (a tenth of a nanosecond) and
 * used again. A forward product is therefore computed so from the second on that meets the same
 * indices; the input gradient always, for its terms have to be put in order by column anyway.
 *
 * <p>It holds 8 bytes a kept weight, and 6 more where it serves the input gradient.
 */
final class ChunkPlan {
  /** Weights of a slab: with its terms they are most of the second-level cache. */
  private static final int TERMS = 1 << 17;

  /** Outputs of a slab, where there are threads to share them. */
  private static final int SHARE = 256;

  private final KofNLayout layout;
  private final int threads;
  private final int together;
  private final KnownIndices indices;
  private TermChunks[] forward;
  private TermChunks[] backward;
  private boolean metForward;
  private boolean forwardFilled;
  private boolean backwardFilled;

  private ChunkPlan(Pattern pattern, int threads, int together) {
    this.layout = pattern.layout();
    this.threads = threads;
    this.together = together;
    this.indices = new KnownIndices(pattern.indices());
  }

  /** The plan of a pattern for so many threads and outputs of a line, made now or before. */
  static ChunkPlan of(Pattern pattern, int threads, int together) {
    Derived derived = pattern.derived();
    ChunkPlan plan = derived.get(ChunkPlan.class);
    if (plan == null || !plan.fits(pattern, threads, together)) {
      plan = new ChunkPlan(pattern, threads, together);
      derived.keep(plan);
    }
    plan.refresh(pattern.indices());
    return plan;
  }

  private boolean fits(Pattern pattern, int ofThreads, int ofLines) {
    return layout.equals(pattern.layout())
        && threads == ofThreads
        && together == ofLines
        && indices.fits(pattern.indices());
  }

  /** Forgets what was made of other indices. */
  private void refresh(View now) {
    if (indices.change(now)) {
      metForward = false;
      forwardFilled = false;
      backwardFilled = false;
    }
  }

  /** Whether a forward product met these indices before; the next one will hear so. */
  boolean meetsForwardAgain() {
    boolean met = metForward;
    metForward = true;
    return met;
  }

  /** The terms of Y = X W^T; positions count from the first weight of a slab. */
  TermChunks[] forward(View view, Workers workers, Scratch.Pool pool) {
    int k = layout.k();
    if (forward == null) {
      forward = slabs(layout.out(), layout.in(), k);
    }
    if (!forwardFilled) {
      workers.run(
          forward.length,
          part -> {
            Scratch mine = pool.take();
            fillForward(forward[part], view, mine);
            pool.give(mine);
          });
      forwardFilled = true;
    }
    return forward;
  }

  private void fillForward(TermChunks slab, View view, Scratch scratch) {
    int k = layout.k();
    int outs = slab.endOutput() - slab.firstOutput();
    int count = outs * k;
    int[] inputs = scratch.features(count);
    Elements.readIndices(view, (long) slab.firstOutput() * k, inputs, 0, count, scratch);
    int[] starts = scratch.lists.positions(outs + 1);
    for (int o = 0; o <= outs; o++) {
      starts[o] = o * k;
    }
    int[] at = scratch.lists.slots(count);
    for (int t = 0; t < count; t++) {
      at[t] = t;
    }
    slab.fill(starts, inputs, at);
  }

  /** The terms of dX = dY W; positions count from the first weight of all. */
  TermChunks[] backward(Companion companion, Workers workers, Scratch.Pool pool) {
    if (backward == null) {
      long kept = (long) layout.out() * layout.k();
      backward = slabs(layout.in(), layout.out(), (int) Math.ceilDiv(kept, layout.in()));
    }
    if (!backwardFilled) {
      workers.run(
          backward.length,
          part -> {
            Scratch mine = pool.take();
            fillBackward(backward[part], companion, mine);
            pool.give(mine);
          });
      backwardFilled = true;
    }
    return backward;
  }

  private void fillBackward(TermChunks slab, Companion companion, Scratch scratch) {
    int outs = slab.endOutput() - slab.firstOutput();
    int[] starts = scratch.lists.positions(outs + 1);
    Elements.readIndices(companion.starts(), slab.firstOutput(), starts, 0, outs + 1, scratch);
    int base = starts[0];
    int count = starts[outs] - base;
    for (int o = 0; o <= outs; o++) {
      starts[o] -= base;
    }
    int[] rows = scratch.features(count);
    int[] at = scratch.lists.slots(count);
    Elements.readIndices(companion.rows(), base, rows, 0, count, scratch);
    Elements.readIndices(companion.slots(), base, at, 0, count, scratch);
    for (int t = 0; t < count; t++) {
      at[t] += rows[t] * layout.k();
    }
    slab.fill(starts, rows, at);
  }

  private TermChunks[] slabs(int outputs, int inputs, int length) {
    int most = Math.clamp(TERMS / Math.max(1, length), 1, 1 << 16);
    if (threads > 1) {
      most = Math.min(most, Math.max(SHARE, Math.ceilDiv(outputs, 2 * threads)));
    }
    int count = Math.ceilDiv(outputs, most);
    int each = Math.ceilDiv(outputs, count);
    int chunk = TermChunks.best(length, inputs);
    TermChunks[] slabs = new TermChunks[Math.ceilDiv(outputs, each)];
    for (int s = 0; s < slabs.length; s++) {
      int end = Math.min(outputs, (s + 1) * each);
      slabs[s] = new TermChunks(s * each, end, inputs, chunk, together);
    }
    return slabs;
  }

  /** Whether a pattern's indices can be planned: single weights, not too many for an array. */
  static boolean suits(Pattern pattern) {
    KofNLayout layout = pattern.layout();
    return pattern.indices() != null
        && pattern.derived() != null
        && layout.blockOut() == 1
        && layout.blockIn() == 1
        && (pattern.indices().type() == DType.U16 || pattern.indices().type() == DType.I32)
        && (long) layout.out() * layout.k() < 1 << 28;
  }
}
