// SPDX-License-Identifier: Apache-2.0
package io.github.kofn;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.abort;

import io.github.kofn.sampling.DrawKey;
import io.github.kofn.sampling.GumbelTopK;
import io.github.kofn.sampling.Selection;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Another library's tensors, as its C structures describe them. */
@SuppressWarnings("restricted") // the other library is played with native memory
class DlPackTest {
  private static final int ROWS = 5;
  private static final int N = 40;
  private static final int[] FLOAT_32 = {2, 32, 1};

  private final Arena arena = Arena.ofShared();
  private final List<Long> deleted = new ArrayList<>();

  @AfterEach
  void close() {
    arena.close();
  }

  private static Device open(Backend backend) {
    Device.unavailableReason(backend).ifPresent(reason -> abort(backend.label() + ": " + reason));
    return Device.open(backend);
  }

  /** What the other library's deleter does. */
  void deleter(long managed) {
    deleted.add(managed);
  }

  private long deleterAddress() {
    try {
      MethodHandle handle =
          MethodHandles.lookup()
              .findVirtual(
                  DlPackTest.class, "deleter", MethodType.methodType(void.class, long.class))
              .bindTo(this);
      return Linker.nativeLinker()
          .upcallStub(handle, FunctionDescriptor.ofVoid(JAVA_LONG), arena)
          .address();
    } catch (ReflectiveOperationException e) {
      throw new LinkageError(e.getMessage(), e);
    }
  }

  private long numbers(long... values) {
    return values == null ? 0 : arena.allocateFrom(JAVA_LONG, values).address();
  }

  private void fill(
      MemorySegment t, long data, int device, int[] type, long[] shape, long[] strides) {
    t.set(JAVA_LONG, 0, data - 4);
    t.set(JAVA_INT, 8, device);
    t.set(JAVA_INT, 16, shape.length);
    t.set(JAVA_BYTE, 20, (byte) type[0]);
    t.set(JAVA_BYTE, 21, (byte) type[1]);
    t.set(JAVA_SHORT, 22, (short) type[2]);
    t.set(JAVA_LONG, 24, numbers(shape));
    t.set(JAVA_LONG, 32, numbers(strides));
    t.set(JAVA_LONG, 40, 4); // byte_offset
  }

  private long managed(long data, int device, int[] type, long[] shape, long[] strides) {
    MemorySegment all = arena.allocate(64, 8);
    fill(all, data, device, type, shape, strides);
    all.set(JAVA_LONG, 56, deleterAddress());
    return all.address();
  }

  private long versioned(long data, int device, int major, long flags) {
    MemorySegment all = arena.allocate(80, 8);
    all.set(JAVA_INT, 0, major);
    all.set(JAVA_LONG, 16, deleterAddress());
    all.set(JAVA_LONG, 24, flags);
    fill(all.asSlice(32), data, device, FLOAT_32, new long[] {ROWS, N}, null);
    return all.address();
  }

  private static int deviceType(Device device) {
    return device.usesHostMemory() ? 1 : 2;
  }

  private static float[] logits() {
    SplittableRandom random = new SplittableRandom(3);
    float[] values = new float[ROWS * N];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }

  @ParameterizedTest
  @EnumSource
  void isTheMemoryAndGivesItBackOnce(Backend backend) {
    try (Device device = open(backend);
        Tensor theirs = device.tensorOf(logits(), ROWS, N)) {
      long managed =
          managed(
              theirs.address(),
              deviceType(device),
              FLOAT_32,
              new long[] {ROWS, N},
              new long[] {N, 1});
      GumbelTopK top = GumbelTopK.of(3);
      Tensor ours = DlPack.tensor(device, managed);
      try (Selection drawn = top.draw(ours, DrawKey.of(1, 2));
          Selection expected = top.draw(theirs, DrawKey.of(1, 2))) {
        assertEquals(theirs.address(), ours.address());
        assertArrayEquals(new long[] {ROWS, N}, ours.shape());
        assertArrayEquals(expected.indices().toInts(), drawn.indices().toInts());
        assertEquals(List.of(), deleted);
      }
      ours.close();
      assertEquals(List.of(managed), deleted);
      ours.close();
      assertEquals(List.of(managed), deleted);
      assertArrayEquals(logits(), theirs.toFloats());
    }
  }

  @ParameterizedTest
  @EnumSource
  void versionedOnesToo(Backend backend) {
    Tensor ours;
    try (Device device = open(backend);
        Tensor theirs = device.tensorOf(logits(), ROWS, N)) {
      long address = theirs.address();
      int type = deviceType(device);
      refused("version is 2", () -> DlPack.tensorVersioned(device, versioned(address, type, 2, 0)));
      refused("read-only", () -> DlPack.tensorVersioned(device, versioned(address, type, 1, 1)));
      ours = DlPack.tensorVersioned(device, versioned(address, type, 1, 2));
      assertArrayEquals(logits(), ours.toFloats());
      assertEquals(List.of(), deleted);
    }
    ours.close(); // after its device
    assertEquals(1, deleted.size());
  }

