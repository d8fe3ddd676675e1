// SPDX-License-Identifier: Apache-2.0
package io.github.kofn;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.abort;

import io.github.kofn.sampling.DrawKey;
import io.github.kofn.sampling.GumbelTopK;
import io.github.kofn.sampling.InvalidLogitsException;
import io.github.kofn.sampling.Selection;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Streams, events and foreign memory keep one contract on every backend. */
class StreamsTest {
  private static final int ROWS = 5;
  private static final int N = 40;
  private static final GumbelTopK TOP_3 = GumbelTopK.of(3);
  private static final DrawKey KEY = DrawKey.of(7, 1);

  private static Device open(Backend backend) {
    Device.unavailableReason(backend).ifPresent(reason -> abort(backend.label() + ": " + reason));
    return Device.open(backend);
  }

  private static float[] logits() {
    SplittableRandom random = new SplittableRandom(3);
    float[] values = new float[ROWS * N];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }

  private static int[] expected() {
    try (Device reference = Device.open(Backend.REFERENCE);
        Tensor logits = reference.tensorOf(logits(), ROWS, N);
        Selection drawn = TOP_3.draw(logits, KEY)) {
      return drawn.indices().toInts();
    }
  }

  @ParameterizedTest
  @EnumSource
  void aStreamGivesTheResultsOfTheDevice(Backend backend) {
    try (Device device = open(backend);
        Stream stream = device.newStream();
        Tensor logits = device.zeros(DType.F32, ROWS, N)) {
      Selection[] drawn = new Selection[1];
      stream.run(
          () -> {
            logits.copyFrom(logits());
            drawn[0] = TOP_3.draw(logits, KEY);
          });
      assertArrayEquals(expected(), drawn[0].indices().toInts());
      drawn[0].close();
      stream.synchronize();
      assertTrue(stream.isIdle());
    }
  }

  /** Work of one stream is used in another, and memory is given back while it is queued. */
  @ParameterizedTest
  @EnumSource
  void operationsOfOneDeviceKeepTheOrderOfTheCalls(Backend backend) {
    try (Device device = open(backend);
        Stream a = device.newStream();
        Stream b = device.newStream()) {
      Tensor first = device.zeros(DType.F32, ROWS, N);
      Tensor second = device.zeros(DType.F32, ROWS, N);
      a.run(() -> first.copyFrom(logits()));
      Selection[] drawn = new Selection[1];
      b.run(() -> drawn[0] = TOP_3.draw(first, KEY));
      a.run(first::clear);
      a.run(second::clear);
      b.run(first::close);
      assertArrayEquals(expected(), drawn[0].indices().toInts());
      drawn[0].close();
      second.close();
    }
  }

  @ParameterizedTest
  @EnumSource
  void eventsHappenAndMeasureTime(Backend backend) {
    try (Device device = open(backend);
        Stream stream = device.newStream();
        Event start = device.newEvent();
        Event end = device.newEvent();
        Tensor logits = device.tensorOf(logits(), ROWS, N);
        Selection drawn = TOP_3.draw(logits, KEY)) {
      assertTrue(start.hasHappened());
      stream.await(end); // never recorded
      start.record(stream);
      stream.run(() -> TOP_3.draw(logits, KEY, drawn));
      end.record(stream);
      device.stream().await(end);
      end.synchronize();
      assertTrue(end.hasHappened());
      assertTrue(end.millisecondsSince(start) >= 0);
      start.synchronize();
    }
  }

  @ParameterizedTest
  @EnumSource
  void elapsedTimeNeedsEventsThatHappened(Backend backend) {
    try (Device device = open(backend);
        Event start = device.newEvent();
        Event end = device.newEvent()) {
      assertSays("was never recorded", () -> end.millisecondsSince(start));
      start.record(device.stream());
      start.synchronize();
      assertSays("was never recorded", () -> end.millisecondsSince(start));
    }
  }

