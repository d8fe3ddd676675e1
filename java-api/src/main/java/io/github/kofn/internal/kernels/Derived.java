// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.kernels;

import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;

/**
 * Where a backend keeps what it made of a pattern's indices, for its next product: one object a
 * class. It belongs to a matrix and goes with it. What is kept here may be out of date: indices
 * change without notice (a new draw, a replayed graph), so a backend compares before it believes.
 */
public final class Derived {
  private final ConcurrentMap<Class<?>, Object> kept = new ConcurrentHashMap<>();

  /** What was kept last of a class, or null. */
  public <T> T get(Class<T> type) {
    return type.cast(kept.get(type));
  }

  /** Keeps something instead of what was kept of its class. */
  public void keep(Object made) {
    kept.put(made.getClass(), made);
  }
}
