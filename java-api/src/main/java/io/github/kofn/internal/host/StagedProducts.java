// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.host;

import io.github.kofn.internal.kernels.Buffer;
import io.github.kofn.internal.kernels.Engine;
import io.github.kofn.internal.kernels.ProductKernels;
import io.github.kofn.internal.kernels.View;
import io.github.kofn.sparse.Activation;
import io.github.kofn.sparse.KofNLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.IdentityHashMap;
import java.util.function.UnaryOperator;

/**
 * Products for a device that has memory of its own and no kernels for them: operands are copied to
 * the host, computed there, and what was written is copied back. Correct, and as slow as it sounds.
 */
public final class StagedProducts implements ProductKernels {
  private final Engine engine;
  private final ProductKernels host;

  /** Products for an engine's memory, computed by kernels for host memory. */
  public StagedProducts(Engine engine, ProductKernels host) {
    this.engine = engine;
    this.host = host;
  }

  /** An operation on staged views. */
  private interface Operation {
    void run(UnaryOperator<View> staged);
  }

  private void stage(Operation operation, View... written) {
    try (Arena arena = Arena.ofConfined()) {
      IdentityHashMap<View, View> views = new IdentityHashMap<>();
      operation.run(
          view -> view == null ? null : views.computeIfAbsent(view, v -> copyIn(arena, v)));
      for (View view : written) {
        if (view != null) {
          engine.copyIn(views.get(view).buffer().host(), view.buffer(), view.offset());
        }
      }
    }
  }

  private View copyIn(Arena arena, View view) {
    long elements = view.rows() == 0 ? 0 : (view.rows() - 1) * view.pitch() + view.columns();
    MemorySegment memory = arena.allocate(elements * view.type().bytes(), 64);
    engine.copyOut(view.buffer(), view.offset(), memory);
    return new View(
        Buffer.ofHost(memory),
        0,
        view.type(),
        view.rows(),
        view.columns(),
        view.pitch(),
        view.layout());
  }

  private static Pattern staged(UnaryOperator<View> s, Pattern p) {
    return new Pattern(p.layout(), s.apply(p.indices()), p.packed(), s.apply(p.values()));
  }

  private static Companion staged(UnaryOperator<View> s, Companion c) {
    return new Companion(s.apply(c.starts()), s.apply(c.rows()), s.apply(c.slots()));
  }

  private static Finish staged(UnaryOperator<View> s, Finish f) {
    return new Finish(
        f.scale(),
        s.apply(f.outputScales()),
        s.apply(f.bias()),
        f.activation(),
        s.apply(f.preActivation()),
        s.apply(f.residual()));
  }

  @Override
  public void multiply(Pattern pattern, View x, View y, Finish finish) {
    stage(
        s -> host.multiply(staged(s, pattern), s.apply(x), s.apply(y), staged(s, finish)),
        y,
        finish.preActivation());
  }

  @Override
  public void inputGradient(
      Pattern pattern, Companion companion, View dy, View dx, Activation derivative, View z) {
    stage(
        s ->
            host.inputGradient(
                staged(s, pattern),
                staged(s, companion),
                s.apply(dy),
                s.apply(dx),
                derivative,
                s.apply(z)),
        dx);
  }

  @Override
  public void weightGradient(Pattern pattern, View x, View dy, View target) {
    stage(
        s -> host.weightGradient(staged(s, pattern), s.apply(x), s.apply(dy), s.apply(target)),
        target);
  }

  @Override
  public void maskGradient(KofNLayout layout, View weights, View x, View dy, View target) {
    stage(
        s -> host.maskGradient(layout, s.apply(weights), s.apply(x), s.apply(dy), s.apply(target)),
        target);
  }

  @Override
  public void activationGradient(
      View dy, Activation activation, View z, float scale, View dz, View dBias) {
    stage(
        s ->
            host.activationGradient(
                s.apply(dy), activation, s.apply(z), scale, s.apply(dz), s.apply(dBias)),
        dz,
        dBias);
  }

  @Override
  public void transpose(KofNLayout layout, View indices, Companion companion) {
    stage(
        s -> host.transpose(layout, s.apply(indices), staged(s, companion)),
        companion.starts(),
        companion.rows(),
        companion.slots());
  }

  @Override
  public void pack(Pattern source, View target) {
    stage(s -> host.pack(staged(s, source), s.apply(target)), target);
  }

  @Override
  public void densify(Pattern source, View target) {
    stage(s -> host.densify(staged(s, source), s.apply(target)), target);
  }

  @Override
  public void convert(View source, View target) {
    stage(s -> host.convert(s.apply(source), s.apply(target)), target);
  }
}
