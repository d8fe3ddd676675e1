// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.IntConsumer;

/**
 * Runs the parts of an operation on several threads, the caller's among them. Parts must not depend
 * on each other.
 */
final class Workers implements AutoCloseable {
  /** Nanoseconds that waiting spins first: about as long as it takes to wake a thread. */
  private static final long SPIN = 50_000;

  private final int threads;
  private final ExecutorService helpers;

  /** So many threads in all; 0 for one a core. */
  Workers(int threads) {
    this.threads = threads == 0 ? Runtime.getRuntime().availableProcessors() : threads;
    this.helpers =
        this.threads == 1
            ? null
            : Executors.newFixedThreadPool(
                this.threads - 1, Thread.ofPlatform().daemon().name("kofn-", 0).factory());
  }

  int threads() {
    return threads;
  }

  /**
   * Calls {@code part} with 0 to parts - 1, each once, in any order, and returns when all have
   * returned. If parts throw, the exception of the lowest-numbered one that threw is rethrown, so
   * that an error does not depend on timing.
   */
  void run(int parts, IntConsumer part) {
    if (parts <= 1 || threads == 1) {
      for (int i = 0; i < parts; i++) {
        part.accept(i);
      }
      return;
    }
    Job job = new Job(parts, part, Math.min(threads, parts) - 1);
    for (int i = 0; i < job.helpers; i++) {
      helpers.execute(job::help);
    }
    job.work();
    job.await();
  }

  @Override
  public void close() {
    if (helpers != null) {
      helpers.shutdown();
    }
  }

  private static final class Job {
    private final int parts;
    private final IntConsumer part;
    private final int helpers;
    private final AtomicInteger next = new AtomicInteger();
    private final CountDownLatch helped;
    private final AtomicReference<Failure> failure = new AtomicReference<>();

    Job(int parts, IntConsumer part, int helpers) {
      this.parts = parts;
      this.part = part;
      this.helpers = helpers;
      this.helped = new CountDownLatch(helpers);
    }

    private record Failure(int index, Throwable cause) {}

    void help() {
      try {
        work();
      } finally {
        helped.countDown();
      }
    }

    void work() {
      for (int i = next.getAndIncrement(); i < parts; i = next.getAndIncrement()) {
        try {
          part.accept(i);
        } catch (RuntimeException | Error e) {
          Failure mine = new Failure(i, e);
          failure.accumulateAndGet(mine, (a, b) -> a == null || b.index < a.index ? b : a);
        }
      }
    }

    void await() {
      long start = System.nanoTime();
      while (helped.getCount() > 0 && System.nanoTime() - start < SPIN) {
        Thread.onSpinWait();
      }
      boolean interrupted = false;
      while (true) {
        try {
          helped.await();
          break;
        } catch (InterruptedException e) {
          interrupted = true; // The result must be there when the operation returns.
        }
      }
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
      Failure first = failure.get();
      if (first != null) {
        if (first.cause instanceof Error error) {
          throw error;
        }
        throw (RuntimeException) first.cause;
      }
    }
  }
}
