// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;

import io.github.kofn.Layout;
import java.lang.foreign.MemorySegment;

/** Tiles of sums without vectors, an output and an example after the other. */
final class TileScalar implements TileKernels {
  private final long distance;

  /** For weights that lie so many floats apart. */
  TileScalar(int distance) {
    this.distance = 4L * distance;
  }

  @Override
  public void six(
      MemorySegment x,
      int stride,
      int[] inputs,
      long[] offsets,
      int from,
      int to,
      MemorySegment weights,
      long weightsAt,
      float[] sums) {
    for (int o = 0; o < SIX; o++) {
      long first = weightsAt + o * distance;
      output(x, stride, inputs, offsets, from, to, weights, first, sums, o * Layout.PANEL);
    }
  }

  @Override
  public void four(
      MemorySegment x,
      int stride,
      int[] inputs,
      long[] offsets,
      int from,
      int to,
      MemorySegment weights,
      long weightsAt,
      float[] sums) {
    for (int o = 0; o < FOUR; o++) {
      long first = weightsAt + o * distance;
      output(x, stride, inputs, offsets, from, to, weights, first, sums, o * Layout.PANEL);
    }
  }

  private static void output(
      MemorySegment x,
      int stride,
      int[] inputs,
      long[] offsets,
      int from,
      int to,
      MemorySegment weights,
      long weightsAt,
      float[] sums,
      int at) {
    for (int b = 0; b < stride; b++) {
      float sum = 0;
      for (int i = from; i < to; i++) {
        float weight = weights.get(JAVA_FLOAT_UNALIGNED, weightsAt + offsets[i]);
        sum += weight * x.get(JAVA_FLOAT_UNALIGNED, 4L * ((long) inputs[i] * stride + b));
      }
      sums[at + b] = sum;
    }
  }
}
