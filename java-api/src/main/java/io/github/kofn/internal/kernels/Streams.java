// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.kernels;

/**
 * The order in which a device works: streams, events, and graphs of operations that are launched as
 * one. All operations of one device run one after another, in the order of the calls, whatever
 * stream they are queued in: a stream decides with which work of <em>others</em> they are ordered.
 * Handles are the backend's own; a backend that computes in the calling thread has nothing to
 * order, and answers at once.
 */
public interface Streams {
  /** The stream of operations that name none. */
  long own();

  /** A new stream. */
  long create();

  /** Gives a stream from {@link #create} back; what is queued in it still runs. */
  void destroy(long stream);

  /** Throws if a handle from elsewhere names no stream of this device. */
  void check(long stream);

  /**
   * Operations that the work calls in this thread are queued in a stream, and return when they are
   * queued.
   */
  void on(long stream, Runnable work);

  /** Waits for everything that is queued in a stream, and throws what went wrong in it. */
  void synchronize(long stream);

  /** Whether nothing is queued in a stream. */
  boolean isIdle(long stream);

  /** What is queued in a stream from now on waits for an event. */
  void await(long stream, long event);

  /** A new event. */
  long createEvent();

  /** Gives an event back. */
  void destroyEvent(long event);

  /** The event happens when a stream has got so far. */
  void record(long event, long stream);

  /** Waits for an event. */
  void synchronizeEvent(long event);

  /** Whether an event has happened. */
  boolean hasHappened(long event);

  /** The time from one event to another, both of which have happened. */
  double milliseconds(long from, long to);

  /** Records the operations that the work calls in this thread, instead of running them. */
  Replay capture(Runnable work);

  /** Recorded operations. */
  interface Replay extends AutoCloseable {
    /** How many operations of the device they are. */
    long size();

    /**
     * Queues them in the thread's stream.
     *
     * @param steps added to the step of every draw
     */
    void launch(int steps);

    @Override
    void close();
  }
}
