// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.kofn.Backend;
import io.github.kofn.BackendUnavailableException;
import io.github.kofn.CudaException;
import io.github.kofn.DType;
import io.github.kofn.Device;
import io.github.kofn.DeviceOptions;
import io.github.kofn.KofnException;
import io.github.kofn.Tensor;
import io.github.kofn.sampling.DrawKey;
import io.github.kofn.sampling.GumbelTopK;
import io.github.kofn.sampling.Selection;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Failures of the driver say what was done with what, and leave nothing behind. */
class CudaErrorsTest {
  private static final GumbelTopK TOP_3 = GumbelTopK.of(3);
  private static final DrawKey KEY = DrawKey.of(1, 2);

  @BeforeEach
  void startClean() {
    SimulatedDevice.set("quiet", "1");
  }

  @AfterEach
  void failNothing() {
    SimulatedDevice.set("fail", "");
    SimulatedDevice.set("quiet", "0");
    SimulatedDevice.forgetReports();
  }

  private static void contains(Throwable thrown, String... parts) {
    for (String part : parts) {
      assertTrue(thrown.getMessage().contains(part), part + " in " + thrown.getMessage());
    }
  }

  @Test
  void aRefusedLaunchNamesOperationShapesAndKernel() {
    try (Device device = SimulatedDevice.open();
        Tensor logits = device.zeros(DType.F32, 5, 40)) {
      TOP_3.draw(logits, KEY).close();
      SimulatedDevice.set("fail", "cuLaunchKernel:0:701");
      CudaException thrown = assertThrows(CudaException.class, () -> TOP_3.draw(logits, KEY));
      SimulatedDevice.set("fail", "");
      SimulatedDevice.forgetReports();
      assertEquals(701, thrown.code());
      assertEquals("CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES", thrown.name());
      assertEquals("cuLaunchKernel", thrown.call());
      assertFalse(thrown.deviceLost());
      contains(
          thrown, "kofn_draw_group_f32", "128 threads", "in draw(F32 [5, 40], 3, ", "I32 [5, 3]");
      TOP_3.draw(logits, KEY).close();
    }
  }

  @Test
  void memoryThatIsNotThereIsNamedInBytes() {
    try (Device device = SimulatedDevice.open()) {
      CudaException thrown =
          assertThrows(CudaException.class, () -> device.zeros(DType.F32, 1L << 40));
      assertEquals("CUDA_ERROR_OUT_OF_MEMORY", thrown.name());
      contains(thrown, (1L << 42) + " bytes of device memory were wanted", "are free");
      device.zeros(DType.F32, 3).close();
    }
  }

  /** Whatever allocation fails, all that was there before is given back. */
  @Test
  void aFailureAtAnyAllocationLeaksNothing() {
    for (int call = 2; call < 8; call += 2) {
      SimulatedDevice.set("fail", "cuMemAllocFromPoolAsync:" + call + ":2");
      try (Device device = SimulatedDevice.open();
          Tensor logits = device.zeros(DType.F32, 3, 30);
          Selection drawn = TOP_3.draw(logits, KEY)) {
        assertEquals(9, drawn.indices().toInts().length);
      } catch (CudaException e) {
        assertEquals(2, e.code());
      }
    }
    SimulatedDevice.set("fail", "");
    assertTrue(
        SimulatedDevice.reports().stream().noneMatch(r -> r.startsWith("leak")),
        () -> SimulatedDevice.reports().toString());
  }

  /** The calls of opening a device, failing one after the other. */
  @Test
  void aFailureWhileOpeningLeaksNothing() {
    String[] calls = {
      "cuLibraryLoadData", "cuStreamCreate", "cuEventCreate", "cuMemPoolCreate", "cuMemHostAlloc"
    };
    for (String call : calls) {
      SimulatedDevice.set("fail", call + ":1:999");
      assertThrows(CudaException.class, SimulatedDevice::open, call);
    }
    SimulatedDevice.set("fail", "");
    assertTrue(
        SimulatedDevice.reports().stream().noneMatch(r -> r.startsWith("leak")),
        () -> SimulatedDevice.reports().toString());
  }

  @Test
  void aLeakIsFound() {
    Device device = SimulatedDevice.open();
    Driver other = SimulatedDevice.driver();
    other.query(Entry.MEMORY_ALLOCATE, 64); // in the device's context, which is current
    KofnException thrown = assertThrows(KofnException.class, device::close);
    contains(thrown, "leak", "64 bytes");
  }

  @Test
  void aFaultLosesTheDeviceAndEveryLaterCallSaysSo() {
    try (Device device = SimulatedDevice.open()) {
      Tensor kept = device.zeros(DType.F32, 5, 40);
      Selection drawn = TOP_3.draw(kept, KEY);
      // As if another library had freed its memory too early.
      Tensor dangling = device.tensorAt(kept.address(), DType.F32, 5, 40);
      kept.close();
      CudaException thrown =
          assertThrows(CudaException.class, () -> TOP_3.draw(dangling, KEY, drawn));
      assertTrue(thrown.deviceLost());
      contains(thrown, "CUDA_ERROR_ILLEGAL_ADDRESS (700)", "in draw(F32 [5, 40], 3, ");
      CudaException later = assertThrows(CudaException.class, () -> device.zeros(DType.F32, 1));
      assertEquals(700, later.code());
      contains(later, "the device was lost by this", "kofn_draw_group");
      assertThrows(CudaException.class, () -> drawn.indices().toInts());
      assertThrows(CudaException.class, device.stream()::synchronize);
    }
  }

  @Test
  void anAbsentDeviceIsNamed() {
    DeviceOptions second = DeviceOptions.defaults().withBackend(Backend.SIMULATED).withOrdinal(1);
    BackendUnavailableException thrown =
        assertThrows(BackendUnavailableException.class, () -> Device.open(second));
    contains(thrown, "device 1 is unavailable: the driver sees 1");
  }

  /** More than both blocks of pinned memory, not a multiple of them; on and off the heap. */
  @Test
  void transfersOfAnySizeArriveWhole() {
    for (int size : new int[] {1, 1 << 20, (5 << 20) + 3}) {
      float[] values = new float[size];
      for (int i = 0; i < size; i++) {
        values[i] = i * 0.5f;
      }
      try (Device device = SimulatedDevice.open();
          Device host = Device.open(Backend.REFERENCE);
          Tensor tensor = device.tensorOf(values, size);
          Tensor offHeap = host.zeros(DType.F32, size)) {
        assertArrayEquals(values, tensor.toFloats());
        tensor.copyTo(offHeap.segment());
        assertArrayEquals(values, offHeap.toFloats());
        tensor.clear();
        tensor.copyFrom(offHeap.segment());
        assertArrayEquals(values, tensor.toFloats());
      }
    }
  }

  /** A GPU without memory pools. */
  @Test
  void memoryCanComeFromTheDriverDirectly() {
    System.setProperty("kofn.cuda.pools", "off");
    try (Device device = SimulatedDevice.open()) {
      SimulatedDevice.set("fail", "cuMemAllocFromPoolAsync:0:2,cuMemFreeAsync:0:2");
      try (Tensor logits = device.zeros(DType.F32, 3, 9000);
          Selection drawn = TOP_3.draw(logits, KEY);
          Selection again = TOP_3.draw(logits, KEY)) {
        assertArrayEquals(drawn.indices().toInts(), again.indices().toInts());
      }
    } finally {
      System.clearProperty("kofn.cuda.pools");
    }
  }
}
