// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import io.github.kofn.BackendUnavailableException;
import java.io.IOException;
import java.io.InputStream;
import java.lang.System.Logger.Level;
import java.lang.invoke.MethodHandles;
import java.lang.reflect.InvocationTargetException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;

/**
 * One source, one class a vector width. The compiler makes good vector code only where the species
 * is a static constant. A vector kernel class is therefore written once, against {@code static
 * final VectorSpecies<Float> F = Species.floats(lookup())}, and {@link #load defined} as a hidden
 * class for each width that is asked for, with the {@link Kernel width} as its class data.
 */
final class Lanes {
  private static final String MODULE = "jdk.incubator.vector";

  private static final ConcurrentMap<Kernel, Class<?>> DEFINED = new ConcurrentHashMap<>();

  private Lanes() {}

  /** Whether the Vector API is there. */
  static boolean vectorsAvailable() {
    return ModuleLayer.boot()
        .findModule(MODULE)
        .map(module -> Lanes.class.getModule().canRead(module))
        .orElse(false);
  }

  /**
   * The width to use where {@code wanted} (0: the widest) was asked for: 16, 8 or 4, or 1 for
   * scalar code.
   */
  static int choose(int wanted) {
    if (wanted == 1) {
      return 1;
    }
    if (!vectorsAvailable()) {
      if (wanted > 1) {
        throw new BackendUnavailableException(
            "lanes is " + wanted + ", and the JVM runs without --add-modules " + MODULE);
      }
      Missing.warnOnce();
      return 1;
    }
    return wanted == 0 ? Math.clamp(Species.preferredLanes(), 4, 16) : wanted;
  }

  /** The message appears once a JVM, however many devices are opened. */
  private static final class Missing {
    static {
      System.getLogger("io.github.kofn")
          .log(
              Level.WARNING,
              "the CPU backend runs scalar code; start java with --add-modules "
                  + MODULE
                  + " to use vectors");
    }

    static void warnOnce() {}
  }

  /**
   * A new instance of a kernel class, by its no-argument constructor, with its species fixed to a
   * width. The class is defined once, since compiled code is a class's own.
   */
  static <T> T load(Class<T> contract, String implementation, int lanes) {
    return load(contract, implementation, lanes, 1);
  }

  /** The same with a distance fixed, too: what {@link Species#distance} is to give. */
  static <T> T load(Class<T> contract, String implementation, int lanes, int distance) {
    Kernel kernel = new Kernel(implementation, lanes, distance);
    Class<?> type = DEFINED.computeIfAbsent(kernel, Lanes::define);
    try {
      var constructor = type.getDeclaredConstructor();
      return contract.cast(constructor.newInstance());
    } catch (ReflectiveOperationException e) {
      Throwable cause = e instanceof InvocationTargetException ? e.getCause() : e;
      throw new IllegalStateException("cannot create " + type, cause);
    }
  }

  /** What a class is defined for; its class data. */
  record Kernel(String implementation, int lanes, int distance) {}

  private static Class<?> define(Kernel kernel) {
    MethodHandles.Lookup lookup = MethodHandles.lookup();
    String resource = kernel.implementation + ".class";
    try (InputStream in = Lanes.class.getResourceAsStream(resource)) {
      return lookup.defineHiddenClassWithClassData(in.readAllBytes(), kernel, true).lookupClass();
    } catch (IOException | IllegalAccessException e) {
      throw new IllegalStateException("cannot define " + kernel, e);
    }
  }
}
