// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import io.github.kofn.Layout;
import io.github.kofn.internal.kernels.Buffer;
import io.github.kofn.internal.kernels.ConvolutionKernels;
import io.github.kofn.internal.kernels.ProductKernels;
import io.github.kofn.internal.kernels.ProductKernels.Companion;
import io.github.kofn.internal.kernels.ProductKernels.Finish;
import io.github.kofn.internal.kernels.ProductKernels.Pattern;
import io.github.kofn.internal.kernels.View;
import io.github.kofn.sparse.Activation;
import io.github.kofn.sparse.Convolution;
import io.github.kofn.sparse.KofNLayout;
import io.github.kofn.sparse.MaxPooling;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * Convolutions with vectors along the batch, by the inner loops of products: a pixel of 64 examples
 * is a row of a panel, a kept tap one broadcast and, with 16 lanes, four FMAs with a memory
 * operand. A pixel's window is a list of rows and weights; pixels that meet the border in the same
 * way share it, so that a list is made once for a whole feature map and nothing is copied. A part
 * of the work is a feature map of the result.
 *
 * <p>The floor is that of 1x1 products, two cycles a kept tap, pixel and panel by FMAs and by
 * first-level loads; neighbouring pixels read the same rows, which stay in the first-level cache
 * while {@code k * kernelHeight * width} rows of 256 bytes fit. Error: that of {@link CpuProducts},
 * with m the taps of a sum; the weights' gradients sum over the batch and the pixels.
 */
final class CpuConvolutions implements ConvolutionKernels {
  private final ProductWidths widths;
  private final Workers workers;
  private final ProductKernels products;

  CpuConvolutions(int lanes, Workers workers, ProductKernels products) {
    this.widths = new ProductWidths(lanes);
    this.workers = workers;
    this.products = products;
  }

  @Override
  public void forward(Convolution shape, Pattern pattern, View x, View y, Finish finish) {
    ConvolutionAxis rows = rows(shape);
    ConvolutionAxis columns = columns(shape);
    sums(
        (channel, scratch) ->
            windows(shape, rows, columns, ConvolutionTerms.kept(shape, pattern, channel, scratch)),
        shape.outChannels(),
        x,
        y,
        ProductFinish.of(spread(shape, finish), shape.outFeatures()));
  }

  private static ConvolutionAxis rows(Convolution shape) {
    return ConvolutionAxis.forward(shape.height(), shape.kernelHeight(), shape.outHeight(), shape);
  }

  private static ConvolutionAxis columns(Convolution shape) {
    return ConvolutionAxis.forward(shape.width(), shape.kernelWidth(), shape.outWidth(), shape);
  }

  private static ConvolutionWindows windows(
      Convolution shape, ConvolutionAxis rows, ConvolutionAxis columns, ConvolutionTerms terms) {
    return new ConvolutionWindows(
        rows, columns, shape.kernelWidth(), shape.height() * shape.width(), shape.width(), terms);
  }

  /** Scales and biases of channels, for each of their pixels. */
  private static Finish spread(Convolution shape, Finish f) {
    return new Finish(
        f.scale(),
        spread(shape, f.outputScales()),
        spread(shape, f.bias()),
        f.activation(),
        f.preActivation(),
        f.residual());
  }

  private static View spread(Convolution shape, View channels) {
    if (channels == null) {
      return null;
    }
    float[] values = new float[shape.outChannels()];
    Elements.read(channels, 0, values, 0, values.length);
    float[] all = new float[shape.outFeatures()];
    for (int c = 0; c < values.length; c++) {
      Arrays.fill(all, c * shape.outPixels(), (c + 1) * shape.outPixels(), values[c]);
    }
    return line(channels, all);
  }

  private static View line(View like, float[] values) {
    Buffer buffer = Buffer.ofHost(MemorySegment.ofArray(values));
    return new View(buffer, 0, like.type(), 1, values.length, values.length, Layout.ROW_MAJOR);
  }

