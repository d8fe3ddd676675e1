// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.validation;

import io.github.kofn.DType;
import io.github.kofn.Device;
import io.github.kofn.Tensor;
import io.github.kofn.sparse.MaxPooling;
import java.util.Arrays;
import java.util.SplittableRandom;

/**
 * Max pooling and its gradient: the same bits everywhere, with many equal numbers and some NaNs.
 *
 * @param pooling the sizes
 * @param batch examples
 * @param x the type of x and y
 * @param preferred whether tensors lie as the device likes best; else row-major
 * @param seed what the numbers are made from
 */
record PoolingCase(MaxPooling pooling, int batch, DType x, boolean preferred, long seed)
    implements Case {

  @Override
  public Op op() {
    return Op.MATMUL;
  }

  @Override
  public String type() {
    return x.toString();
  }

  @Override
  public String shape() {
    return "max pooling of %dx%dx%d by %d, batch %d%s"
        .formatted(
            pooling.channels(),
            pooling.height(),
            pooling.width(),
            pooling.size(),
            batch,
            preferred ? " in the device's layout" : "");
  }

  @Override
  public long work() {
    return (long) batch * pooling.inFeatures();
  }

  @Override
  public Check prepare() {
    SplittableRandom random = new SplittableRandom(seed);
    float[] image = new float[batch * pooling.inFeatures()];
    for (int i = 0; i < image.length; i++) {
      image[i] = random.nextInt(12) == 0 ? Float.NaN : random.nextInt(-2, 3);
    }
    float[] dy = Numbers.random(random, DType.F32, batch * pooling.outFeatures());
    float[] y = new float[dy.length];
    float[] dx = new float[image.length];
    for (int i = 0; i < dy.length; i++) {
      int kept = kept(image, i);
      y[i] = image[kept];
      dx[kept] = dy[i];
    }
    return (device, agreement) -> {
      try (Tensor in = tensor(device, x, image, pooling.inFeatures());
          Tensor out = tensor(device, x, nan(y.length), pooling.outFeatures());
          Tensor upstream = tensor(device, DType.F32, dy, pooling.outFeatures());
          Tensor gradient = tensor(device, DType.F32, nan(dx.length), pooling.inFeatures())) {
        pooling.pool(in, out);
        agreement.sameBits("y", y, Numbers.read(out));
        pooling.gradient(in, upstream, gradient);
        agreement.sameBits("dX", dx, Numbers.read(gradient));
      }
    };
  }

  /** Sorts a window's elements: NaNs, then the largest, then the first. */
  private int kept(float[] image, int output) {
    int across = output % pooling.outWidth();
    int down = output / pooling.outWidth() % pooling.outHeight();
    int plane = output / pooling.outWidth() / pooling.outHeight();
    Integer[] window = new Integer[pooling.size() * pooling.size()];
    for (int i = 0; i < window.length; i++) {
      int row = down * pooling.size() + i / pooling.size();
      int column = across * pooling.size() + i % pooling.size();
      window[i] = (plane * pooling.height() + row) * pooling.width() + column;
    }
    // Stable; Float.compare has NaN as the largest.
    Arrays.sort(window, (a, b) -> Float.compare(image[b], image[a]));
    return window[0];
  }

  private static float[] nan(int size) {
    float[] values = new float[size];
    Arrays.fill(values, Float.NaN);
    return values;
  }

  private Tensor tensor(Device device, DType type, float[] values, int features) {
    Tensor tensor =
        preferred ? device.activations(type, batch, features) : device.zeros(type, batch, features);
    Numbers.write(tensor, values);
    return tensor;
  }
}