  /** Three dimensions whose rows have gaps, dimensions of one whose strides say nothing. */
  @Test
  void rowsMayHaveGaps() {
    try (Device device = Device.open(Backend.CPU);
        Tensor theirs = device.tensorOf(logits(), ROWS * N)) {
      long data = theirs.address();
      long[] shape = {2, 1, 3, 7};
      long[] strides = {30, 999, 10, 1};
      try (Tensor ours = DlPack.tensor(device, managed(data, 1, FLOAT_32, shape, strides))) {
        assertEquals(10, ours.pitch());
        float[] values = ours.toFloats();
        assertEquals(2 * 3 * 7, values.length);
        assertEquals(logits()[10 * 5 + 6], values[7 * 5 + 6]);
      }
      long[] column = {4, 1};
      long[] apart = {9, 77};
      try (Tensor ours = DlPack.tensor(device, managed(data, 1, FLOAT_32, column, apart))) {
        assertEquals(logits()[27], ours.toFloats()[3]);
      }
      long[] nothing = {0, 5};
      try (Tensor ours = DlPack.tensor(device, managed(4, 1, FLOAT_32, nothing, null))) {
        assertEquals(0, ours.size());
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "0, 8, I8",
    "0, 32, I32",
    "0, 64, I64",
    "1, 8, U8",
    "1, 16, U16",
    "2, 32, F32",
    "2, 16, F16",
    "4, 16, BF16",
    "6, 8, U8"
  })
  void everyType(int code, int bits, DType type) {
    try (Device device = Device.open(Backend.CPU);
        Tensor theirs = device.zeros(type, 3, 4)) {
      long[] shape = {3, 4};
      int[] described = {code, bits, 1};
      try (Tensor ours =
          DlPack.tensor(device, managed(theirs.address(), 1, described, shape, null))) {
        assertEquals(type, ours.type());
      }
    }
  }

  @Test
  void whatCannotBeTakenStaysTheirs() {
    try (Device device = Device.open(Backend.CPU);
        Tensor theirs = device.tensorOf(logits(), ROWS, N)) {
      long data = theirs.address();
      long[] shape = {ROWS, N};
      refused("device type is 2", () -> take(device, managed(data, 2, FLOAT_32, shape, null)));
      for (int[] type : new int[][] {{2, 64, 1}, {2, 32, 4}, {5, 64, 1}, {0, 16, 1}}) {
        refused("the DLPack type has", () -> take(device, managed(data, 1, type, shape, null)));
      }
      for (long[] strides : new long[][] {{1, ROWS}, {N, 2}, {0, 1}, {-N, 1}, {N - 1, 1}}) {
        refused("strides [", () -> take(device, managed(data, 1, FLOAT_32, shape, strides)));
      }
      long[] cube = {2, 2, 5};
      long[] uneven = {11, 5, 1};
      refused("strides [11, 5, 1]", () -> take(device, managed(data, 1, FLOAT_32, cube, uneven)));
      long[] none = {};
      refused(
          "number of dimensions is 0", () -> take(device, managed(data, 1, FLOAT_32, none, null)));
      refused(
          "allowed: multiples of 4",
          () -> take(device, managed(data + 2, 1, FLOAT_32, shape, null)));
      refused("managed is 0x0", () -> take(device, 0));
      assertEquals(List.of(), deleted);
    }
  }

  @Test
  void aGraphMayStillNeedIt() {
    try (Device device = open(Backend.SIMULATED);
        Tensor theirs = device.tensorOf(logits(), ROWS, N)) {
      long[] shape = {ROWS, N};
      Tensor ours = DlPack.tensor(device, managed(theirs.address(), 2, FLOAT_32, shape, null));
      assertThrows(
          IllegalStateException.class,
          () ->
              device.capture(
                  () -> {
                    ours.clear();
                    ours.close();
                  }));
      assertEquals(List.of(), deleted);
      ours.close();
      assertEquals(1, deleted.size());
      refused("no memory of this GPU", () -> take(device, managed(4096, 2, FLOAT_32, shape, null)));
      refused("device type is 1", () -> take(device, managed(4096, 1, FLOAT_32, shape, null)));
    }
  }

  private static void take(Device device, long managed) {
    DlPack.tensor(device, managed);
  }

  private static void refused(String part, Runnable call) {
    String message = assertThrows(IllegalArgumentException.class, call::run).getMessage();
    assertTrue(message.contains(part), message);
  }
}
