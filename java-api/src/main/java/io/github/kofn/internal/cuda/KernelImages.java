// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cuda;

import io.github.kofn.KofnException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * The kernels in the jar, and what they need of a driver and a GPU, as the build described them.
 *
 * @param toolkit the version of the CUDA toolkit that compiled them, as the driver counts: 1000 *
 *     major + 10 * minor
 * @param architectures compute capabilities with machine code, as 10 * major + minor
 * @param ptx the compute capability that PTX is there for, which later ones run too
 * @param hashes SHA-256 by the fatbin's name
 * @param files a fatbin by its name, or null where there is none
 */
record KernelImages(
    int toolkit,
    List<Integer> architectures,
    int ptx,
    Map<String, String> hashes,
    Function<String, byte[]> files) {
  static final String FOLDER = "/META-INF/kofn/";
  private static final String DESCRIPTION = "kernels.properties";

  /** The description in the jar, or nothing where the build had no CUDA compiler. */
  static Optional<KernelImages> find() {
    byte[] description = resource(DESCRIPTION);
    if (description == null) {
      return Optional.empty();
    }
    try {
      Properties properties = new Properties();
      properties.load(new ByteArrayInputStream(description));
      return Optional.of(of(properties, KernelImages::resource));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static byte[] resource(String name) {
    try (InputStream in = KernelImages.class.getResourceAsStream(FOLDER + name)) {
      return in == null ? null : in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static KernelImages of(Properties p, Function<String, byte[]> files) {
    String[] version = p.getProperty("toolkit").split("\\.", -1);
    return new KernelImages(
        1000 * Integer.parseInt(version[0]) + 10 * Integer.parseInt(version[1]),
        Arrays.stream(p.getProperty("architectures").split(",", -1)).map(Integer::valueOf).toList(),
        Integer.parseInt(p.getProperty("ptx")),
        p.stringPropertyNames().stream()
            .filter(name -> name.endsWith(".fatbin"))
            .collect(Collectors.toMap(name -> name, p::getProperty)),
        files);
  }

  /** A fatbin, as it was when it was built. */
  byte[] read(String name) {
    byte[] bytes = files.apply(name);
    if (bytes == null) {
      throw new KofnException("the jar lacks " + FOLDER + name + ", which its build put there");
    }
    String hash = hash(bytes);
    if (!hash.equals(hashes.get(name))) {
      throw new KofnException(
          "the kernels in the jar are damaged: %s has SHA-256 %s, and was built with %s"
              .formatted(name, hash, hashes.get(name)));
    }
    return bytes;
  }

  static String hash(byte[] bytes) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  /**
   * Why a driver cannot load the kernels, or nothing if it can.
   *
   * @param driver the version of CUDA that it supports, as it counts
   * @param missing entry points that it lacks
   */
  Optional<String> driverReason(int driver, List<String> missing) {
    int needed = toolkit / 1000 * 1000;
    if (driver >= needed && missing.isEmpty()) {
      return Optional.empty();
    }
    return Optional.of(
        "the NVIDIA driver is too old: it supports CUDA %s%s, and the kernels need CUDA %s or newer"
            .formatted(
                version(driver),
                missing.isEmpty() ? "" : " and has no " + String.join(", no ", missing),
                version(needed)));
  }

  /** Why a GPU cannot run the kernels, or nothing if it can. */
  Optional<String> deviceReason(int capability, int driver) {
    if (capability < ptx) {
      return Optional.of(
          "the GPU has compute capability %s; kofn's kernels need %s or newer"
              .formatted(capability(capability), capability(ptx)));
    }
    boolean compiled =
        architectures.stream().anyMatch(a -> a / 10 == capability / 10 && a <= capability);
    if (!compiled && driver < toolkit) {
      return Optional.of(
          "the GPU has compute capability %s, for which the kernels hold no machine code, and the driver supports CUDA %s, which cannot compile their PTX: CUDA %s or newer can"
              .formatted(capability(capability), version(driver), version(toolkit)));
    }
    return Optional.empty();
  }

  /** What the kernels were built for, for messages. */
  String contents() {
    return "machine code for %s and PTX for %s, built by CUDA %s"
        .formatted(
            architectures.stream().map(KernelImages::capability).collect(Collectors.joining(", ")),
            capability(ptx),
            version(toolkit));
  }

  private static String version(int number) {
    return number / 1000 + "." + number % 1000 / 10;
  }

  private static String capability(int number) {
    return number / 10 + "." + number % 10;
  }
}
