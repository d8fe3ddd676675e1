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
import io.github.kofn.internal.cuda.ProductCatalogue.Line;
import io.github.kofn.internal.kernels.ConvolutionKernels;
import io.github.kofn.internal.kernels.ProductKernels.Companion;
import io.github.kofn.internal.kernels.ProductKernels.Finish;
import io.github.kofn.internal.kernels.ProductKernels.Pattern;
import io.github.kofn.internal.kernels.View;
import io.github.kofn.sparse.Activation;
import io.github.kofn.sparse.Convolution;
import io.github.kofn.sparse.KofNLayout;
import io.github.kofn.sparse.MaxPooling;
import java.util.Comparator;
import java.util.Optional;

/**
 * Plans, then launches. Kernels that are kept or pruned whole, of a size that has an instance, take
 * the sliding windows; everything else goes tap by tap.
 *
 * <p>Error: that of {@link CudaProducts}.
 */
final class CudaConvolutions implements ConvolutionKernels {
  private static final int THREADS = 128;
  private static final int WARPS = THREADS / 32;
  private static final int STAGED_TAPS = 512;

  /**
   * A chunk of a gradient has so many examples, or more where they have fewer strips than lanes.
   */
  private static final int GRADIENT_EXAMPLES = 8;

  private static final int GRADIENT_STRIPS = 128;

  /** Instructions of a tap, and of one of its pixels. */
  private static final int TAP = 7;

  private static final int TAP_PIXEL = 5;

  private final CudaContext context;
  private final ProductCatalogue catalogue;
  private final CudaProducts products;
  private final Workspace workspace;
  private final ProductStorage storage;

  CudaConvolutions(CudaContext context, ProductCatalogue catalogue, CudaProducts products) {
    this.context = context;
    this.catalogue = catalogue;
    this.products = products;
    this.workspace = new Workspace(context);
    this.storage = new ProductStorage(context, workspace);
  }

  /** Gives the workspace back. */
  void close() {
    workspace.close();
  }

  /**
   * An instance for windows.
   *
   * @param line stride, rows and columns of a kernel (0: any), rows of a strip
   */
  private record Windows(Line line) {
    boolean takes(Convolution shape) {
      return line.number(0) == shape.stride()
          && line.number(1) == shape.kernelHeight()
          && (line.number(2) == shape.kernelWidth() || line.number(2) == 0);
    }

    int strips(int height) {
      return Math.ceilDiv(height, line.number(3));
    }

    /** Rows that are computed, those of any width at 1.4 times the instructions. */
    double cost(int height) {
      return strips(height) * line.number(3) * (line.number(2) == 0 ? 1.4 : 1);
    }

    /** Of a kernel, those that a warp takes for a gradient: one column where any number fits. */
    int taps(Convolution shape) {
      return shape.kernelHeight() * Math.max(1, line.number(2));
    }

    String name() {
      return String.join("_", line.cells());
    }
  }

  /** The instance for results of so many rows, if kernels have one, and are whole. */
  private Optional<Windows> windows(
      String macro, Convolution shape, KofNLayout layout, int height) {
    return isOfKernels(shape, layout) ? windows(macro, shape, height) : Optional.empty();
  }

  private Optional<Windows> windows(String macro, Convolution shape, int height) {
    return catalogue
        .family(macro)
        .map(Windows::new)
        .filter(w -> w.takes(shape))
        .min(Comparator.comparingDouble(w -> w.cost(height)));
  }

  private static boolean isOfKernels(Convolution shape, KofNLayout layout) {
    return layout.blockIn() == shape.kernelSize() && shape.kernelSize() <= STAGED_TAPS;
  }

  /** Thread blocks of sums: the kernel, and what it computes at a time. */
  private record Sums(String kernel, int channels, int classes, int strips, int width) {
    long threads(long examples) {
      return examples * strips * width;
    }
  }

  /** Windows, where there is an instance, else taps. */
  private Sums sums(Convolution shape, KofNLayout layout, boolean back) {
    int channels = back ? shape.inChannels() : shape.outChannels();
    int height = back ? shape.height() : shape.outHeight();
    int width = back ? shape.width() : shape.outWidth();
    String macro = back ? "KOFN_WINDOW_BACK" : "KOFN_WINDOW";
    String name = back ? "window_back_" : "window_";
    return windows(macro, shape, layout, height)
        .map(w -> new Sums(name + w.name(), channels, 1, w.strips(height), width))
        .orElseGet(() -> taps(shape, channels, height, width, back));
  }