  @ParameterizedTest
  @EnumSource
  void whatIsClosedOrForeignIsRefused(Backend backend) {
    try (Device device = open(backend);
        Device other = open(backend)) {
      Stream stream = device.newStream();
      Event event = device.newEvent();
      event.record(stream);
      Event foreign = other.newEvent();
      Stream foreignStream = other.newStream();
      assertThrows(IllegalArgumentException.class, () -> stream.await(foreign));
      assertThrows(IllegalArgumentException.class, () -> event.record(foreignStream));
      assertThrows(IllegalArgumentException.class, () -> event.millisecondsSince(foreign));
      assertThrows(IllegalArgumentException.class, () -> stream.run(null));
      foreign.close();
      foreignStream.close();

      stream.run(() -> assertSays("while it runs work", stream::close));
      stream.close();
      stream.close();
      assertSays("is closed", stream::synchronize);
      assertSays("is closed", stream::isIdle);
      assertSays("is closed", stream::handle);
      assertSays("is closed", () -> stream.run(() -> {}));
      assertSays("is closed", () -> event.record(stream));
      event.close();
      event.close();
      assertSays("is closed", event::synchronize);
      assertSays("is closed", () -> device.stream().await(event));
    }
  }

  @ParameterizedTest
  @EnumSource
  void afterTheDeviceNothingWorksAndClosingIsFine(Backend backend) {
    Device device = open(backend);
    Stream stream = device.newStream();
    Event event = device.newEvent();
    device.close();
    assertSays("device of Stream", stream::synchronize);
    assertSays("device of Event", event::synchronize);
    stream.close();
    event.close();
    device.close();
  }

  /** In a stream the error comes with the next wait, once, and the device goes on. */
  @ParameterizedTest
  @EnumSource
  void badLogitsInAStreamAreReportedByTheNextWait(Backend backend) {
    float[] values = logits();
    values[3 * N + 8] = Float.NaN;
    try (Device device = open(backend);
        Stream stream = device.newStream();
        Tensor bad = device.tensorOf(values, ROWS, N);
        Tensor good = device.tensorOf(logits(), ROWS, N);
        Selection target = TOP_3.draw(good, KEY)) {
      InvalidLogitsException thrown =
          assertThrows(
              InvalidLogitsException.class,
              () -> {
                stream.run(() -> TOP_3.draw(bad, KEY, target));
                stream.synchronize();
              });
      assertEquals("logit [3, 8] is NaN; allowed: numbers and infinities", thrown.getMessage());
      stream.synchronize();
      stream.run(() -> TOP_3.draw(good, KEY, target));
      assertArrayEquals(expected(), target.indices().toInts());
    }
  }

  /** More draws than there are words for what they find; the bad one is early. */
  @Test
  void manyQueuedDrawsLoseNoError() {
    float[] values = logits();
    Arrays.fill(values, N, 2 * N, Float.NEGATIVE_INFINITY);
    try (Device device = open(Backend.SIMULATED);
        Stream stream = device.newStream();
        Tensor bad = device.tensorOf(values, ROWS, N);
        Tensor good = device.tensorOf(logits(), ROWS, N);
        Selection target = TOP_3.draw(good, KEY)) {
      InvalidLogitsException thrown =
          assertThrows(
              InvalidLogitsException.class,
              () ->
                  stream.run(
                      () -> {
                        TOP_3.draw(bad, KEY, target);
                        for (int i = 0; i < 100; i++) {
                          TOP_3.draw(good, KEY, target);
                        }
                      }));
      assertEquals(1, thrown.row());
      target.indices().toInts();
    }
  }

  @Test
  void logitsThatAreGoneAreNotLookedAt() {
    float[] values = logits();
    values[0] = Float.NaN;
    try (Device device = open(Backend.SIMULATED);
        Stream stream = device.newStream();
        Tensor good = device.tensorOf(logits(), ROWS, N);
        Selection target = TOP_3.draw(good, KEY)) {
      Tensor bad = device.tensorOf(values, ROWS, N);
      stream.run(
          () -> {
            TOP_3.draw(bad, KEY, target);
            bad.close();
          });
      InvalidLogitsException thrown =
          assertThrows(InvalidLogitsException.class, stream::synchronize);
      assertTrue(thrown.getMessage().contains("changed or closed since"), thrown.getMessage());
    }
  }

