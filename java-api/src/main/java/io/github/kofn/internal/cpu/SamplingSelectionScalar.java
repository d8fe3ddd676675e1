// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import java.util.Arrays;

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
  public void spread(SamplingLists lists, int rows, int length, float[] keys) {
    Arrays.fill(keys, 0, rows * length, Float.NEGATIVE_INFINITY);
    for (int r = 0; r < lists.rows; r++) {
      int count = lists.ends[r] - lists.begins[r];
      System.arraycopy(lists.keys, lists.begins[r], keys, r * length, count);
    }
  }

  @Override
  public int pick(
      SamplingLists lists, float[] keys, int length, float[] thresholds, int k, int[] list) {
    int wrong = 0;
    for (int r = 0; r < lists.rows; r++) {
      int end = r * k;
      for (int i = 0; i < length; i++) {
        list[end] = lists.columns[lists.begins[r] + i];
        end += keys[r * length + i] >= thresholds[r] ? 1 : 0;
      }
      wrong |= end - r * k == k ? 0 : 1 << r;
    }
    return wrong;
  }

  @Override
  public void pickKeys(
      SamplingLists lists, float[] keys, int length, float[] thresholds, int k, float[] list) {
    for (int r = 0; r < lists.rows; r++) {
      int end = r * k;
      for (int i = r * length; i < (r + 1) * length; i++) {
        list[end] = keys[i];
        end += keys[i] >= thresholds[r] ? 1 : 0;
      }
    }
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
