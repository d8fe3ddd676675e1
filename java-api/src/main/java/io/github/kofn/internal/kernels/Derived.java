// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.kernels;

import java.util.concurrent.atomic.AtomicReference;

/**
 * Where a backend keeps what it made of a pattern's indices, for its next product. It belongs to a
 * matrix and goes with it. What is kept here may be out of date: indices change without notice (a
 * new draw, a replayed graph), so a backend compares before it believes.
 */
public final class Derived {
  private final AtomicReference<Object> kept = new AtomicReference<>();

  /** What was kept last, or null if that is of another class. */
  public <T> T get(Class<T> type) {
    Object now = kept.get();
    return type.isInstance(now) ? type.cast(now) : null;
  }

  /** Keeps something instead of what was kept. */
  public void keep(Object made) {
    kept.set(made);
  }
}