  /** Another library's stream and memory, which is a second device here. */
  @Test
  void memoryAndStreamsOfOthersAreUsedWithoutACopy() {
    try (Device theirs = open(Backend.SIMULATED);
        Device device = open(Backend.SIMULATED);
        Stream theirStream = theirs.newStream();
        Tensor theirLogits = theirs.zeros(DType.F32, ROWS, N);
        Stream stream = device.streamAt(theirStream.handle());
        Tensor logits = device.tensorAt(theirLogits.address(), DType.F32, ROWS, N)) {
      Selection[] drawn = new Selection[1];
      theirStream.run(() -> theirLogits.copyFrom(logits()));
      stream.run(() -> drawn[0] = TOP_3.draw(logits, KEY));
      theirStream.run(theirLogits::clear);
      assertArrayEquals(expected(), drawn[0].indices().toInts());
      drawn[0].close();
      assertEquals(theirLogits.address(), logits.address());
    }
  }

  @ParameterizedTest
  @EnumSource
  void foreignMemoryMayHaveAPitch(Backend backend) {
    int pitch = N + 3;
    try (Device device = open(backend);
        Tensor whole = device.zeros(DType.F32, ROWS, pitch);
        Tensor part = device.tensorAt(whole.address(), DType.F32, pitch, new long[] {ROWS, N})) {
      assertEquals(pitch, part.pitch());
      float[] ones = new float[ROWS * pitch];
      Arrays.fill(ones, 1);
      whole.copyFrom(ones);
      part.copyFrom(logits());
      assertArrayEquals(logits(), part.toFloats());
      float[] all = whole.toFloats();
      assertEquals(1, all[N]);
      assertEquals(1, all[ROWS * pitch - 1]);
      try (Selection drawn = TOP_3.draw(part, KEY)) {
        assertArrayEquals(expected(), drawn.indices().toInts());
      }
      part.clear();
      assertArrayEquals(new float[ROWS * N], part.toFloats());
      assertEquals(1, whole.toFloats()[N]);
    }
  }

  @Test
  void foreignMemoryIsLookedAt() {
    try (Device device = open(Backend.SIMULATED);
        Tensor whole = device.zeros(DType.F32, ROWS, N)) {
      long address = whole.address();
      assertRefused("allowed: multiples of 4", () -> device.tensorAt(address + 2, DType.F32, N));
      assertRefused("and not 0", () -> device.tensorAt(0, DType.F32, N));
      assertRefused("no memory of this GPU", () -> device.tensorAt(4096, DType.F32, N));
      assertRefused(
          "end behind their allocation",
          () -> device.tensorAt(address, DType.F32, N, new long[] {ROWS + 1, N}));
      assertRefused(
          "pitch is 39", () -> device.tensorAt(address, DType.F32, N - 1, new long[] {ROWS, N}));
      device.tensorAt(0, DType.F32, 0, N).close();
    }
  }

  @Test
  void theCpuHasNoOtherStream() {
    try (Device device = Device.open(Backend.CPU)) {
      device.streamAt(0).close();
      assertRefused("allowed: 0", () -> device.streamAt(5));
      assertFalse(device.newStream().handle() == device.newStream().handle());
    }
  }

  private static void assertSays(String part, Runnable call) {
    String message = assertThrows(IllegalStateException.class, call::run).getMessage();
    assertTrue(message.contains(part), message);
  }

  private static void assertRefused(String part, Runnable call) {
    String message = assertThrows(IllegalArgumentException.class, call::run).getMessage();
    assertTrue(message.contains(part), message);
  }
}
