// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.bench.training;

import io.github.kofn.Backend;
import io.github.kofn.DType;
import io.github.kofn.Device;
import io.github.kofn.DeviceOptions;
import io.github.kofn.Tensor;
import io.github.kofn.bench.Threads;
import io.github.kofn.pruning.PruningMask;
import io.github.kofn.pruning.PruningOptions;
import io.github.kofn.sparse.Activation;
import io.github.kofn.sparse.Epilogue;
import io.github.kofn.sparse.Forward;
import io.github.kofn.sparse.KofNMatrix;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** kofn's CPU backend. */
@State(Scope.Benchmark)
public class KofnTraining {
  /** Everything, a mask drawn anew in each step, or a mask drawn once. */
  @Param({"dense", "dpp", "frozen"})
  public String masks;

  /** A number, or all. */
  @Param({"1", "all"})
  public String threads;

  private final List<Layer> layers = new ArrayList<>();
  private Task task;
  private Device device;
  private Tensor x;
  private double firstLoss;

  /** One layer and what it reads and writes. */
  private final class Layer {
    final Tensor weights;
    final Tensor gradient;
    final KofNMatrix matrix;
    final Tensor y;
    final Tensor z;
    final Tensor dy;
    final Epilogue epilogue;
    final PruningMask mask;
    final boolean drawn;
    Tensor dLogits;
    Forward forward;

    Layer(int index) {
      boolean masked = Task.isMasked(index) && !masks.equals("dense");
      int out = Task.out(index);
      int in = Task.in(index);
      var layout = Task.layout(index, masked);
      weights = device.tensorOf(task.weights[index], out, in);
      gradient = device.zeros(DType.F32, out, in);
      matrix = KofNMatrix.inPlace(layout, weights);
      y = device.activations(DType.F32, Task.BATCH, out);
      z = device.activations(DType.F32, Task.BATCH, out);
      dy = device.activations(DType.F32, Task.BATCH, out);
      epilogue =
          index == Task.LAYERS - 1
              ? Epilogue.NONE
              : Epilogue.NONE.withActivation(Activation.RELU, z);
      drawn = masked && masks.equals("dpp");
      mask =
          masked
              ? PruningMask.over(
                  device.tensorOf(task.logits[index], out, in),
                  layout,
                  PruningOptions.of(1, index, 1))
              : null;
      if (masked) {
        matrix.select(mask.evaluationSelection());
        dLogits = device.zeros(DType.F32, out, in);
      }
    }

    void forward(Tensor input) {
      if (drawn) {
        matrix.select(mask.draw());
      }
      forward = matrix.multiply(input, y, epilogue);
    }

    void backward(Tensor dx) {
      epilogue.gradient(dy, dy, null);
      if (dx != null) {
        matrix.inputGradient(forward, dy, dx);
      }
      if (drawn) {
        gradient.clear();
      }
      matrix.weightGradient(forward, dy, gradient);
      if (drawn) {
        matrix.maskGradient(forward, dy, dLogits);
        mask.gradient(dLogits, dLogits);
        update(mask.logits().segment(), dLogits.segment());
      }
      update(weights.segment(), gradient.segment());
    }

    void close() {
      matrix.close();
      if (mask != null) {
        mask.close();
        mask.logits().close();
        dLogits.close();
      }
      List.of(weights, gradient, y, z, dy).forEach(Tensor::close);
    }
  }

  /** Makes the network. */
  @Setup
  public void open() {
    task = Task.create();
    device =
        Device.open(
            DeviceOptions.defaults().withBackend(Backend.CPU).withThreads(Threads.count(threads)));
    x = device.activations(DType.F32, Task.BATCH, Task.in(0));
    for (int i = 0; i < Task.LAYERS; i++) {
      layers.add(new Layer(i));
    }
    firstLoss = Task.meanLoss(this::step);
  }

  double step() {
    x.copyFrom(task.images);
    Tensor input = x;
    for (Layer layer : layers) {
      layer.forward(input);
      input = layer.y;
    }
    float[] scores = input.toFloats();
    double loss = task.loss(scores);
    layers.getLast().dy.copyFrom(scores);
    for (int i = Task.LAYERS - 1; i >= 0; i--) {
      layers.get(i).backward(i == 0 ? null : layers.get(i - 1).dy);
    }
    return loss;
  }

  /** Stochastic gradient descent. */
  private static void update(MemorySegment values, MemorySegment gradient) {
    int size = Math.toIntExact(values.byteSize() / Float.BYTES);
    for (int i = 0; i < size; i++) {
      float value = values.getAtIndex(ValueLayout.JAVA_FLOAT, i);
      float slope = gradient.getAtIndex(ValueLayout.JAVA_FLOAT, i);
      values.setAtIndex(ValueLayout.JAVA_FLOAT, i, value - Task.RATE * slope);
    }
  }

  /** Checks that the network learned, and frees it. */
  @TearDown
  public void check() {
    Task.checkLearned(firstLoss, this::step);
    layers.forEach(Layer::close);
    x.close();
    device.close();
  }
}
