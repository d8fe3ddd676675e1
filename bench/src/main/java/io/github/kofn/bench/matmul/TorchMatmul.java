// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.bench.matmul;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.github.kofn.bench.peers.Torch;
import java.util.function.Supplier;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;

/** Dense products of libtorch, through DJL. */
@State(Scope.Benchmark)
public class TorchMatmul extends DenseMatmul {
  private NDManager manager;
  private NDArray w;
  private NDArray x;
  private NDArray dy;
  private Supplier<NDArray> last;

  @Override
  void open(Problem operands, int threadCount) {
    manager = Torch.engine(threadCount).newBaseManager();
    w = manager.create(operands.weights(), new Shape(n, n));
    x = manager.create(operands.x(), new Shape(batch, n));
    dy = manager.create(operands.dy(), new Shape(batch, n));
  }

  @Override
  void forward() {
    run(() -> x.matMul(w.transpose()));
  }

  @Override
  void inputGradient() {
    run(() -> dy.matMul(w));
  }

  @Override
  void weightGradient() {
    run(() -> dy.transpose().matMul(x));
  }

  private void run(Supplier<NDArray> product) {
    last = product;
    try (NDManager scratch = manager.newSubManager()) {
      w.tempAttach(scratch);
      x.tempAttach(scratch);
      dy.tempAttach(scratch);
      product.get().attach(scratch);
    }
  }

  @Override
  float[] result() {
    try (NDArray product = last.get()) {
      return product.toFloatArray();
    }
  }

  @Override
  void close() {
    manager.close();
  }
}
