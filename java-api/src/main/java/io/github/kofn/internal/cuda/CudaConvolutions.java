// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cuda;

import static io.github.kofn.internal.cuda.ProductParameters.address;
import static io.github.kofn.internal.cuda.ProductParameters.putCompanion;
import static io.github.kofn.internal.cuda.ProductParameters.putDerivative;
import static io.github.kofn.internal.cuda.ProductParameters.putFinish;
import static io.github.kofn.internal.cuda.ProductParameters.putPattern;
import static io.github.kofn.internal.cuda.ProductParameters.putView;

import io.github.kofn.DType;
import io.github.kofn.internal.cuda.CudaContext.Writer;
import io.github.kofn.internal.kernels.ConvolutionKernels;
import io.github.kofn.internal.kernels.ProductKernels.Companion;
import io.github.kofn.internal.kernels.ProductKernels.Finish;
import io.github.kofn.internal.kernels.ProductKernels.Pattern;
import io.github.kofn.internal.kernels.View;
import io.github.kofn.sparse.Activation;
import io.github.kofn.sparse.Convolution;
import io.github.kofn.sparse.KofNLayout;
import io.github.kofn.sparse.MaxPooling;

/**
 * Plans, then launches. Kernels that are kept or pruned whole, of a size that has an instance, take
 * the sliding windows; everything else goes tap by tap.
 *
 * <p>Error: that of {@link CudaProducts}.
 */
final class CudaConvolutions implements ConvolutionKernels {
  private static final int THREADS = 128;
  private static final int WARPS = THREADS / 32;
  private static final int STRIP_ROWS = 4;
  private static final int STAGED_TAPS = 512;
  private static final int GRADIENT_EXAMPLES = 8;

  private final CudaContext context;
  private final ProductCatalogue catalogue;
  private final CudaProducts products;
  private final Workspace workspace;

  CudaConvolutions(CudaContext context, ProductCatalogue catalogue, CudaProducts products) {
    this.context = context;
    this.catalogue = catalogue;
    this.products = products;
    this.workspace = new Workspace(context);
  }

  /** Gives the workspace back. */
  void close() {
    workspace.close();
  }

  /** Whether kernels are kept whole, and have an instance of a family. */
  private boolean slides(Convolution shape, KofNLayout layout, String macro, int... cells) {
    return layout.blockIn() == shape.kernelSize()
        && shape.kernelSize() <= STAGED_TAPS
        && catalogue.has(macro, cells);
  }

  @Override
  public synchronized void forward(
      Convolution shape, Pattern pattern, View x, View y, Finish finish) {
    boolean window =
        slides(shape, pattern.layout(), "KOFN_WINDOW", shape.stride(), shape.kernelHeight());
    int rows = window ? Math.ceilDiv(shape.outHeight(), STRIP_ROWS) : shape.outHeight();
    launchSums(
        window ? "window_" + shape.stride() + "_" + shape.kernelHeight() : "taps",
        shape.outChannels(),
        y.rows() * rows * shape.outWidth(),
        shape,
        pattern,
        x,
        y,
        null,
        p -> putFinish(p.struct(), finish));
  }

  @Override
  public synchronized void inputGradient(
      Convolution shape,
      Pattern pattern,
      Companion companion,
      View dy,
      View dx,
      Activation derivative,
      View z) {
    boolean window =
        shape.stride() == 1
            && slides(shape, pattern.layout(), "KOFN_WINDOW_BACK", shape.kernelHeight());
    int rows = window ? Math.ceilDiv(shape.height(), STRIP_ROWS) : shape.height();
    launchSums(
        window ? "window_back_" + shape.kernelHeight() : "taps_back",
        shape.inChannels(),
        dx.rows() * rows * shape.width(),
        shape,
        pattern,
        dy,
        dx,
        companion,
        p -> putDerivative(p.struct(), derivative, z));
  }

  private void launchSums(
      String name,
      int channels,
      long threads,
      Convolution shape,
      Pattern pattern,
      View source,
      View target,
      Companion companion,
      Writer finish) {
    int tiles = Math.toIntExact(Math.ceilDiv(threads, THREADS));
    context.launch(
        "kofn_convolution_" + name,
        (long) tiles * channels,
        1,
        THREADS,
        p -> {
          putShape(p.struct(), shape);
          putPattern(p.struct(), pattern);
          putView(p.struct(), source);
          putView(p, target);
          putCompanion(p, companion);
          p.putInt(tiles).putInt(0);
          finish.write(p);
        });
  }

