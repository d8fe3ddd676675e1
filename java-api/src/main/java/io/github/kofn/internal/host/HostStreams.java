// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.host;

import io.github.kofn.internal.kernels.Streams;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Streams of a backend that computes in the calling thread: whatever was queued has run already. An
 * event is the moment at which it was recorded.
 */
final class HostStreams implements Streams {
  private final Recorder recorder;
  private final AtomicLong handles = new AtomicLong();
  private final Map<Long, Long> moments = new ConcurrentHashMap<>();

  HostStreams(Recorder recorder) {
    this.recorder = recorder;
  }

  @Override
  public long own() {
    return 0;
  }

  @Override
  public long create() {
    return handles.incrementAndGet();
  }

  @Override
  public void destroy(long stream) {}

  @Override
  public void check(long stream) {
    if (stream != 0) {
      throw new IllegalArgumentException(
          "stream handle is 0x%x; allowed: 0, because this device computes in the calling thread"
              .formatted(stream));
    }
  }

  @Override
  public void on(long stream, Runnable work) {
    work.run();
  }

  @Override
  public void synchronize(long stream) {
    recorder.requireIdle("waiting for a stream");
  }

  @Override
  public boolean isIdle(long stream) {
    return true;
  }

  @Override
  public void await(long stream, long event) {}

  @Override
  public long createEvent() {
    return handles.incrementAndGet();
  }

  @Override
  public void destroyEvent(long event) {
    moments.remove(event);
  }

  @Override
  public void record(long event, long stream) {
    recorder.requireIdle("recording an event");
    moments.put(event, System.nanoTime());
  }

  @Override
  public void synchronizeEvent(long event) {}

  @Override
  public boolean hasHappened(long event) {
    return true;
  }

  @Override
  public double milliseconds(long from, long to) {
    return (moments.get(to) - moments.get(from)) * 1e-6;
  }

  @Override
  public Replay capture(Runnable work) {
    return recorder.record(work);
  }
}
