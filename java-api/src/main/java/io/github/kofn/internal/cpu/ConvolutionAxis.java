// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import io.github.kofn.sparse.Convolution;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * How positions along one axis of the result meet positions of the source: the kernel's tap {@code
 * taps[kind][j]} of position p reads source position {@code base[p] + offsets[kind][j]}, where kind
 * is {@code kind[p]}. Positions with the same taps and offsets are of one kind: all but those near
 * the border, and with a stride, on the way back, one kind for each remainder.
 */
final class ConvolutionAxis {
  final int[] kind;
  final int[] base;
  final List<int[]> taps = new ArrayList<>();
  final List<int[]> offsets = new ArrayList<>();
  private final Map<List<Integer>, Integer> known = new HashMap<>();

  private ConvolutionAxis(int positions) {
    kind = new int[positions];
    base = new int[positions];
  }

  /** Position p of y reads p stride - padding + tap. */
  static ConvolutionAxis forward(int size, int kernel, int positions, Convolution shape) {
    ConvolutionAxis axis = new ConvolutionAxis(positions);
    for (int p = 0; p < positions; p++) {
      axis.base[p] = p * shape.stride() - shape.padding();
      int first = Math.max(0, -axis.base[p]);
      int end = Math.min(kernel, size - axis.base[p]);
      List<Integer> pairs = new ArrayList<>();
      for (int tap = first; tap < end; tap++) {
        pairs.addAll(List.of(tap, tap));
      }
      axis.kind[p] = axis.kindOf(pairs);
    }
    return axis;
  }

  /** Position p of x is read by p + padding = stride q + tap, for every q of y that exists. */
  static ConvolutionAxis backward(int size, int kernel, int positions, Convolution shape) {
    ConvolutionAxis axis = new ConvolutionAxis(size);
    int stride = shape.stride();
    for (int p = 0; p < size; p++) {
      axis.base[p] = (p + shape.padding()) / stride;
      List<Integer> pairs = new ArrayList<>();
      for (int j = 0; j * stride + (p + shape.padding()) % stride < kernel; j++) {
        int q = axis.base[p] - j;
        if (q >= 0 && q < positions) {
          pairs.addAll(List.of(j * stride + (p + shape.padding()) % stride, -j));
        }
      }
      axis.kind[p] = axis.kindOf(pairs);
    }
    return axis;
  }

  private int kindOf(List<Integer> pairs) {
    return known.computeIfAbsent(
        pairs,
        key -> {
          int[] tap = new int[pairs.size() / 2];
          int[] offset = new int[pairs.size() / 2];
          for (int j = 0; j < tap.length; j++) {
            tap[j] = pairs.get(2 * j);
            offset[j] = pairs.get(2 * j + 1);
          }
          taps.add(tap);
          offsets.add(offset);
          return taps.size() - 1;
        });
  }

  int positions() {
    return kind.length;
  }

  int kinds() {
    return taps.size();
  }
}