  /** A gradient's pixels are those of a class, whose rows and columns lie a stride apart. */
  private Sums taps(Convolution shape, int channels, int height, int width, boolean back) {
    int step = back ? shape.stride() : 1;
    int rows = Math.ceilDiv(height, step);
    int strip =
        catalogue
            .family("KOFN_TAPS")
            .map(line -> line.number(0))
            .min(Comparator.comparingInt(r -> Math.ceilDiv(rows, r) * (TAP + TAP_PIXEL * r)))
            .orElseThrow();
    return new Sums(
        (back ? "taps_back_" : "taps_") + strip,
        channels,
        Math.min(step, height) * Math.min(step, width),
        Math.ceilDiv(rows, strip),
        Math.ceilDiv(width, step));
  }

  @Override
  public synchronized void forward(
      Convolution shape, Pattern pattern, View x, View y, Finish finish) {
    Sums sums = sums(shape, pattern.layout(), false);
    launchSums(sums, shape, pattern, x, y, null, p -> putFinish(p.struct(), finish));
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
    Sums sums = sums(shape, pattern.layout(), true);
    Writer finish = p -> putDerivative(p.struct(), derivative, z);
    launchSums(sums, shape, pattern, dy, dx, companion, finish);
  }

  private void launchSums(
      Sums sums,
      Convolution shape,
      Pattern pattern,
      View source,
      View target,
      Companion companion,
      Writer finish) {
    workspace.reset();
    View from = storage.rowMajor(source);
    int tiles = Math.toIntExact(Math.ceilDiv(sums.threads(target.rows()), THREADS));
    context.launch(
        "kofn_convolution_" + sums.kernel(),
        (long) tiles * sums.channels() * sums.classes(),
        1,
        THREADS,
        p -> {
          putShape(p.struct(), shape);
          putPattern(p.struct(), pattern);
          putView(p.struct(), from);
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
    Gradients gradients = gradients(shape, gradient, x, dy, layout.packedElements(), false);
    launch(
        "weight_sums",
        gradients.elements,
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
    long elements = (long) layout.out() * layout.in();
    Gradients gradients = gradients(shape, all, x, dy, elements, true);
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
  private record Gradients(
      View x, View dy, View partial, long elements, int chunks, int examples, boolean all) {
    void put(Parameters p) {
      putView(p, x);
      putView(p, dy);
      p.putLong(address(partial)).putLong(elements).putInt(chunks).putInt(examples);
      p.putInt(all ? 1 : 0).putInt(0);
    }
  }

  /**
   * Launches the partial sums.
   *
   * @param elements of the pattern's packed values, or all weights, whatever is kept of them
   */
  private Gradients gradients(
      Convolution shape, Pattern pattern, View x, View dy, long elements, boolean all) {
    int height = shape.outHeight();
    Optional<Windows> windows =
        all || isOfKernels(shape, pattern.layout())
            ? windows("KOFN_WINDOW_GRADIENT", shape, height)
            : Optional.empty();
    long strips = (long) windows.map(w -> w.strips(height)).orElse(height) * shape.outWidth();
    long enough = Math.ceilDiv(GRADIENT_STRIPS, Math.max(1, strips));
    int examples = Math.toIntExact(Math.max(GRADIENT_EXAMPLES, enough));
    int chunks = Math.toIntExact(Math.ceilDiv(x.rows(), examples));
    workspace.reset();
    Gradients gradients =
        new Gradients(
            storage.rowMajor(x),
            storage.rowMajor(dy),
            workspace.matrix(DType.F32, chunks, elements),
            elements,
            chunks,
            examples,
            all);
    long warps = elements / windows.map(w -> w.taps(shape)).orElse(1);
    context.launch(
        "kofn_convolution_weight_gradient_" + windows.map(Windows::name).orElse("taps"),
        Math.ceilDiv(warps, WARPS) * chunks,
        1,
        THREADS,
        p -> {
          putShape(p.struct(), shape);
          putPattern(p.struct(), pattern);
          gradients.put(p.struct());
        });
    return gradients;
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
