// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

/** One key after the other. */
final class SamplingSelectionScalar implements SamplingSelection {
  @Override
  public int count(float[] keys, int from, int length, float threshold) {
    int count = 0;
    for (int i = from; i < from + length; i++) {
      count += keys[i] >= threshold ? 1 : 0;
    }
    return count;
  }

  @Override
  public int few() {
    return 8;
  }

  @Override
  public float kthGreatest(float[] keys, int from, int length, int k) {
    float least = Float.POSITIVE_INFINITY;
    for (int i = from; i < from + length; i++) {
      int greater = 0;
      for (int j = from; j < from + length; j++) {
        greater += keys[j] > keys[i] ? 1 : 0;
      }
      least = greater < k && keys[i] < least ? keys[i] : least;
    }
    return least;
  }

  @Override
  public int list(float[] keys, int from, int length, float threshold, int[] columns, int at) {
    int end = at;
    for (int i = 0; i < length; i++) {
      columns[end] = i;
      end += keys[from + i] >= threshold ? 1 : 0;
    }
    return end;
  }

  @Override
  public int keep(float[] keys, int[] columns, int length, float threshold) {
    int end = 0;
    for (int i = 0; i < length; i++) {
      keys[end] = keys[i];
      columns[end] = columns[i];
      end += keys[i] >= threshold ? 1 : 0;
    }
    return end;
  }
}
