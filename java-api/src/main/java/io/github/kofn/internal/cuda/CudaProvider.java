// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cuda;

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
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * The way to NVIDIA GPUs, real and simulated. The simulated device is the shared library that the
 * system property {@code kofn.simulator} names; which kernels draw can be forced by {@code
 * kofn.cuda.regime} (group, block or stream), and which multiply by {@code kofn.cuda.products}
 * (lanes or tensor), for tests.
 */
public final class CudaProvider implements Provider {
  private static final String FOLDER = "/META-INF/kofn/";

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
    if (CudaProvider.class.getResource(FOLDER + "matmul.fatbin") == null) {
      return Optional.of("built without kernels: the build found no nvcc");
    }
    try {
      Driver driver = new Driver(library());
      // The linker gives a library that is loaded already to whoever asks for its soname.
      if (driver.exports("kofnSimVersion") != simulated) {
        return Optional.of(
            simulated
                ? library() + " is not the simulated device"
                : "no NVIDIA driver: libcuda.so.1 in this process is the simulated device");
      }
      driver.call(Entry.INIT, 0);
      if (driver.query(Entry.DEVICE_COUNT) == 0) {
        return Optional.of("the driver sees no device");
      }
      return Optional.empty();
    } catch (UnsatisfiedLinkError | CudaException | IllegalStateException e) {
      return Optional.of(e.getMessage());
    }
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
    try (InputStream sampling = resource("sampling/catalogue.inc");
        InputStream matmul = resource("matmul/catalogue.inc");
        InputStream convolution = resource("convolution/catalogue.inc")) {
      Catalogue catalogue = Catalogue.parse(sampling);
      ProductCatalogue products = ProductCatalogue.parse(matmul);
      ProductCatalogue convolutions = ProductCatalogue.parse(convolution);
      CudaContext context =
          new CudaContext(
              new Driver(library()),
              options.ordinal(),
              Map.of(
                  "kofn_",
                  bytes("sampling.fatbin"),
                  "kofn_matmul_",
                  bytes("matmul.fatbin"),
                  "kofn_convolution_",
                  bytes("convolution.fatbin")));
      return new CudaEngine(
          context,
          catalogue,
          regime("kofn.cuda.regime", SamplingPlan.Regime.class),
          products,
          regime("kofn.cuda.products", ProductPlan.Regime.class),
          convolutions,
          simulated);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static InputStream resource(String name) {
    return CudaProvider.class.getResourceAsStream(FOLDER + name);
  }

  private static byte[] bytes(String name) throws IOException {
    try (InputStream in = resource(name)) {
      return in.readAllBytes();
    }
  }

  private static <E extends Enum<E>> E regime(String property, Class<E> regimes) {
    String name = System.getProperty(property, "auto");
    try {
      return Enum.valueOf(regimes, name.toUpperCase(Locale.ROOT));
    } catch (IllegalArgumentException e) {
      String allowed =
          Arrays.stream(regimes.getEnumConstants())
              .map(r -> r.name().toLowerCase(Locale.ROOT))
              .collect(Collectors.joining(", "));
      throw new IllegalArgumentException(
          "system property %s is \"%s\"; allowed: %s".formatted(property, name, allowed), e);
    }
  }
}
