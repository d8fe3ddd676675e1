// SPDX-License-Identifier: Apache-2.0
package io.github.kofn;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.abort;

import io.github.kofn.pruning.PruningMask;
import io.github.kofn.pruning.PruningOptions;
import io.github.kofn.sampling.DrawKey;
import io.github.kofn.sampling.GumbelTopK;
import io.github.kofn.sampling.InvalidLogitsException;
import io.github.kofn.sampling.Order;
import io.github.kofn.sampling.Output;
import io.github.kofn.sampling.RelaxedTopK;
import io.github.kofn.sampling.Selection;
import io.github.kofn.sparse.Activation;
import io.github.kofn.sparse.Epilogue;
import io.github.kofn.sparse.Forward;
import io.github.kofn.sparse.KofNLayout;
import io.github.kofn.sparse.KofNMatrix;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A graph's launches give the bits of the same operations called one by one, on every backend. */
class GraphTest {
  private static final DrawKey KEY = new DrawKey(99, 3, 1000, 5);

  private static Device open(Backend backend) {
    Device.unavailableReason(backend).ifPresent(reason -> abort(backend.label() + ": " + reason));
    return Device.open(backend);
  }

  private static float[] normal(int size, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    float[] values = new float[size];
    for (int i = 0; i < size; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }

  /** Rows in a group, in a block, and streamed; key order needs further launches. */
  @ParameterizedTest
  @EnumSource
  void drawsAndTheirRelaxationAreReplayed(Backend backend) {
    try (Device device = open(backend)) {
      for (int n : new int[] {7, 300, 9000}) {
        replayDraws(device, 3, n, 4);
      }
    }
  }

  private static void replayDraws(Device device, int rows, int n, int k) {
    GumbelTopK sampler = GumbelTopK.of(k).withOrder(Order.KEY).withOutputs(Output.values());
    RelaxedTopK relaxation = RelaxedTopK.of(0.5f);
    try (Tensor logits = device.tensorOf(normal(rows * n, n), rows, n);
        Tensor soft = device.zeros(DType.F32, rows, n);
        Tensor upstream = device.tensorOf(normal(rows * n, 2L * n), rows, n);
        Tensor gradient = device.zeros(DType.F32, rows, n);
        Selection drawn = sampler.draw(logits, KEY)) {
      Runnable step =
          () -> {
            relaxation.relax(logits, drawn, soft);
            relaxation.gradient(logits, drawn, upstream, gradient);
          };
      try (Graph graph =
          device.capture(
              () -> {
                sampler.draw(logits, KEY, drawn);
                step.run();
              })) {
        assertTrue(graph.size() >= 3);
        for (int steps : new int[] {0, 1, 2, -1000, Integer.MAX_VALUE, 7}) {
          sampler.draw(logits, KEY.atStep(-1), drawn);
          graph.launch(steps);
          List<Object> replayed = read(drawn, soft, gradient);
          DrawKey now = KEY.atStep(KEY.step() + steps);
          assertEquals(now, drawn.key());
          sampler.draw(logits, now, drawn);
          step.run();
          assertSame(read(drawn, soft, gradient), replayed, "n " + n + ", steps " + steps);
        }
      }
    }
  }

  private static List<Object> read(Selection drawn, Tensor... floats) {
    List<Object> all = new ArrayList<>();
    all.add(drawn.indices().toInts());
    all.add(drawn.get(Output.KEYS).toFloats());
    all.add(drawn.get(Output.BIT_MASK).toInts());
    all.add(drawn.get(Output.FLOAT_MASK).toFloats());
    for (Tensor tensor : floats) {
      all.add(tensor.toFloats());
    }
    return all;
  }

  private static void assertSame(List<Object> expected, List<Object> actual, String where) {
    assertTrue(Arrays.deepEquals(expected.toArray(), actual.toArray()), where);
  }

  /** Draw, select, forward, backward to weights, inputs, mask and logits. */
  @ParameterizedTest
  @EnumSource
  void aTrainingStepIsReplayed(Backend backend) {
    try (Device device = open(backend);
        Step direct = new Step(device);
        Step captured = new Step(device)) {
      direct.mask.setStep(0);
      captured.run();
      captured.mask.setStep(0);
      try (Graph graph = device.capture(captured::run)) {
        for (int s = 0; s < 3; s++) {
          float[] images = normal(Step.BATCH * Step.IN, 50 + s);
          direct.x.copyFrom(images);
          captured.x.copyFrom(images);
          direct.run();
          graph.launch(s);
          assertSame(direct.results(), captured.results(), "step " + s);
        }
      }
    }
  }

  /** One layer's training step. */
  private static final class Step implements AutoCloseable {
    static final int BATCH = 6;
    static final int IN = 20;
    static final int OUT = 9;
    private static final KofNLayout LAYOUT = KofNLayout.weights(OUT, IN, 4);

    private final PruningMask mask;
    private final KofNMatrix matrix;
    private final List<Tensor> tensors = new ArrayList<>();
    private final Tensor x;
    private final Tensor y;
    private final Tensor z;
    private final Tensor bias;
    private final Tensor dy;
    private final Tensor dSum;
    private final Tensor dBias;
    private final Tensor dx;
    private final Tensor dw;
    private final Tensor dMask;
    private final Tensor dLogits;

    Step(Device device) {
      mask = PruningMask.create(device, LAYOUT, PruningOptions.of(5, 2, 10));
      matrix = KofNMatrix.inPlace(LAYOUT, keep(device.tensorOf(normal(OUT * IN, 1), OUT, IN)));
      x = keep(device.activations(DType.F32, BATCH, IN));
      y = keep(device.activations(DType.F32, BATCH, OUT));
      z = keep(device.activations(DType.F32, BATCH, OUT));
      bias = keep(device.tensorOf(normal(OUT, 2), OUT));
      dy = keep(device.activations(DType.F32, BATCH, OUT));
      dy.copyFrom(normal(BATCH * OUT, 3));
      dSum = keep(device.activations(DType.F32, BATCH, OUT));
      dBias = keep(device.zeros(DType.F32, OUT));
      dx = keep(device.activations(DType.F32, BATCH, IN));
      dw = keep(device.zeros(DType.F32, OUT, IN));
      dMask = keep(device.zeros(DType.F32, OUT, IN));
      dLogits = keep(device.zeros(DType.F32, OUT, IN));
    }

    private Tensor keep(Tensor tensor) {
      tensors.add(tensor);
      return tensor;
    }

    void run() {
      matrix.select(mask.draw());
      Epilogue epilogue = Epilogue.NONE.withBias(bias).withActivation(Activation.GELU, z);
      Forward forward = matrix.multiply(x, y, epilogue);
      epilogue.gradient(dy, dSum, dBias);
      matrix.inputGradient(forward, dSum, dx);
      dw.clear();
      matrix.weightGradient(forward, dSum, dw);
      matrix.maskGradient(forward, dSum, dMask);
      mask.gradient(dMask, dLogits);
    }

    List<Object> results() {
      List<Object> all = new ArrayList<>();
      all.add(matrix.indices().type() == DType.I32 ? matrix.indices().toInts() : new int[0]);
      for (Tensor tensor : List.of(y, z, dSum, dBias, dx, dw, dMask, dLogits)) {
        all.add(tensor.toFloats());
      }
      return all;
    }

    @Override
    public void close() {
      mask.close();
      matrix.close();
      tensors.forEach(Tensor::close);
    }
  }

  /** Memory for intermediate results is the graph's own, whatever the device does meanwhile. */
  @ParameterizedTest
  @EnumSource
  void otherWorkBetweenLaunchesChangesNothing(Backend backend) {
    GumbelTopK inOrder = GumbelTopK.of(5).withOrder(Order.KEY);
    try (Device device = open(backend);
        Stream stream = device.newStream();
        Tensor logits = device.tensorOf(normal(4 * 60, 1), 4, 60);
        Tensor more = device.tensorOf(normal(50 * 80, 2), 50, 80);
        Selection drawn = inOrder.draw(logits, KEY);
        Graph graph = device.capture(() -> inOrder.draw(logits, KEY, drawn));
        Selection large = inOrder.draw(more, KEY)) {
      for (int s = 0; s < 3; s++) {
        int steps = s;
        stream.run(() -> graph.launch(steps));
        inOrder.draw(more, KEY, large);
        int[] replayed = drawn.indices().toInts();
        inOrder.draw(logits, KEY.atStep(KEY.step() + s), drawn);
        assertArrayEquals(drawn.indices().toInts(), replayed);
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void tensorsMayBeMadeAndClosedWhileCapturing(Backend backend) {
    try (Device device = open(backend);
        Tensor logits = device.tensorOf(normal(4 * 60, 1), 4, 60);
        Tensor copy = device.zeros(DType.I32, 4, 3)) {
      Selection[] made = new Selection[1];
      try (Graph graph =
          device.capture(
              () -> {
                made[0] = GumbelTopK.of(3).draw(logits, KEY);
                try (Tensor passing = device.zeros(DType.I32, 4, 3)) {
                  passing.convertFrom(made[0].indices());
                  copy.convertFrom(passing);
                }
              })) {
        assertArrayEquals(new int[12], made[0].indices().toInts());
        graph.launch(3);
        try (Selection direct = GumbelTopK.of(3).draw(logits, KEY.atStep(KEY.step() + 3))) {
          assertArrayEquals(direct.indices().toInts(), copy.toInts());
        }
        made[0].close();
        assertSays("is closed", graph::launch);
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void badLogitsOfALaunchAreReported(Backend backend) {
    float[] values = normal(4 * 60, 1);
    try (Device device = open(backend);
        Stream stream = device.newStream();
        Tensor logits = device.tensorOf(values, 4, 60);
        Selection drawn = GumbelTopK.of(3).draw(logits, KEY);
        Graph graph = device.capture(() -> GumbelTopK.of(3).draw(logits, KEY, drawn))) {
      graph.launch(1);
      values[2 * 60 + 7] = Float.NaN;
      logits.copyFrom(values);
      InvalidLogitsException thrown =
          assertThrows(InvalidLogitsException.class, () -> graph.launch(2));
      assertEquals("logit [2, 7] is NaN; allowed: numbers and infinities", thrown.getMessage());
      assertThrows(
          InvalidLogitsException.class,
          () -> {
            stream.run(() -> graph.launch(3));
            stream.run(() -> graph.launch(4));
            stream.synchronize();
          });
      values[2 * 60 + 7] = 0;
      logits.copyFrom(values);
      graph.launch(5);
    }
  }

  @ParameterizedTest
  @EnumSource
  void whatCannotBeRecordedIsRefusedAndLeavesTheDeviceUsable(Backend backend) {
    try (Device device = open(backend);
        Tensor tensor = device.tensorOf(new float[] {1, 2}, 2);
        Graph empty = device.capture(() -> {})) {
      assertEquals(0, empty.size());
      empty.launch();
      assertSays("inside Device.capture", () -> device.capture(tensor::toFloats));
      assertSays(
          "inside Device.capture", () -> device.capture(() -> tensor.copyFrom(new float[2])));
      assertSays("inside Device.capture", () -> device.capture(device.stream()::synchronize));
      assertSays("inside Device.capture", () -> device.capture(() -> device.capture(() -> {})));
      assertSays("inside Device.capture", () -> device.capture(empty::launch));
      Graph closed = device.capture(tensor::clear);
      assertArrayEquals(new float[] {1, 2}, tensor.toFloats());
      closed.launch();
      assertArrayEquals(new float[2], tensor.toFloats());
      closed.close();
      closed.close();
      assertSays("is closed", closed::launch);
      assertSays("is closed", closed::size);
    }
  }

  private static void assertSays(String part, Runnable call) {
    String message = assertThrows(IllegalStateException.class, call::run).getMessage();
    assertTrue(message.contains(part), message);
  }
}
