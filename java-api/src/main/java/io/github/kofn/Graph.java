// SPDX-License-Identifier: Apache-2.0
package io.github.kofn;

import io.github.kofn.internal.kernels.Streams.Replay;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.IntConsumer;

/**
 * Operations that were recorded once and are launched as one, such as those of a training step. On
 * a GPU this saves the host nearly all of its work; the results are those of the operations called
 * one by one, bit for bit.
 *
 * {@snippet :
 * DrawKey key = DrawKey.of(seed, layer); // step 0
 * try (Graph step = device.capture(() -> {
 *       topK.draw(logits, key, drawn);
 *       matrix.select(drawn);
 *       matrix.multiply(x, y, epilogue);
 *     })) {
 *   for (int s = 0; s < steps; s++) {
 *     x.copyFrom(batch(s));
 *     step.launch(s); // draws with key.atStep(s)
 *   }
 * }
 * }
 *
 * <p>What is recorded are the operations with the tensors that they were called with; the Java code
 * around them runs once, during {@link Device#capture}. Not safe for use by several threads at
 * once.
 */
public final class Graph implements AutoCloseable {
  private final Device device;
  private final Replay replay;
  private final Set<Tensor> tensors;
  private final List<IntConsumer> draws;
  private final AtomicBoolean closed = new AtomicBoolean();

  Graph(Device device, Replay replay, Set<Tensor> tensors, List<IntConsumer> draws) {
    this.device = device;
    this.replay = replay;
    this.tensors = tensors;
    this.draws = draws;
  }

  /**
   * The device that was recorded.
   *
   * @return the device
   */
  public Device device() {
    return device;
  }

  /**
   * How much was recorded.
   *
   * @return the number of launches, copies and fills
   * @throws IllegalStateException if the graph is closed
   */
  public long size() {
    checkOpen();
    return replay.size();
  }

  /** Runs the operations with the draws that were recorded. */
  public void launch() {
    launch(0);
  }

  /**
   * Runs the operations, each draw at a later step. Selections that were drawn during the capture
   * then hold, and name, these draws. Inside {@link Stream#run} this returns when the work is
   * queued, else when it is done.
   *
   * @param steps added to the step of every draw's key, modulo 2^32
   * @throws io.github.kofn.sampling.InvalidLogitsException if a draw met logits that cannot be
   *     drawn from
   * @throws IllegalStateException if the graph, or a tensor that it uses, is closed
   */
  public void launch(int steps) {
    checkOpen();
    tensors.forEach(Tensor::requireOpen);
    draws.forEach(draw -> draw.accept(steps));
    replay.launch(steps);
  }

  private void checkOpen() {
    if (closed.get()) {
      throw new IllegalStateException(this + " is closed");
    }
    if (device.isClosed()) {
      throw new IllegalStateException("the device of " + this + " is closed");
    }
  }

  /** Gives everything back that was recorded. Closing twice, or after the device, is fine. */
  @Override
  public void close() {
    if (closed.getAndSet(true)) {
      return;
    }
    device.forget(this);
    if (!device.isClosed()) {
      replay.close();
    }
  }

  @Override
  public String toString() {
    return "Graph of " + tensors.size() + " tensors";
  }
}
