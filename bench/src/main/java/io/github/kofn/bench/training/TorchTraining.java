// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.bench.training;

import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import ai.djl.training.GradientCollector;
import io.github.kofn.bench.Threads;
import io.github.kofn.bench.peers.Torch;
import java.util.ArrayList;
import java.util.List;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** libtorch through DJL: masks are multiplied into dense weights. */
@State(Scope.Benchmark)
public class TorchTraining {
  private static final int COLUMNS = 1;

  /** Everything, a mask drawn anew in each step, or a mask drawn once. */
  @Param({"dense", "dpp", "frozen"})
  public String masks;

  /** A number, or all. */
  @Param({"1", "all"})
  public String threads;

  private final List<Layer> layers = new ArrayList<>();
  private Task task;
  private Engine engine;
  private NDManager manager;
  private NDArray x;
  private NDArray labels;
  private double firstLoss;

  /** One layer. */
  private final class Layer {
    final NDArray weights;
    final NDArray logits;
    final NDArray ones;
    NDArray mask;
    final boolean masked;

    Layer(int index) {
      masked = Task.isMasked(index) && !masks.equals("dense");
      Shape shape = new Shape(Task.out(index), Task.in(index));
      weights = manager.create(task.weights[index], shape);
      weights.setRequiresGradient(true);
      logits = manager.create(task.logits[index], shape);
      int k = Task.layout(index, masked).k();
      ones = manager.ones(new Shape(Task.out(index), k), DataType.FLOAT32);
      if (masked) {
        mask = Torch.mask(shape, logits.topK(k, COLUMNS, true, false).get(1), ones, manager);
        logits.setRequiresGradient(drawn());
      }
    }

    boolean drawn() {
      return masked && masks.equals("dpp");
    }

    NDArray forward(NDArray input, NDManager scratch) {
      NDArray w = weights;
      if (drawn()) {
        NDArray keys = Torch.keys(logits, scratch);
        NDArray winners =
            keys.stopGradient()
                .topK((int) ones.getShape().get(COLUMNS), COLUMNS, true, true)
                .get(1);
        NDArray soft = Torch.relaxed(keys, winners, ones);
        NDArray hard = Torch.mask(logits.getShape(), winners, ones, scratch);
        w = w.mul(soft.add(hard.sub(soft).stopGradient()));
      } else if (masked) {
        w = w.mul(mask);
      }
      return input.matMul(w.transpose());
    }

    void update() {
      descend(weights);
      if (drawn()) {
        descend(logits);
      }
    }

    /** The next step would add to this step's gradient: it is cleared, as every optimiser does. */
    private static void descend(NDArray parameter) {
      NDArray gradient = parameter.getGradient();
      parameter.subi(gradient.mul(Task.RATE));
      gradient.subi(gradient);
    }

    void attach(NDManager scratch) {
      weights.tempAttach(scratch);
      logits.tempAttach(scratch);
      ones.tempAttach(scratch);
      if (masked) {
        mask.tempAttach(scratch);
      }
    }
  }

  /** Makes the network. */
  @Setup
  public void open() {
    task = Task.create();
    engine = Torch.engine(Threads.count(threads));
    manager = engine.newBaseManager();
    x = manager.create(task.images, new Shape(Task.BATCH, Task.in(0)));
    labels = manager.create(task.labels).oneHot(Task.CLASSES);
    for (int i = 0; i < Task.LAYERS; i++) {
      layers.add(new Layer(i));
    }
    firstLoss = Task.meanLoss(this::step);
  }

  double step() {
    try (NDManager scratch = manager.newSubManager()) {
      x.tempAttach(scratch);
      labels.tempAttach(scratch);
      layers.forEach(layer -> layer.attach(scratch));
      NDArray loss;
      try (GradientCollector collector = engine.newGradientCollector()) {
        NDArray y = x;
        for (int i = 0; i < Task.LAYERS; i++) {
          y = layers.get(i).forward(y, scratch);
          y = i == Task.LAYERS - 1 ? y : Activation.relu(y);
        }
        loss = y.logSoftmax(COLUMNS).mul(labels).sum().mul(-1f / Task.BATCH);
        collector.backward(loss);
      }
      layers.forEach(Layer::update);
      return loss.getFloat();
    }
  }

  /** Checks that the network learned, and frees it. */
  @TearDown
  public void check() {
    Task.checkLearned(firstLoss, this::step);
    manager.close();
  }
}