  @Override
  public void inputGradient(
      Convolution shape,
      Pattern pattern,
      Companion companion,
      View dy,
      View dx,
      Activation derivative,
      View z) {
    ConvolutionAxis rows =
        ConvolutionAxis.backward(shape.height(), shape.kernelHeight(), shape.outHeight(), shape);
    ConvolutionAxis columns =
        ConvolutionAxis.backward(shape.width(), shape.kernelWidth(), shape.outWidth(), shape);
    sums(
        (channel, scratch) ->
            new ConvolutionWindows(
                rows,
                columns,
                shape.kernelWidth(),
                shape.outPixels(),
                shape.outWidth(),
                ConvolutionTerms.keeping(shape, pattern, companion, channel, scratch)),
        shape.inChannels(),
        dy,
        dx,
        new ProductFinish.Backward(derivative, z));
  }

  /** Makes the windows of a channel of the result. */
  private interface Channel {
    ConvolutionWindows windows(int channel, Scratch scratch);
  }

  private void sums(Channel source, int channels, View x, View y, ProductFinish finish) {
    int panels = Tiles.panels(y.rows());
    if (panels == 0) {
      return;
    }
    Scratch.Pool pool = widths.pool();
    Scratch shared = pool.take();
    Panels inputs = Panels.of(x, widths, workers, shared, 0);
    int splits = Math.min(panels, Math.max(1, workers.threads() / channels));
    int perSplit = Math.ceilDiv(panels, splits);
    workers.run(
        channels * splits,
        part -> {
          Scratch mine = pool.take();
          int channel = part / splits;
          ConvolutionWindows windows = source.windows(channel, mine);
          int first = part % splits * perSplit;
          for (int p = first; p < Math.min(panels, first + perSplit); p++) {
            tile(windows, channel, inputs, y, p, finish, mine);
          }
          pool.give(mine);
        });
    pool.give(shared);
  }

  private void tile(
      ConvolutionWindows windows,
      int channel,
      Panels x,
      View y,
      int panel,
      ProductFinish finish,
      Scratch scratch) {
    ProductLanes kernel = widths.of(Tiles.width(y.rows(), panel));
    SumKernels sums = widths.sums(Tiles.width(y.rows(), panel));
    int stride = x.stride(panel);
    int from = channel * windows.pixels();
    int to = from + windows.pixels();
    boolean direct = Tiles.isTile(y, panel, stride);
    MemorySegment tile =
        direct ? y.buffer().host() : scratch.floats(0, (long) (to - from) * Layout.PANEL);
    long at = direct ? Tiles.offset(y, panel, from) : 0;
    for (int pixel = 0; pixel < windows.pixels(); pixel++) {
      int list = windows.begin(pixel);
      sums.one(
          x.segment(panel),
          x.offset(panel) + 4L * windows.base(pixel) * stride,
          stride,
          windows.input,
          list,
          list + windows.length(pixel),
          windows.weight,
          list,
          tile,
          at + 4L * pixel * stride);
    }
    finish.apply(kernel, tile, at, stride, panel, from, to, scratch);
    if (!direct) {
      Tiles.store(tile, at, stride, y, panel, from, to, scratch.stage);
    }
  }

  @Override
  public void weightGradient(Convolution shape, Pattern pattern, View x, View dy, View target) {
    KofNLayout layout = pattern.layout();
    Pattern gradient = new Pattern(layout, pattern.indices(), pattern.packed(), target);
    if (pattern.packed()) {
      // Elements of blocks that lie beyond the matrix have the gradient 0.
      MemorySegment memory = target.buffer().host();
      memory.asSlice(target.offset(), 4 * layout.packedElements()).fill((byte) 0);
    }
    dots(
        shape,
        x,
        dy,
        (o, scratch) -> ConvolutionTerms.kept(shape, gradient, o, scratch),
        (o, terms, sums, scratch) -> terms.write(o, sums));
  }

  @Override
  public void maskGradient(
      Convolution shape, KofNLayout layout, View weights, View x, View dy, View target) {
    Pattern dense = new Pattern(layout, null, false, weights);
    int n = layout.blockColumns();
    float[][] lines = new float[shape.outChannels()][n];
    dots(
        shape,
        x,
        dy,
        (o, scratch) -> ConvolutionTerms.all(shape, dense),
        (o, terms, sums, scratch) -> {
          float[] row = scratch.line(terms.count);
          Elements.read(weights, o * weights.pitch(), row, 0, terms.count);
          for (int i = 0; i < terms.count; i++) {
            lines[o][i / layout.blockIn()] += row[i] * sums[i];
          }
        });
    for (int row = 0; row < layout.blockRows(); row++) {
      int first = row * layout.blockOut();
      float[] sum = lines[first];
      int end = (int) Math.min(layout.out(), (long) first + layout.blockOut());
      for (int o = first + 1; o < end; o++) {
        for (int column = 0; column < n; column++) {
          sum[column] += lines[o][column];
        }
      }
      Elements.write(target, row * target.pitch(), sum, 0, n);
    }
  }

