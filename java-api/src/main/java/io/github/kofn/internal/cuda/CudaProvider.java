// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cuda;

import io.github.kofn.BackendUnavailableException;
import io.github.kofn.CudaException;
import io.github.kofn.DeviceOptions;
import io.github.kofn.internal.kernels.Engine;
import io.github.kofn.internal.kernels.Provider;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * The way to NVIDIA GPUs, real and simulated. The simulated device is the shared library that the
 * system property {@code kofn.simulator} names. For tests, {@code kofn.cuda.regime} (group, block
 * or stream) forces which kernels draw, {@code kofn.cuda.products} (few, chunked, lanes, tensor,
 * gathered or dense) which multiply where they can take the operands, and {@code
 * kofn.cuda.pools=off} asks the driver for each allocation.
 */
public final class CudaProvider implements Provider {
  private final boolean simulated;

  private CudaProvider(boolean simulated) {
    this.simulated = simulated;
  }

  /** The machine's own GPU. */
  public static CudaProvider ofDriver() {
    return new CudaProvider(false);
  }

  /** The simulated device. */
  public static CudaProvider ofSimulator() {
    return new CudaProvider(true);
  }

  @Override
  public Optional<String> unavailableReason() {
    Optional<KernelImages> images = KernelImages.find();
    if (images.isEmpty()) {
      return Optional.of("built without kernels: the build found no nvcc");
    }
    try {
      return reason(new Driver(library()), images.get());
    } catch (IllegalCallerException e) {
      return Optional.of(
          "this JVM denies native access; start it with --enable-native-access=io.github.kofn, or"
              + " with --enable-native-access=ALL-UNNAMED where kofn is on the class path");
    } catch (UnsatisfiedLinkError | CudaException | IllegalStateException e) {
      return Optional.of(e.getMessage());
    }
  }

  private Optional<String> reason(Driver driver, KernelImages images) {
    // The linker gives a library that is loaded already to whoever asks for its soname.
    if (driver.exports("kofnSimVersion") != simulated) {
      return Optional.of(
          simulated
              ? library() + " is not the simulated device"
              : "no NVIDIA driver: libcuda.so.1 in this process is the simulated device");
    }
    int version = (int) driver.query(Entry.DRIVER_VERSION);
    Optional<String> tooOld = images.driverReason(version, driver.missing());
    if (tooOld.isPresent()) {
      return tooOld;
    }
    driver.call(Entry.INIT, 0);
    if (driver.query(Entry.DEVICE_COUNT) == 0) {
      return Optional.of("the driver sees no device");
    }
    return images.deviceReason(CudaContext.capability(driver, 0), version);
  }

  private String library() {
    if (!simulated) {
      return "libcuda.so.1";
    }
    String path = System.getProperty("kofn.simulator", "");
    if (path.isEmpty()) {
      throw new IllegalStateException(
          "the system property kofn.simulator does not name the simulated driver's libcuda.so.1");
    }
    if (!Files.isReadable(Path.of(path))) {
      throw new IllegalStateException(
          "the system property kofn.simulator names " + path + ", which cannot be read");
    }
    return path;
  }

  @Override
  public Engine open(DeviceOptions options) {
    KernelImages images = KernelImages.find().orElseThrow();
    Driver driver = new Driver(library());
    requireDevice(driver, images, options.ordinal());
    try (InputStream sampling = resource("sampling/catalogue.inc");
        InputStream matmul = resource("matmul/catalogue.inc");
        InputStream convolution = resource("convolution/catalogue.inc")) {
      Catalogue catalogue = Catalogue.parse(sampling);
      ProductCatalogue products = ProductCatalogue.parse(matmul);
      ProductCatalogue convolutions = ProductCatalogue.parse(convolution);
      boolean pools = choice("kofn.cuda.pools", CudaMemory.Pools.class) == CudaMemory.Pools.AUTO;
      CudaContext context = new CudaContext(driver, options.ordinal(), images, pools);
      return new CudaEngine(
          context,
          catalogue,
          choice("kofn.cuda.regime", SamplingPlan.Regime.class),
          products,
          choice("kofn.cuda.products", ProductPlan.Regime.class),
          convolutions,
          simulated);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void requireDevice(Driver driver, KernelImages images, int ordinal) {
    driver.call(Entry.INIT, 0);
    int count = (int) driver.query(Entry.DEVICE_COUNT);
    if (ordinal >= count) {
      throw new BackendUnavailableException(
          "device %d is unavailable: the driver sees %d".formatted(ordinal, count));
    }
    int version = (int) driver.query(Entry.DRIVER_VERSION);
    images
        .deviceReason(CudaContext.capability(driver, ordinal), version)
        .ifPresent(
            reason -> {
              throw new BackendUnavailableException(
                  "device " + ordinal + " is unavailable: " + reason);
            });
  }

  private static InputStream resource(String name) {
    return CudaProvider.class.getResourceAsStream(KernelImages.FOLDER + name);
  }

  private static <E extends Enum<E>> E choice(String property, Class<E> choices) {
    String name = System.getProperty(property, "auto");
    try {
      return Enum.valueOf(choices, name.toUpperCase(Locale.ROOT));
    } catch (IllegalArgumentException e) {
      String allowed =
          Arrays.stream(choices.getEnumConstants())
              .map(r -> r.name().toLowerCase(Locale.ROOT))
              .collect(Collectors.joining(", "));
      throw new IllegalArgumentException(
          "system property %s is \"%s\"; allowed: %s".formatted(property, name, allowed), e);
    }
  }
}
