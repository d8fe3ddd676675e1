// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.validation;

import io.github.kofn.DType;
import io.github.kofn.Device;
import io.github.kofn.Tensor;
import io.github.kofn.sampling.DrawKey;
import io.github.kofn.sampling.GumbelTopK;
import io.github.kofn.sampling.Selection;
import io.github.kofn.sparse.Epilogue;
import io.github.kofn.sparse.Forward;
import io.github.kofn.sparse.KofNMatrix;
import java.util.ArrayList;
import java.util.List;

/** A problem's operands on a device; closing it closes all. */
final class Operands implements AutoCloseable {
  final Device device;
  final KofNMatrix matrix;
  final Tensor x;
  private final ProductData data;
  private final List<Tensor> tensors = new ArrayList<>();

  Operands(Device device, ProductData data) {
    this.device = device;
    this.data = data;
    try {
      matrix = data.problem.packed() ? packed() : inPlace();
      matrix.allowTf32(data.problem.types().tf32());
      x = activations(data.problem.types().x(), data.x, data.layout.in());
    } catch (RuntimeException e) {
      tensors.forEach(Tensor::close);
      throw e;
    }
  }

  private KofNMatrix packed() {
    // Elements beyond the edge are ignored, so they may be anything.
    Tensor values =
        keep(
            Numbers.tensor(
                device,
                data.problem.types().w(),
                data.packedValues(data.problem.types().isInteger() ? 99 : Float.NaN),
                data.layout.blockRows(),
                data.layout.k(),
                data.layout.blockOut(),
                data.layout.blockIn()));
    Tensor indices = keep(device.tensorOf(data.indices, data.layout.blockRows(), data.layout.k()));
    return KofNMatrix.packed(data.layout, values, indices);
  }

  /** Selects the pattern as a user would: by drawing, here from logits that leave no choice. */
  private KofNMatrix inPlace() {
    int rows = data.layout.blockRows();
    int n = data.layout.blockColumns();
    int k = data.layout.k();
    Tensor weights =
        keep(
            Numbers.tensor(
                device,
                data.problem.types().w(),
                data.weights,
                data.layout.out(),
                data.layout.in()));
    float[] logits = new float[rows * n];
    for (int i = 0; i < data.indices.length; i++) {
      logits[i / k * n + data.indices[i]] = 1;
    }
    KofNMatrix made = KofNMatrix.inPlace(data.layout, weights);
    try (Tensor tensor = device.tensorOf(logits, rows, n);
        Selection selection = GumbelTopK.of(k).withNoiseScale(0).draw(tensor, DrawKey.of(0, 0))) {
      made.select(selection);
      return made;
    } catch (RuntimeException e) {
      made.close();
      throw e;
    }
  }

  /** The plain product: what the backward ones need. */
  Forward forward() {
    int out = data.layout.out();
    Tensor y = activations(DType.F32, new float[data.problem.batch() * out], out);
    return matrix.multiply(x, y, Epilogue.NONE);
  }

  /** A tensor [batch, features] in the problem's layout. */
  Tensor activations(DType type, float[] values, long features) {
    long batch = data.problem.batch();
    Tensor tensor =
        data.problem.preferredLayout()
            ? device.activations(type, batch, features)
            : device.zeros(type, batch, features);
    keep(tensor);
    Numbers.write(tensor, values);
    return tensor;
  }

  /** An F32 tensor [values.length]. */
  Tensor vector(float[] values) {
    return keep(device.tensorOf(values, values.length));
  }

  /** A row-major F32 tensor that this closes. */
  Tensor matrix(float[] values, long... shape) {
    return keep(device.tensorOf(values, shape));
  }

  private Tensor keep(Tensor tensor) {
    tensors.add(tensor);
    return tensor;
  }

  @Override
  public void close() {
    matrix.close();
    tensors.forEach(Tensor::close);
  }
}
