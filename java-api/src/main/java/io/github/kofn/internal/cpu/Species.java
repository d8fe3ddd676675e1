// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import java.lang.invoke.MethodHandles;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * The species of a class that {@link Lanes#load} defined; only loaded where the Vector API is
 * there.
 */
final class Species {
  private Species() {}

  /** How many floats the machine's preferred vector holds. */
  static int preferredLanes() {
    return FloatVector.SPECIES_PREFERRED.length();
  }

  /** Floats, as many as the lookup's class was defined for. */
  static VectorSpecies<Float> floats(MethodHandles.Lookup lookup) {
    return VectorSpecies.of(float.class, shape(lookup));
  }

  /** 32-bit integers, as many as the lookup's class was defined for. */
  static VectorSpecies<Integer> ints(MethodHandles.Lookup lookup) {
    return VectorSpecies.of(int.class, shape(lookup));
  }

  /** 64-bit integers in vectors of the same size: half as many. */
  static VectorSpecies<Long> longs(MethodHandles.Lookup lookup) {
    return VectorSpecies.of(long.class, shape(lookup));
  }

  /** The distance that the lookup's class was defined for. */
  static int distance(MethodHandles.Lookup lookup) {
    return kernel(lookup).distance();
  }

  private static VectorShape shape(MethodHandles.Lookup lookup) {
    return VectorShape.forBitSize(kernel(lookup).lanes() * 32);
  }

  private static Lanes.Kernel kernel(MethodHandles.Lookup lookup) {
    try {
      return MethodHandles.classData(lookup, "_", Lanes.Kernel.class);
    } catch (IllegalAccessException e) {
      throw new IllegalStateException(e);
    }
  }
}
