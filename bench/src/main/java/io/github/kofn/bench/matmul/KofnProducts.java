// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.bench.matmul;

import io.github.kofn.DType;
import io.github.kofn.Device;
import io.github.kofn.DeviceOptions;
import io.github.kofn.Tensor;
import io.github.kofn.sampling.DrawKey;
import io.github.kofn.sampling.GumbelTopK;
import io.github.kofn.sampling.Selection;
import io.github.kofn.sparse.Epilogue;
import io.github.kofn.sparse.Forward;
import io.github.kofn.sparse.KofNLayout;
import io.github.kofn.sparse.KofNMatrix;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** kofn: activations as layers hand them on; weights packed or in place. */
@State(Scope.Benchmark)
public abstract class KofnProducts {
  /** OUTxIN of a block. */
  @Param({"1x1", "4x1", "16x16", "32x32", "64x64", "1x9"})
  public String block;

  /** The percentage of blocks that is pruned. */
  @Param({"50", "75", "90", "95", "98"})
  public int sparsity;

  /** Inputs and outputs. */
  @Param({"1024", "4096"})
  public int n;

  /** Examples. */
  @Param({"1", "16", "256", "1024"})
  public int batch;

  private Problem problem;
  private Device device;
  private Tensor weights;
  private Tensor values;
  private Tensor x;
  private Tensor y;
  private Tensor dy;
  private Tensor dx;
  private Tensor dw;
  private Tensor dMask;
  private KofNMatrix inPlace;
  private KofNMatrix packed;
  private Forward forward;

  /** For the states below. */
  protected KofnProducts() {}

  /** What computes. */
  abstract DeviceOptions options();

  /** Makes the tensors. */
  @Setup
  public void open() {
    problem = Problem.of(n, batch, block, sparsity);
    device = Device.open(options());
    KofNLayout layout = new KofNLayout(n, n, problem.blockOut(), problem.blockIn(), problem.k());
    weights = device.tensorOf(problem.weights(), n, n);
    inPlace = KofNMatrix.inPlace(layout, weights);
    try (Tensor indices = device.tensorOf(problem.indices(), layout.blockRows(), layout.k())) {
      select(layout, indices);
    }
    x = activations(problem.x());
    dy = activations(problem.dy());
    y = device.activations(DType.F32, batch, n);
    dx = device.activations(DType.F32, batch, n);
    dw = device.zeros(DType.F32, n, n);
    dMask = device.zeros(DType.F32, layout.blockRows(), layout.blockColumns());
    forward = inPlace.multiply(x, y, Epilogue.NONE);
    inPlace.inputGradient(forward, dy, dx);
  }

  /** Draws exactly the problem's pattern: its blocks have the greatest logits. */
  private void select(KofNLayout layout, Tensor indices) {
    float[] logits = new float[layout.blockRows() * layout.blockColumns()];
    int[] columns = indices.toInts();
    for (int i = 0; i < columns.length; i++) {
      logits[i / layout.k() * layout.blockColumns() + columns[i]] = 1;
    }
    try (Tensor phi = device.tensorOf(logits, layout.blockRows(), layout.blockColumns());
        Selection drawn = GumbelTopK.of(layout.k()).withNoiseScale(0).draw(phi, DrawKey.of(0, 0))) {
      inPlace.select(drawn);
    }
    try (KofNMatrix once = inPlace.pack()) {
      values = device.zeros(DType.F32, once.values().shape());
      values.convertFrom(once.values());
    }
    packed = KofNMatrix.packed(layout, values, indices);
  }

  private Tensor activations(float[] rows) {
    Tensor tensor = device.activations(DType.F32, batch, n);
    tensor.copyFrom(rows);
    return tensor;
  }

  /** Queues work in the device's stream, and waits for it. */
  void queue(Runnable work) {
    device.stream().run(work);
    device.stream().synchronize();
  }

  Tensor forward() {
    packed.multiply(x, y, Epilogue.NONE);
    return y;
  }

  Tensor forwardInPlace() {
    inPlace.multiply(x, y, Epilogue.NONE);
    return y;
  }

  Tensor inputGradient() {
    inPlace.inputGradient(forward, dy, dx);
    return dx;
  }

  Tensor weightGradient() {
    inPlace.weightGradient(forward, dy, dw);
    return dw;
  }

  Tensor maskGradient() {
    inPlace.maskGradient(forward, dy, dMask);
    return dMask;
  }

  /** Doubles the weights behind the check's back. */
  void spoil() {
    float[] doubled = weights.toFloats();
    for (int i = 0; i < doubled.length; i++) {
      doubled[i] *= 2;
    }
    weights.copyFrom(doubled);
  }

  /** Compares elements with sums in double, and frees the tensors. */
  @TearDown
  public void check() {
    problem.checkForward(forward().toFloats());
    problem.checkForward(forwardInPlace().toFloats());
    problem.checkInputGradient(inputGradient().toFloats());
    problem.checkWeightGradient(weightGradient().toFloats());
    problem.checkMaskGradient(maskGradient().toFloats());
    packed.close();
    inPlace.close();
    for (Tensor tensor : new Tensor[] {weights, values, x, y, dy, dx, dw, dMask}) {
      tensor.close();
    }
    device.close();
  }
}
