// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import io.github.kofn.Layout;
import io.github.kofn.internal.kernels.ProductKernels.Finish;
import io.github.kofn.internal.kernels.View;
import io.github.kofn.sparse.Activation;
import java.lang.foreign.MemorySegment;

/** What happens to the sums of a tile before they are stored; the tile is changed in place. */
sealed interface ProductFinish {

  /** Finishes outputs [from, to) of a panel. */
  void apply(
      ProductLanes kernel,
      MemorySegment tile,
      long at,
      int stride,
      int panel,
      int from,
      int to,
      Scratch scratch);

  /** What {@link Finish} says. */
  static ProductFinish of(Finish finish, int outputs) {
    float[] factors = null;
    if (finish.outputScales() != null) {
      factors = new float[outputs];
      Elements.read(finish.outputScales(), 0, factors, 0, outputs);
      for (int o = 0; o < outputs; o++) {
        factors[o] *= finish.scale();
      }
    }
    float[] bias = null;
    if (finish.bias() != null) {
      bias = new float[outputs];
      Elements.read(finish.bias(), 0, bias, 0, outputs);
    }
    return new Forward(finish, factors, bias);
  }

  /** The epilogue of the forward product. */
  final class Forward implements ProductFinish {
    private final Finish finish;
    private final float[] factors;
    private final float[] bias;

    private Forward(Finish finish, float[] factors, float[] bias) {
      this.finish = finish;
      this.factors = factors;
      this.bias = bias;
    }

    @Override
    public void apply(
        ProductLanes kernel,
        MemorySegment tile,
        long at,
        int stride,
        int panel,
        int from,
        int to,
        Scratch scratch) {
      if (factors != null || bias != null || finish.scale() != 1) {
        for (int o = from; o < to; o++) {
          float factor = factors == null ? finish.scale() : factors[o];
          float summand = bias == null ? 0 : bias[o];
          kernel.affine(tile, at + 4L * (o - from) * stride, stride, factor, summand);
        }
      }
      View z = finish.preActivation();
      if (z != null) {
        Tiles.store(tile, at, stride, z, panel, from, to, scratch.stage);
      }
      int size = (to - from) * stride;
      kernel.activate(tile, at, size, finish.activation());
      View residual = finish.residual();
      if (residual != null) {
        Operand r = Operand.of(residual, panel, from, to, stride, scratch);
        kernel.add(tile, at, r.segment, r.at, size);
      }
    }
  }

  /** The epilogue of the input gradient. */
  record Backward(Activation activation, View z) implements ProductFinish {
    @Override
    public void apply(
        ProductLanes kernel,
        MemorySegment tile,
        long at,
        int stride,
        int panel,
        int from,
        int to,
        Scratch scratch) {
      if (activation == null || activation == Activation.IDENTITY) {
        return;
      }
      Operand o = Operand.of(z, panel, from, to, stride, scratch);
      kernel.multiplyByDerivative(tile, at, o.segment, o.at, (to - from) * stride, activation);
    }
  }

  /** A tile of another operand, in place or copied. */
  record Operand(MemorySegment segment, long at) {
    private static final int SLOT = 1;

    static Operand of(View view, int panel, int from, int to, int stride, Scratch scratch) {
      if (Tiles.isTile(view, panel, stride)) {
        return new Operand(view.buffer().host(), Tiles.offset(view, panel, from));
      }
      MemorySegment copy = scratch.floats(SLOT, (long) (to - from) * Layout.PANEL);
      Tiles.load(view, panel, from, to, copy, 0, stride, scratch.stage);
      return new Operand(copy, 0);
    }
  }
}
