// SPDX-License-Identifier: Apache-2.0
package io.github.kofn;

import io.github.kofn.internal.Check;
import io.github.kofn.internal.kernels.Streams;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * A moment in the work of a device: it happens when a {@link Stream} has done all that was queued
 * in it before {@link #record}. Other work can wait for it, and two of them measure the time
 * between.
 *
 * {@snippet :
 * try (Event start = device.newEvent(); Event end = device.newEvent()) {
 *   start.record(stream);
 *   stream.run(() -> topK.draw(logits, key, drawn));
 *   end.record(stream);
 *   end.synchronize();
 *   double milliseconds = end.millisecondsSince(start);
 * }
 * }
 *
 * <p>On the CPU and the reference backend, which compute in the calling thread, an event has
 * happened as soon as it is recorded. Recording needs the caller's own order; everything else is
 * safe for use by several threads.
 */
public final class Event implements AutoCloseable {
  private final Device device;
  private final long handle;
  private final AtomicBoolean closed = new AtomicBoolean();
  private volatile boolean recorded;

  Event(Device device, long handle) {
    this.device = device;
    this.handle = handle;
  }

  /**
   * The device whose work this is a moment of.
   *
   * @return the device
   */
  public Device device() {
    return device;
  }

  /**
   * The handle, for other libraries.
   *
   * @return the CUevent; without meaning on a backend that computes in the calling thread
   * @throws IllegalStateException if the event is closed
   */
  public long handle() {
    checkOpen();
    return handle;
  }

  /**
   * Marks the end of what is queued in a stream, and of every operation of the device that was
   * called before. Recording again forgets the moment before.
   *
   * @param stream of the same device
   */
  public void record(Stream stream) {
    Check.notNull("stream", stream);
    Check.that(
        stream.device() == device,
        "stream belongs to %s; allowed: streams of %s",
        stream.device().description(),
        device.description());
    checkOpen();
    stream.streams().record(handle, stream.handle());
    recorded = true;
  }

  /**
   * Waits until the event has happened; one that was never recorded is not waited for.
   *
   * @throws CudaException if work before it failed
   */
  public void synchronize() {
    streams().synchronizeEvent(handle);
  }

  /**
   * Whether the event has happened.
   *
   * @return false until the stream got so far; true if it was never recorded
   */
  public boolean hasHappened() {
    return streams().hasHappened(handle);
  }

  /**
   * The time from another event to this one, as the device saw it; on the simulated device, and
   * where the calling thread computes, it is host time.
   *
   * @param earlier another event of the same device
   * @return milliseconds, with a resolution of about half a microsecond
   * @throws IllegalStateException if one of the two was not recorded, or has not happened yet
   */
  public double millisecondsSince(Event earlier) {
    Check.notNull("earlier", earlier);
    Check.that(
        earlier.device == device,
        "earlier belongs to %s; allowed: events of %s",
        earlier.device.description(),
        device.description());
    Streams streams = streams();
    earlier.requireHappened();
    requireHappened();
    return streams.milliseconds(earlier.handle, handle);
  }

  private void requireHappened() {
    if (!recorded || !hasHappened()) {
      throw new IllegalStateException(
          this + (recorded ? " has not happened yet: synchronize first" : " was never recorded"));
    }
  }

  boolean isRecorded() {
    checkOpen();
    return recorded;
  }

  private Streams streams() {
    checkOpen();
    return device.engine().streams();
  }

  private void checkOpen() {
    if (closed.get()) {
      throw new IllegalStateException(this + " is closed");
    }
    if (device.isClosed()) {
      throw new IllegalStateException("the device of " + this + " is closed");
    }
  }

  /** Gives the event back. Closing twice, or after the device, is fine. */
  @Override
  public void close() {
    if (closed.getAndSet(true)) {
      return;
    }
    device.forget(this);
    if (!device.isClosed()) {
      device.engine().streams().destroyEvent(handle);
    }
  }

  @Override
  public String toString() {
    return "Event 0x" + Long.toHexString(handle);
  }
}