  @Override
  public synchronized void weightGradient(
      Convolution shape, Pattern pattern, View x, View dy, View target) {
    KofNLayout layout = pattern.layout();
    Pattern gradient = new Pattern(layout, pattern.indices(), pattern.packed(), target);
    long elements = layout.packedElements();
    Gradients gradients = gradients(x, dy, elements, false);
    launchGradient(shape, gradient, gradients);
    launch(
        "weight_sums",
        elements,
        p -> {
          putPattern(p.struct(), gradient);
          gradients.put(p.struct());
        });
  }

  @Override
  public synchronized void maskGradient(
      Convolution shape, KofNLayout layout, View weights, View x, View dy, View target) {
    // The indices are not read: all weights get a gradient.
    Pattern all = new Pattern(layout, weights, false, weights);
    Gradients gradients = gradients(x, dy, (long) layout.out() * layout.in(), true);
    launchGradient(shape, all, gradients);
    launch(
        "mask_sums",
        32L * layout.blockRows() * layout.blockColumns(),
        p -> {
          putPattern(p.struct(), all);
          gradients.put(p.struct());
          putView(p.struct(), target);
        });
  }

  /** Partial sums of gradients: struct WeightGradient. */
  private record Gradients(View x, View dy, View partial, long elements, int chunks, boolean all) {
    void put(Parameters p) {
      putView(p, x);
      putView(p, dy);
      p.putLong(address(partial)).putLong(elements).putInt(chunks).putInt(all ? 1 : 0);
    }
  }

  private Gradients gradients(View x, View dy, long elements, boolean all) {
    workspace.reset();
    int chunks = Math.toIntExact(Math.ceilDiv(x.rows(), GRADIENT_EXAMPLES));
    View partial = workspace.matrix(DType.F32, chunks, elements);
    return new Gradients(x, dy, partial, elements, chunks, all);
  }

  private void launchGradient(Convolution shape, Pattern pattern, Gradients gradients) {
    boolean window =
        slides(shape, pattern.layout(), "KOFN_WINDOW", shape.stride(), shape.kernelHeight());
    String name = window ? shape.stride() + "_" + shape.kernelHeight() : "taps";
    long warps = gradients.elements / (window ? shape.kernelHeight() : 1);
    context.launch(
        "kofn_convolution_weight_gradient_" + name,
        Math.ceilDiv(warps, WARPS) * gradients.chunks,
        1,
        THREADS,
        p -> {
          putShape(p.struct(), shape);
          putPattern(p.struct(), pattern);
          gradients.put(p.struct());
        });
  }

  @Override
  public synchronized void activationGradient(
      Convolution shape, View dy, Activation activation, View z, float scale, View dz, View dBias) {
    workspace.reset();
    View features = dBias == null ? null : workspace.matrix(DType.F32, 1, shape.outFeatures());
    products.activationGradient(dy, activation, z, scale, dz, features);
    if (dBias != null) {
      launch(
          "channel_sums",
          32L * shape.outChannels(),
          p -> {
            p.struct().putLong(address(features));
            p.struct().putLong(address(dBias));
            p.struct().putInt(shape.outChannels());
            p.struct().putInt(shape.outPixels());
          });
    }
  }

  private void launch(String name, long threads, Writer writer) {
    context.launch("kofn_convolution_" + name, Math.ceilDiv(threads, THREADS), 1, THREADS, writer);
  }

  /** struct Shape. */
  private static void putShape(Parameters p, Convolution s) {
    p.putInt(s.inChannels()).putInt(s.height()).putInt(s.width());
    p.putInt(s.outChannels()).putInt(s.outHeight()).putInt(s.outWidth());
    p.putInt(s.kernelHeight()).putInt(s.kernelWidth()).putInt(s.stride()).putInt(s.padding());
  }

  @Override
  public synchronized void maxPool(MaxPooling shape, View x, View y) {
    launchPooling("max_pool", y.rows() * shape.outFeatures(), shape, x, null, y);
  }

  @Override
  public synchronized void maxPoolGradient(MaxPooling shape, View x, View dy, View dx) {
    launchPooling("max_pool_gradient", dx.rows() * shape.inFeatures(), shape, x, dy, dx);
  }

  private void launchPooling(
      String name, long threads, MaxPooling shape, View x, View dy, View target) {
    launch(
        name,
        threads,
        p -> {
          putView(p.struct(), x);
          putView(p, dy);
          putView(p, target);
          p.putInt(shape.height()).putInt(shape.width()).putInt(shape.size());
          p.putInt(shape.outHeight()).putInt(shape.outWidth()).putInt(0);
        });
  }
}
