// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.kofn.KofnException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

/** What a driver and a GPU must be for the kernels, without either. */
class KernelImagesTest {
  private static final KernelImages IMAGES =
      new KernelImages(
          13010,
          List.of(80, 86, 90),
          80,
          Map.of(
              "x.fatbin",
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
              "damaged.fatbin",
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
          KernelImagesTest::file);

  private static byte[] file(String name) {
    return switch (name) {
      case "x.fatbin" -> new byte[] {'a', 'b', 'c'};
      case "damaged.fatbin" -> new byte[] {'a', 'b', 'd'};
      default -> null;
    };
  }

  @Test
  void readsItsDescription() {
    Properties p = new Properties();
    p.setProperty("toolkit", "13.1");
    p.setProperty("architectures", "80,86,90");
    p.setProperty("ptx", "80");
    IMAGES.hashes().forEach(p::setProperty);
    assertEquals(IMAGES, KernelImages.of(p, IMAGES.files()));
  }

  @Test
  void aDriverOfTheSameMajorVersionWillDo() {
    assertEquals(Optional.empty(), IMAGES.driverReason(13000, List.of()));
    assertEquals(Optional.empty(), IMAGES.driverReason(14000, List.of()));
    assertEquals(
        "the NVIDIA driver is too old: it supports CUDA 12.8, and the kernels need CUDA 13.0 or"
            + " newer",
        IMAGES.driverReason(12080, List.of()).orElseThrow());
    assertEquals(
        "the NVIDIA driver is too old: it supports CUDA 11.4 and has no cuA, no cuB, and the"
            + " kernels need CUDA 13.0 or newer",
        IMAGES.driverReason(11040, List.of("cuA", "cuB")).orElseThrow());
  }

  @Test
  void aGpuNeedsMachineCodeOrADriverThatCompilesThePtx() {
    assertEquals(Optional.empty(), IMAGES.deviceReason(80, 13000));
    assertEquals(Optional.empty(), IMAGES.deviceReason(89, 13000));
    assertEquals(Optional.empty(), IMAGES.deviceReason(120, 13010));
    assertTrue(IMAGES.deviceReason(120, 13000).orElseThrow().contains("CUDA 13.1 or newer can"));
    assertEquals(
        "the GPU has compute capability 7.5; kofn's kernels need 8.0 or newer",
        IMAGES.deviceReason(75, 13010).orElseThrow());
  }

  @Test
  void damagedKernelsAreNotLoaded() {
    assertArrayEquals(new byte[] {'a', 'b', 'c'}, IMAGES.read("x.fatbin"));
    KofnException damaged = assertThrows(KofnException.class, () -> IMAGES.read("damaged.fatbin"));
    assertTrue(
        damaged.getMessage().startsWith("the kernels in the jar are damaged: damaged.fatbin"));
    KofnException absent = assertThrows(KofnException.class, () -> IMAGES.read("absent.fatbin"));
    assertTrue(absent.getMessage().contains("the jar lacks /META-INF/kofn/absent.fatbin"));
  }

  @Test
  void theKernelsOfThisBuildAreWhatTheySay() {
    KernelImages built = KernelImages.find().orElse(null);
    Assumptions.assumeTrue(built != null, "built without kernels");
    built.hashes().keySet().forEach(built::read);
    assertTrue(built.contents().contains("PTX for 8.0"), built.contents());
  }
}
