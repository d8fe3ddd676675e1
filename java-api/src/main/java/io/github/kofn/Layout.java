// SPDX-License-Identifier: Apache-2.0
package io.github.kofn;

/**
 * How the elements of a two-dimensional tensor of activations, [batch, features], lie in memory.
 */
public enum Layout {
  /** Element (b, f) lies at {@code b * pitch + f}. */
  ROW_MAJOR,

  /**
   * Batch-major panels: the batch is cut into panels of {@value #PANEL} examples (the last one
   * narrower), and within a panel the examples of one feature lie side by side. Element (b, f) of a
   * panel that starts at example {@code p} and is {@code w} wide lies at {@code p * features + f *
   * w + (b - p)}. No padding: a tensor takes batch * features elements in either layout. A kept
   * weight then meets whole vectors of examples without any gather.
   */
  PANELS;

  /** The width of a full panel, in examples. */
  public static final int PANEL = 64;
}
