// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import static jdk.incubator.vector.VectorOperators.GE;
import static jdk.incubator.vector.VectorOperators.LT;
import static jdk.incubator.vector.VectorOperators.MIN;

import java.lang.invoke.MethodHandles;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorSpecies;

/** Vectors; {@link Lanes#load defined} once a vector width. */
final class SamplingSelectionVector implements SamplingSelection {
  private static final VectorSpecies<Float> F = Species.floats(MethodHandles.lookup());
  private static final VectorSpecies<Integer> I = Species.ints(MethodHandles.lookup());
  private static final IntVector IOTA = IntVector.zero(I).addIndex(1);

  @Override
  public int count(float[] keys, int from, int length, float threshold) {
    FloatVector t = FloatVector.broadcast(F, threshold);
    int count = 0;
    for (int i = from; i < from + length; i += F.length()) {
      count += FloatVector.fromArray(F, keys, i).compare(GE, t).trueCount();
    }
    return count;
  }

  @Override
  public int few() {
    return F.length() * F.length() / 4;
  }

  @Override
  public float kthGreatest(float[] keys, int from, int length, int k) {
    FloatVector least = FloatVector.broadcast(F, Float.POSITIVE_INFINITY);
    for (int i = from; i < from + length; i += F.length()) {
      FloatVector key = FloatVector.fromArray(F, keys, i);
      IntVector greater = IntVector.zero(I);
      for (int j = from; j < from + length; j++) {
        VectorMask<Float> less = key.compare(LT, FloatVector.broadcast(F, keys[j]));
        greater = greater.add(1, less.cast(I));
      }
      // Keys of -infinity behind the last are less than all, of which there are k or more.
      VectorMask<Float> among = greater.compare(LT, k).cast(F);
      least = least.blend(key, among.and(key.compare(LT, least)));
    }
    return least.reduceLanes(MIN);
  }

  @Override
  public int list(float[] keys, int from, int length, float threshold, int[] columns, int at) {
    FloatVector t = FloatVector.broadcast(F, threshold);
    int end = at;
    for (int i = 0; i < length; i += F.length()) {
      VectorMask<Float> reach = FloatVector.fromArray(F, keys, from + i).compare(GE, t);
      IOTA.add(i).compress(reach.cast(I)).intoArray(columns, end);
      end += reach.trueCount();
    }
    return end;
  }

  @Override
  public void spread(SamplingLists lists, int rows, int length, float[] keys) {
    FloatVector none = FloatVector.broadcast(F, Float.NEGATIVE_INFINITY);
    for (int r = 0; r < rows; r++) {
      int begin = r < lists.rows ? lists.begins[r] : 0;
      int count = r < lists.rows ? lists.ends[r] - begin : 0;
      for (int i = 0; i < length; i += F.length()) {
        VectorMask<Float> behind = IOTA.compare(GE, count - i).cast(F);
        FloatVector key = FloatVector.fromArray(F, lists.keys, begin + i);
        key.blend(none, behind).intoArray(keys, r * length + i);
      }
    }
  }

  @Override
  public int pick(
      SamplingLists lists, float[] keys, int length, float[] thresholds, int k, int[] list) {
    int wrong = 0;
    for (int r = 0; r < lists.rows; r++) {
      FloatVector t = FloatVector.broadcast(F, thresholds[r]);
      int begin = lists.begins[r];
      int end = r * k;
      for (int i = 0; i < length; i += F.length()) {
        VectorMask<Float> reach = FloatVector.fromArray(F, keys, r * length + i).compare(GE, t);
        IntVector columns = IntVector.fromArray(I, lists.columns, begin + i);
        columns.compress(reach.cast(I)).intoArray(list, end);
        end += reach.trueCount();
      }
      wrong |= end - r * k == k ? 0 : 1 << r;
    }
    return wrong;
  }

  @Override
  public void pickKeys(
      SamplingLists lists, float[] keys, int length, float[] thresholds, int k, float[] list) {
    for (int r = 0; r < lists.rows; r++) {
      FloatVector t = FloatVector.broadcast(F, thresholds[r]);
      int end = r * k;
      for (int i = r * length; i < (r + 1) * length; i += F.length()) {
        FloatVector key = FloatVector.fromArray(F, keys, i);
        VectorMask<Float> reach = key.compare(GE, t);
        key.compress(reach).intoArray(list, end);
        end += reach.trueCount();
      }
    }
  }

  @Override
  public int keep(float[] keys, int[] columns, int length, float threshold) {
    FloatVector t = FloatVector.broadcast(F, threshold);
    int end = 0;
    for (int i = 0; i < length; i += F.length()) {
      FloatVector key = FloatVector.fromArray(F, keys, i);
      VectorMask<Float> reach = key.compare(GE, t);
      IntVector.fromArray(I, columns, i).compress(reach.cast(I)).intoArray(columns, end);
      key.compress(reach).intoArray(keys, end);
      end += reach.trueCount();
    }
    return end;
  }
}
