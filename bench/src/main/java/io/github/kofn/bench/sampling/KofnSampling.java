// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.bench.sampling;

import io.github.kofn.Backend;
import io.github.kofn.DType;
import io.github.kofn.Device;
import io.github.kofn.DeviceOptions;
import io.github.kofn.Tensor;
import io.github.kofn.bench.Threads;
import io.github.kofn.sampling.DrawKey;
import io.github.kofn.sampling.GumbelTopK;
import io.github.kofn.sampling.Output;
import io.github.kofn.sampling.RelaxedTopK;
import io.github.kofn.sampling.Selection;
import java.util.Arrays;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** kofn's CPU backend with tensors to draw from and into. */
@State(Scope.Benchmark)
public class KofnSampling {
  /** How many rows are compared with the reference. */
  private static final int CHECKED_ROWS = 8;

  /** ROWSxN:K. */
  @Param({
    "65536x25:5",
    "8192x64:8",
    "4096x256:26",
    "300x784:78",
    "1024x1024:102",
    "500x2450:49",
    "4096x4096:409",
    "16x131072:50",
    "1x1048576:1000"
  })
  public String shape;

  /** A number, or all. */
  @Param({"1", "all"})
  public String threads;

  private final RelaxedTopK relaxation = RelaxedTopK.of(1);
  private Shape sizes;
  private float[] values;
  private Device device;
  private Tensor logits;
  private Tensor upstream;
  private Tensor soft;
  private GumbelTopK indicesOnly;
  private GumbelTopK withMask;
  private Selection drawn;
  private Selection masked;
  private DrawKey key = DrawKey.of(2105_12686, 0);

  /** The vector width to force, or 0 for the widest. */
  int lanes() {
    return 0;
  }

  /** Makes the tensors. */
  @Setup
  public void open() {
    sizes = Shape.of(shape);
    values = sizes.logits();
    device =
        Device.open(
            DeviceOptions.defaults()
                .withBackend(Backend.CPU)
                .withThreads(Threads.count(threads))
                .withLanes(lanes()));
    logits = device.tensorOf(values, sizes.rows(), sizes.n());
    upstream = device.tensorOf(values, sizes.rows(), sizes.n());
    soft = device.zeros(DType.F32, sizes.rows(), sizes.n());
    indicesOnly = GumbelTopK.of(sizes.k());
    withMask = indicesOnly.withOutputs(Output.FLOAT_MASK);
    drawn = indicesOnly.draw(logits, key);
    masked = withMask.draw(logits, key);
  }

  Tensor draw() {
    indicesOnly.draw(logits, next(), drawn);
    return drawn.indices();
  }

  Tensor drawWithMask() {
    withMask.draw(logits, next(), masked);
    return masked.get(Output.FLOAT_MASK);
  }

  Tensor relax() {
    indicesOnly.draw(logits, next(), drawn);
    relaxation.relax(logits, drawn, soft);
    return soft;
  }

  Tensor gradient() {
    withMask.draw(logits, next(), masked);
    relaxation.gradient(logits, masked, upstream, soft);
    return soft;
  }

  private DrawKey next() {
    key = key.atStep(key.step() + 1);
    return key;
  }

  /** Compares a last draw with the reference, bit for bit, and frees the tensors. */
  @TearDown
  public void check() {
    draw();
    int rows = Math.min(CHECKED_ROWS, sizes.rows());
    int[] got = Arrays.copyOf(drawn.indices().toInts(), rows * sizes.k());
    try (Device reference = Device.open(Backend.REFERENCE);
        Tensor first =
            reference.tensorOf(Arrays.copyOf(values, rows * sizes.n()), rows, sizes.n());
        Selection expected = indicesOnly.draw(first, key)) {
      if (!Arrays.equals(got, expected.indices().toInts())) {
        throw new IllegalStateException("the draw at " + key + " differs from the reference's");
      }
    }
    drawWithMask();
    sizes.checkMask(masked.get(Output.FLOAT_MASK).toFloats());
    relax();
    sizes.checkSoft(soft.toFloats());
    gradient();
    checkGradient(soft.toFloats());
    drawn.close();
    masked.close();
    logits.close();
    upstream.close();
    soft.close();
    device.close();
  }

  /** The relaxed sample does not change with a constant added to all logits of a row. */
  private void checkGradient(float[] gradient) {
    for (int row = 0; row < sizes.rows(); row++) {
      double sum = 0;
      double magnitude = 0;
      for (int i = row * sizes.n(); i < (row + 1) * sizes.n(); i++) {
        sum += gradient[i];
        magnitude += Math.abs(gradient[i]);
      }
      if (!(Math.abs(sum) <= magnitude * 1e-3)) {
        throw new IllegalStateException(
            "the gradient of row " + row + " sums to " + sum + " of " + magnitude);
      }
    }
  }

  /** The same with vectors of 256 bits, as on a machine with AVX2. */
  public static class Bits256 extends KofnSampling {
    @Override
    int lanes() {
      return 8;
    }
  }
}
