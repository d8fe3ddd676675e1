// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.examples;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.kofn.Backend;
import io.github.kofn.DType;
import io.github.kofn.Device;
import io.github.kofn.Tensor;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

/** The CUDA kernels, on the simulated device, train as the CPU does. */
class BackendsAgreeTest {
  private static final int EPOCHS = 2;

  /**
   * What the losses may differ by, as a fraction: the roundings of a sum of 64 terms, which bounds
   * the first step's products. Later steps follow gradients that differ as little; for a whole
   * trajectory no bound is derived.
   */
  private static final double LOSS_BOUND = 64 * 0x1p-24;

  private final TrainOptions options = TrainOptions.of(Dataset.DIGITS).withEpochs(EPOCHS);
  private final Examples train = options.dataset().load(null, false).train();

  /** A network on one backend, one training step at a time. */
  private final class Run implements AutoCloseable {
    private final Device device;
    private final Network network;
    private final Adam adam = new Adam();

    Run(Backend backend) {
      device = Device.open(backend);
      network = new Network(device, options, train.features(), 10);
    }

    double step(int epoch, int from) {
      int[] chosen = new int[Math.min(options.batch(), train.size() - from)];
      Arrays.setAll(chosen, i -> from + i);
      int[] labels = Arrays.copyOfRange(train.labels(), from, from + chosen.length);
      if (from == 0) {
        network.layers().forEach(layer -> layer.startEpoch(epoch, adam.steps()));
      }
      double loss = network.lossAndGradients(train.pixels(chosen), labels);
      network.update(adam, options.learningRate(), options.logitRate());
      return loss;
    }

    int[] mask(int layer) {
      Tensor indices = network.maskedLayers().get(layer).matrix.indices(); // of 16 bits
      try (Tensor wide = device.zeros(DType.I32, indices.rows(), indices.columns())) {
        wide.convertFrom(indices);
        return wide.toInts();
      }
    }

    @Override
    public void close() {
      network.close();
      device.close();
    }
  }

  @Test
  void drawTheSameMasksStepForStep() {
    assumeTrue(Device.unavailableReason(Backend.SIMULATED).isEmpty(), "no simulated device");
    try (Run cpu = new Run(Backend.CPU);
        Run simulated = new Run(Backend.SIMULATED)) {
      for (int epoch = 0; epoch < EPOCHS; epoch++) {
        for (int from = 0; from < train.size(); from += options.batch()) {
          String when = "epoch " + epoch + ", example " + from;
          double wanted = cpu.step(epoch, from);
          double loss = simulated.step(epoch, from);
          for (int layer = 0; layer < cpu.network.maskedLayers().size(); layer++) {
            assertArrayEquals(cpu.mask(layer), simulated.mask(layer), when + ", layer " + layer);
          }
          assertEquals(wanted, loss, LOSS_BOUND * wanted, when);
        }
      }
    }
  }
}
