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
