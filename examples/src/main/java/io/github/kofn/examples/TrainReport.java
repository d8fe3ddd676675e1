// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.examples;

import com.fasterxml.jackson.jr.ob.JSON;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What came out of a training run.
 *
 * @param testAccuracy the fraction of the test split that the trained network with its
 *     deterministic masks gets right; measured once, after training
 * @param packedTestAccuracy the same of the packed sparse network
 * @param denseParameters weights and biases of the network without pruning
 * @param keptParameters weights and biases of the packed network; blocks that the matrix's edge
 *     cuts off count whole, as they are stored
 * @param bitsTotal what the packed network takes: 32 bits for each kept weight and bias, and for
 *     the positions in each block row the smaller of k numbers of ceil(log2 n) bits and a bitmap of
 *     n bits, nothing where everything is kept
 * @param epochs one entry an epoch
 */
public record TrainReport(
    double testAccuracy,
    double packedTestAccuracy,
    long denseParameters,
    long keptParameters,
    long bitsTotal,
    List<Epoch> epochs) {

  /**
   * One epoch.
   *
   * @param loss the mean training loss, under the drawn masks
   * @param testAccuracy the accuracy with the deterministic masks on the <em>validation</em> split;
   *     the test split stays unseen until the end
   * @param seconds the duration of the training steps, without evaluation
   * @param confidence of each layer with a trained mask, see {@link
   *     io.github.kofn.pruning.MaskMetrics}
   * @param diversity of each layer with a trained mask
   */
  public record Epoch(
      double loss,
      double testAccuracy,
      double seconds,
      List<Double> confidence,
      List<Double> diversity) {

    Map<String, Object> toMap() {
      Map<String, Object> map = new LinkedHashMap<>();
      map.put("loss", loss);
      map.put("testAccuracy", testAccuracy);
      map.put("seconds", seconds);
      map.put("confidence", confidence);
      map.put("diversity", diversity);
      return map;
    }

    static Epoch fromMap(Map<?, ?> map) {
      return new Epoch(
          ((Number) map.get("loss")).doubleValue(),
          ((Number) map.get("testAccuracy")).doubleValue(),
          ((Number) map.get("seconds")).doubleValue(),
          numbers(map.get("confidence")),
          numbers(map.get("diversity")));
    }

    private static List<Double> numbers(Object list) {
      return ((List<?>) list).stream().map(e -> ((Number) e).doubleValue()).toList();
    }
  }

  /**
   * How many times smaller the packed network is, counted in parameters.
   *
   * @return dense parameters over kept parameters
   */
  public double compression() {
    return (double) denseParameters / keptParameters;
  }

  /**
   * The mean of the epochs' seconds.
   *
   * @return seconds
   */
  public double secondsPerEpoch() {
    return epochs.stream().mapToDouble(Epoch::seconds).average().orElse(0);
  }

  /**
   * This report in the project's format for programs.
   *
   * @return JSON with the fields testAccuracy, packedTestAccuracy, denseParameters, keptParameters,
   *     compression, bitsTotal, epochs and secondsPerEpoch
   */
  public String toJson() {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("testAccuracy", testAccuracy);
    map.put("packedTestAccuracy", packedTestAccuracy);
    map.put("denseParameters", denseParameters);
    map.put("keptParameters", keptParameters);
    map.put("compression", compression());
    map.put("bitsTotal", bitsTotal);
    map.put("epochs", epochs.stream().map(Epoch::toMap).toList());
    map.put("secondsPerEpoch", secondsPerEpoch());
    try {
      return JSON.std.with(JSON.Feature.PRETTY_PRINT_OUTPUT).asString(map);
    } catch (IOException e) {
      throw new AssertionError("a map of numbers always becomes JSON", e);
    }
  }

  void save(Path file) throws IOException {
    Files.writeString(file, toJson() + System.lineSeparator());
  }
}
