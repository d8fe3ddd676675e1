// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.jr.ob.JSON;
import io.github.kofn.examples.Trainer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TrainCommandTest {
  @TempDir private Path folder;

  @Test
  void trainsDigitsAndWritesWhatItPromises() throws IOException {
    Path file = folder.resolve("result.json");

    Ran ran = train("--epochs", "2", "--backend", "cpu", "--json", file.toString());

    assertEquals(Main.SUCCESS, ran.status(), ran.err());
    assertTrue(ran.out().contains("epoch 2/2  loss "), ran.out());
    assertTrue(ran.out().contains("written to " + folder.toAbsolutePath()), ran.out());
    Map<String, Object> json = JSON.std.mapFrom(Files.readString(file));
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
    assertEquals(json.get("testAccuracy"), json.get("packedTestAccuracy"));
    assertEquals(2, ((List<?>) json.get("epochs")).size());
    for (String name : List.of(Trainer.CHECKPOINT, Trainer.NETWORK, Trainer.REPORT)) {
      assertTrue(Files.isRegularFile(folder.resolve(name)), name);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--dataset cifar10     | allowed: digits, mnist, fashion-mnist",
        "--model vgg           | allowed: mlp, lenet-300-100, lenet-5",
        "--pruner magnitude    | allowed: dpp, random, none",
        "--granularity kernel  | granularity is \"kernel\", and model mlp has no convolutions",
        "--granularity row     | allowed: weight, kernel, filter, block:RxC",
        "--granularity block:0x4 | outputs is 0; allowed: at least 1",
        "--bits 8              | --bits is 8; allowed: 32",
        "--keep 1.5            | keep is 1.5; allowed: above 0 and at most 1",
        "--keep lots           | 'lots' is not a double",
        "--epochs 0            | epochs is 0; allowed: at least 1",
        "--batch 0             | batch is 0; allowed: at least 1",
        "--backend gpu         | allowed: cuda, simulated, cpu, reference"
      })
  void whatCannotBeTrainedIsRefused(String args, String message) {
    Ran ran = train(args.strip().split(" "));

    assertEquals(Main.USAGE, ran.status(), ran.err());
    assertTrue(ran.err().contains(message), ran.err());
    assertEquals("", ran.out());
  }

  @Test
  void aDataSetThatIsAbsentIsAFailureThatSaysHowToGetIt() {
    Ran ran = train("--dataset", "mnist", "--data", folder.toString());

    assertEquals(Main.FAILURE, ran.status());
    assertTrue(ran.err().startsWith("kofn: "), ran.err());
    assertTrue(ran.err().contains("--fetch"), ran.err());
  }

  private Ran train(String... args) {
    List<String> all = new ArrayList<>(List.of("train", "--out", folder.toString()));
    all.addAll(List.of(args));
    return Ran.of(all.toArray(String[]::new));
  }
}
