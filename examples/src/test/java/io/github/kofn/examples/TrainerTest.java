// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.jr.ob.JSON;
import io.github.kofn.Backend;
import io.github.kofn.Device;
import io.github.kofn.InvalidFileException;
import io.github.kofn.KofnException;
import io.github.kofn.Tensor;
import io.github.kofn.pruning.Granularity;
import io.github.kofn.sparse.SparseNetwork;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class TrainerTest {
  private static final int EPOCHS = 4;

  @TempDir private Path folder;
  private final Device device = Device.open(Backend.CPU);
  private final TrainOptions digits = TrainOptions.of(Dataset.DIGITS).withEpochs(EPOCHS);

  @AfterEach
  void close() {
    device.close();
  }

  private TrainReport train(TrainOptions options, String out) {
    return Trainer.run(device, options.withOut(folder.resolve(out)), TrainListener.NONE);
  }

  @ParameterizedTest
  @EnumSource
  void trainsPacksAndReports(Pruner pruner) throws IOException {
    TrainReport report = train(digits.withPruner(pruner), "out");
    assertEquals(report.testAccuracy(), report.packedTestAccuracy());
    // Chance is 0.1; five standard deviations of chance on 398 images are 0.075.
    assertTrue(report.testAccuracy() > 0.2, report.toJson());
    assertEquals(64 * 128 + 128 + 128 * 64 + 64 + 64 * 10 + 10, report.denseParameters());
    long kept =
        pruner == Pruner.NONE
            ? report.denseParameters()
            : 13 * 128 + 128 + 26 * 64 + 64 + 64 * 10 + 10;
    assertEquals(kept, report.keptParameters());
    long positions = pruner == Pruner.NONE ? 0 : 128 * Math.min(13 * 6, 64) + 64 * 128;
    assertEquals(32 * kept + positions, report.bitsTotal());
    checkJson(report, pruner == Pruner.DPP ? 2 : 0);
    checkNetwork(report);
  }

  private void checkJson(TrainReport report, int masks) throws IOException {
    Map<String, Object> json =
        JSON.std.mapFrom(Files.readString(folder.resolve("out").resolve(Trainer.REPORT)));
    assertEquals(
        Set.of(
            "testAccuracy",
            "packedTestAccuracy",
            "denseParameters",
            "keptParameters",
            "compression",
            "bitsTotal",
            "epochs",
            "secondsPerEpoch"),
        json.keySet());
    assertEquals(report.testAccuracy(), json.get("testAccuracy"));
    List<?> epochs = (List<?>) json.get("epochs");
    assertEquals(EPOCHS, epochs.size());
    Map<?, ?> last = (Map<?, ?>) epochs.getLast();
    assertEquals(
        Set.of("loss", "testAccuracy", "seconds", "confidence", "diversity"), last.keySet());
    assertEquals(masks, ((List<?>) last.get("confidence")).size());
    assertEquals(masks, ((List<?>) last.get("diversity")).size());
  }

  /** Loads the saved network and counts right answers by hand. */
  private void checkNetwork(TrainReport report) {
    Examples test = Dataset.DIGITS.load(null, false).test();
    Path file = folder.resolve("out").resolve(Trainer.NETWORK);
    try (SparseNetwork network = SparseNetwork.load(device, file);
        Tensor x = device.tensorOf(test.pixels(), test.size(), 64);
        Tensor y = network.forward(x)) {
      int correct = SoftmaxCrossEntropy.correct(y.toFloats(), test.labels());
      assertEquals(report.packedTestAccuracy(), (double) correct / test.size());
    }
  }

  /** Kernels, weights, and input channels of LeNet-5, whose masks are those of three layers. */
  @ParameterizedTest
  @CsvSource({"DPP, 1, 25", "RANDOM, 1, 1", "RANDOM, 0, 1"})
  void trainsConvolutions(Pruner pruner, int blockOut, int blockIn) throws IOException {
    TrainOptions options =
        digits
            .withModel(Model.LENET_5)
            .withPruner(pruner)
            .withGranularity(new Granularity(blockOut, blockIn))
            .withKeep(0.25)
            .withEpochs(3);

    TrainReport report = train(options, "out");

    assertEquals(report.testAccuracy(), report.packedTestAccuracy());
    assertTrue(report.testAccuracy() > 0.2, report.toJson());
    int head = 500 * 10 + 10;
    assertEquals(20 * 25 + 20 + 50 * 500 + 50 + 500 * 200 + 500 + head, report.denseParameters());
    int first = 20 * (blockOut == 1 && blockIn == 1 ? 6 : 25) + 20;
    assertEquals(first + 50 * 5 * 25 + 50 + 500 * 50 + 500 + head, report.keptParameters());
    checkNetwork(report);
  }

  @Test
  void theSameSeedGivesTheSameRun() throws IOException {
    TrainReport first = train(digits, "a");
    TrainReport second = train(digits, "b");
    assertEquals(losses(first), losses(second));
    assertEquals(-1, Files.mismatch(network("a"), network("b")));
    TrainReport third = train(digits.withSeed(2), "c");
    assertNotEquals(losses(first), losses(third));
  }

  private static List<Double> losses(TrainReport report) {
    return report.epochs().stream().map(TrainReport.Epoch::loss).toList();
  }

  private Path network(String out) {
    return folder.resolve(out).resolve(Trainer.NETWORK);
  }

  @Test
  void aResumedRunIsTheSameRun() throws IOException {
    Path halfway = folder.resolve("halfway.safetensors");
    TrainOptions options = digits.withOut(folder.resolve("a")).withEntropyWeight(1e-4f);
    TrainReport whole =
        Trainer.run(
            device,
            options,
            new TrainListener() {
              @Override
              public void epoch(int epoch, TrainReport.Epoch result, Path checkpoint) {
                if (epoch == 1) {
                  copy(checkpoint, halfway);
                }
              }
            });
    TrainReport resumed = train(options.withResume(halfway), "b");
    assertEquals(losses(whole), losses(resumed));
    assertEquals(-1, Files.mismatch(network("a"), network("b")));
    KofnException e =
        assertThrows(
            KofnException.class, () -> train(options.withSeed(7).withResume(halfway), "c"));
    assertTrue(e.getMessage().contains("seed 7"), e.getMessage());
    Files.write(halfway, new byte[100]);
    assertThrows(InvalidFileException.class, () -> train(options.withResume(halfway), "c"));
  }

  private static void copy(Path from, Path to) {
    try {
      Files.copy(from, to, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void blocksAndBatchesThatDoNotDivideWork() {
    TrainReport report =
        train(digits.withGranularity(Granularity.block(3, 5)).withBatch(77).withEpochs(1), "out");
    assertEquals(report.testAccuracy(), report.packedTestAccuracy());
  }

  @Test
  void tellsProgress() {
    int[] counts = new int[2];
    TrainListener listener =
        new TrainListener() {
          @Override
          public void step(int epoch, int step, int steps) {
            counts[0]++;
            assertEquals(19, steps); // 1200 images in batches of 64
          }

          @Override
          public void epoch(int epoch, TrainReport.Epoch result, Path checkpoint) {
            assertEquals(counts[1]++, epoch);
            assertTrue(Files.isRegularFile(checkpoint));
          }
        };
    Trainer.run(device, digits.withEpochs(2).withOut(folder), listener);
    assertEquals(2 * 19, counts[0]);
    assertEquals(2, counts[1]);
  }

  @Test
  void refusesOptionsOutOfRange() {
    assertThrows(IllegalArgumentException.class, () -> digits.withKeep(0));
    assertThrows(IllegalArgumentException.class, () -> digits.withKeep(Double.NaN));
    assertThrows(IllegalArgumentException.class, () -> digits.withEpochs(0));
    assertThrows(IllegalArgumentException.class, () -> digits.withBatch(0));
    assertThrows(IllegalArgumentException.class, () -> digits.withLearningRate(0));
    assertThrows(IllegalArgumentException.class, () -> digits.withLogitRate(Float.NaN));
    assertThrows(IllegalArgumentException.class, () -> Model.of("vgg"));
    assertThrows(IllegalArgumentException.class, () -> Pruner.of("magic"));
    assertThrows(IllegalArgumentException.class, () -> Dataset.of("imagenet"));
  }
}
