// SPDX-License-Identifier: Apache-2.0
package io.github.kofn;

import io.github.kofn.internal.Check;
import io.github.kofn.internal.kernels.Streams;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * An order of work on a device, such as a CUDA stream: kofn's own or another library's. It is the
 * meeting point with other libraries: what kofn queues in a stream comes after what they queued
 * there before, and before what they queue there later, without anybody waiting.
 *
 * {@snippet :
 * try (Stream theirs = device.streamAt(handle);
 *     Tensor logits = device.tensorAt(address, DType.F32, rows, n)) {
 *   theirs.run(() -> topK.draw(logits, key, drawn)); // returns when the draw is queued
 * }
 * }
 *
 * <p>The operations of one device run one after another, in the order of the calls, whatever
 * streams they are queued in; open a second device for work that may overlap.
 *
 * <p>The CPU and the reference backend compute in the calling thread: there {@link #run} returns
 * when the work is done, and nothing is ever waited for. Safe for use by several threads.
 */
public final class Stream implements AutoCloseable {
  private final Device device;
  private final long handle;
  private final boolean owned;
  private final AtomicInteger running = new AtomicInteger();
  private final AtomicBoolean closed = new AtomicBoolean();

  Stream(Device device, long handle, boolean owned) {
    this.device = device;
    this.handle = handle;
    this.owned = owned;
  }

  /**
   * The device whose work this orders.
   *
   * @return the device
   */
  public Device device() {
    return device;
  }

  /**
   * The handle, for other libraries.
   *
   * @return the CUstream; without meaning on a backend that computes in the calling thread
   * @throws IllegalStateException if the stream is closed
   */
  public long handle() {
    checkOpen();
    return handle;
  }

  /**
   * Queues operations here: what the work calls on this device in this thread returns when it is
   * queued. An error of the device, and an {@link io.github.kofn.sampling.InvalidLogitsException},
   * then come from a later call that waits: {@link #synchronize()}, or one that copies to host
   * memory. What an operation uses must not be changed by the host until then; closing tensors is
   * fine, their memory is given back in the same order.
   *
   * @param work calls operations
   * @throws IllegalStateException if the stream is closed, or the thread captures a graph
   */
  public void run(Runnable work) {
    Check.notNull("work", work);
    Streams streams = streams();
    running.incrementAndGet();
    try {
      streams.on(handle, work);
    } finally {
      running.decrementAndGet();
    }
  }

  /**
   * Waits for everything that is queued here, and for every operation of the device that was called
   * before.
   *
   * @throws io.github.kofn.sampling.InvalidLogitsException if an operation met logits that cannot
   *     be drawn from
   * @throws CudaException if an operation failed
   */
  public void synchronize() {
    streams().synchronize(handle);
  }

  /**
   * Whether everything that was queued here is done.
   *
   * @return true if there is nothing to wait for
   */
  public boolean isIdle() {
    return streams().isIdle(handle);
  }

  /**
   * What is queued here from now on, and every later operation of the device, waits for an event,
   * while the caller does not.
   *
   * @param event of the same device; one that was never recorded is not waited for
   */
  public void await(Event event) {
    Check.notNull("event", event);
    Check.that(
        event.device() == device,
        "event belongs to %s; allowed: events of %s",
        event.device().description(),
        device.description());
    Streams streams = streams();
    if (event.isRecorded()) {
      streams.await(handle, event.handle());
    }
  }

  Streams streams() {
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

  /**
   * Gives the stream back; what is queued in it still runs. A stream of somebody else, and the
   * device's own, stay. Closing twice, or after the device, is fine.
   *
   * @throws IllegalStateException if {@link #run} is under way
   */
  @Override
  public void close() {
    if (running.get() > 0) {
      throw new IllegalStateException(this + " is closed while it runs work");
    }
    if (closed.getAndSet(true)) {
      return;
    }
    device.forget(this);
    if (owned && !device.isClosed()) {
      device.engine().streams().destroy(handle);
    }
  }

  @Override
  public String toString() {
    return "Stream 0x" + Long.toHexString(handle);
  }
}
