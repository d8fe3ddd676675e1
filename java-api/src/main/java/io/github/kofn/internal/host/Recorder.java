// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.host;

import io.github.kofn.internal.kernels.Buffer;
import io.github.kofn.internal.kernels.Draw;
import io.github.kofn.internal.kernels.Streams.Replay;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.IntConsumer;

/**
 * Records operations on host memory instead of running them, as a GPU's driver does: the Java code
 * between the operations runs once, when it is recorded. Each thread records for itself.
 */
final class Recorder {
  @SuppressWarnings("ThreadLocalUsage") // one a recorder, removed when the recording ends
  private final ThreadLocal<Recording> recording = new ThreadLocal<>();

  private final Consumer<Buffer> free;

  /** A recorder; memory that was released while recording is freed with the recording. */
  Recorder(Consumer<Buffer> free) {
    this.free = free;
  }

  /** Operations, each given the steps that are added to its draw. */
  private final class Recording implements Replay {
    private final List<IntConsumer> operations = new ArrayList<>();
    private final List<Buffer> released = new ArrayList<>();

    @Override
    public long size() {
      return operations.size();
    }

    @Override
    public void launch(int steps) {
      requireIdle("launching a graph");
      operations.forEach(operation -> operation.accept(steps));
    }

    @Override
    public void close() {
      released.forEach(free);
      released.clear();
    }
  }

  Replay record(Runnable work) {
    requireIdle("capturing");
    Recording made = new Recording();
    recording.set(made);
    try {
      work.run();
      return made;
    } catch (RuntimeException | Error e) {
      made.close();
      throw e;
    } finally {
      recording.remove();
    }
  }

  /** Throws if this thread records. */
  void requireIdle(String what) {
    if (recording.get() != null) {
      throw new IllegalStateException(what + " is not possible inside Device.capture");
    }
  }

  /** Runs an operation, or records it. */
  void run(Runnable operation) {
    Recording now = recording.get();
    if (now == null) {
      operation.run();
    } else {
      now.operations.add(steps -> operation.run());
    }
  }

  /** Frees memory, now or with the recording that may use it. */
  void release(Buffer buffer) {
    Recording now = recording.get();
    if (now == null) {
      free.accept(buffer);
    } else {
      now.released.add(buffer);
    }
  }

  /** The kernels, or what records their calls. */
  <T> T kernels(Class<T> type, T kernels) {
    Recording now = recording.get();
    if (now == null) {
      return kernels;
    }
    return type.cast(
        Proxy.newProxyInstance(
            type.getClassLoader(),
            new Class<?>[] {type},
            (proxy, method, arguments) -> {
              now.operations.add(steps -> invoke(method, kernels, later(arguments, steps)));
              return null;
            }));
  }

  private static Object[] later(Object[] arguments, int steps) {
    Object[] changed = arguments.clone();
    for (int i = 0; i < changed.length; i++) {
      if (changed[i] instanceof Draw d) {
        changed[i] = new Draw(d.noiseScale(), d.seed(), d.stream(), d.step() + steps, d.firstRow());
      }
    }
    return changed;
  }

  private static void invoke(Method method, Object kernels, Object[] arguments) {
    try {
      method.invoke(kernels, arguments);
    } catch (InvocationTargetException e) {
      switch (e.getCause()) {
        case RuntimeException cause -> throw cause;
        case Error cause -> throw cause;
        default -> throw new IllegalStateException(e);
      }
    } catch (IllegalAccessException e) {
      throw new IllegalStateException(e);
    }
  }
}