  /** Which weights of a feature map of y get a gradient. */
  private interface Wanted {
    ConvolutionTerms terms(int output, Scratch scratch);
  }

  /** Takes the gradients of a feature map's weights, one a term. */
  private interface Taker {
    void take(int output, ConvolutionTerms terms, float[] sums, Scratch scratch);
  }

  private void dots(Convolution shape, View x, View dy, Wanted wanted, Taker taker) {
    ConvolutionAxis rows = rows(shape);
    ConvolutionAxis columns = columns(shape);
    Scratch.Pool pool = widths.pool();
    Scratch shared = pool.take();
    Panels xs = Panels.of(x, widths, workers, shared, 0);
    Panels ds = Panels.of(dy, widths, workers, shared, 1);
    workers.run(
        shape.outChannels(),
        o -> {
          Scratch mine = pool.take();
          ConvolutionTerms terms = wanted.terms(o, mine);
          ConvolutionWindows windows = windows(shape, rows, columns, terms);
          taker.take(o, terms, dots(windows, terms.count, o, xs, ds, mine), mine);
          pool.give(mine);
        });
    pool.give(shared);
  }

  /** One sum a term, over all pixels and panels. */
  private float[] dots(
      ConvolutionWindows windows, int terms, int output, Panels xs, Panels ds, Scratch scratch) {
    int lanes = widths.lanes();
    float[] sums = scratch.sums(Math.multiplyExact(terms + lanes, lanes));
    Arrays.fill(sums, 0, terms * lanes, 0);
    for (int p = 0; p < xs.panels(); p++) {
      for (int pixel = 0; pixel < windows.pixels(); pixel++) {
        long d = ds.offset(p) + 4L * ((long) output * windows.pixels() + pixel) * ds.stride(p);
        dots(windows, pixel, xs, ds.segment(p), d, p, sums);
      }
    }
    float[] total = new float[terms];
    widths.widest().fold(sums, 0, terms, total, 0);
    return total;
  }

  /** A pixel's list in runs of neighbouring terms: the whole of it, unless it is cut off. */
  private void dots(
      ConvolutionWindows windows,
      int pixel,
      Panels xs,
      MemorySegment segment,
      long d,
      int panel,
      float[] sums) {
    int lanes = widths.lanes();
    int stride = xs.stride(panel);
    ProductLanes kernel = widths.of(xs.width(panel));
    int end = windows.begin(pixel) + windows.length(pixel);
    for (int at = windows.begin(pixel); at < end; ) {
      int run = windows.runEnd(at, end);
      kernel.dots(
          segment,
          d,
          xs.segment(panel),
          xs.offset(panel) + 4L * windows.base(pixel) * stride,
          stride,
          windows.input,
          at,
          run - at,
          sums,
          windows.term[at] * lanes,
          lanes);
      at = run;
    }
  }

  @Override
  public void activationGradient(
      Convolution shape, View dy, Activation activation, View z, float scale, View dz, View dBias) {
    float[] features = new float[dBias == null ? 0 : shape.outFeatures()];
    products.activationGradient(
        dy, activation, z, scale, dz, dBias == null ? null : line(dBias, features));
    if (dBias == null) {
      return;
    }
    float[] sums = new float[shape.outChannels()];
    for (int f = 0; f < features.length; f++) {
      sums[f / shape.outPixels()] += features[f];
    }
    Elements.write(dBias, 0, sums, 0, sums.length);
  }

  @Override
  public void maxPool(MaxPooling shape, View x, View y) {
    new ConvolutionPooling(shape, widths, workers).pool(x, y);
  }

  @Override
  public void maxPoolGradient(MaxPooling shape, View x, View dy, View dx) {
    new ConvolutionPooling(shape, widths, workers).gradient(x, dy, dx);
  }
}
