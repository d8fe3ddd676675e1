// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.sparse;

import io.github.kofn.DType;
import io.github.kofn.Device;
import io.github.kofn.InvalidFileException;
import io.github.kofn.KofnException;
import io.github.kofn.Tensor;
import io.github.kofn.internal.Check;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;

/**
 * A pruned network for inference: fully connected layers and convolutions of packed k-of-n
 * matrices, applied one after the other.
 *
 * {@snippet :
 * try (SparseNetwork network = SparseNetwork.load(device, Path.of("network.safetensors"));
 *     Tensor x = device.tensorOf(images, batch, 784);
 *     Tensor y = network.forward(x)) {
 *   float[] scores = y.toFloats(); // [batch, 10], row-major
 * }
 * }
 *
 * <p><b>Files</b> are safetensors: a layer {@code NAME} has {@code NAME.values} [blockRows, k,
 * blockOut, blockIn], {@code NAME.indices} U16 or I32 [blockRows, k], ascending in each row, and,
 * if it has a bias, {@code NAME.bias} F32 [out]. The metadata hold {@code kofn.format} =
 * "sparse-network", {@code kofn.version} = "1", {@code kofn.layers} (a JSON array with each layer's
 * name, out, in, blockOut, blockIn, k, activation and whether it has a bias, in order) and {@code
 * kofn.sha256}, a checksum of the whole file. A network with convolutions has version "2"; such a
 * layer has two more fields: convolution, an object with the components of {@link Convolution}, and
 * pooling, the size of its windows.
 *
 * <p>Not safe for use by several threads at once: {@link #forward} keeps its buffers between calls.
 */
public final class SparseNetwork implements AutoCloseable {

  /**
   * One layer: {@code activation(x W^T + bias)}, or {@code maxPool(activation(x * W + bias))}.
   *
   * @param name names the layer's tensors in a file; not empty, unique in a network
   * @param weights packed, with floating-point values
   * @param bias F32 [out], of a convolution [outChannels], or null
   * @param activation applied to the sums
   * @param convolution the sizes of a convolution with these weights, or null for a fully connected
   *     layer
   * @param pooling rows and columns of the windows of which a convolution's largest elements are
   *     kept, see {@link MaxPooling}; 1 for none
   */
  public record Layer(
      String name,
      KofNMatrix weights,
      Tensor bias,
      Activation activation,
      Convolution convolution,
      int pooling) {

    /**
     * Checks the layer.
     *
     * @throws IllegalArgumentException if something is absent, the bias has another length, the
     *     weights do not fit the convolution, or the windows are larger than its images
     */
    public Layer {
      Check.that(name != null && !name.isEmpty(), "name is %s; allowed: a text", name);
      Check.notNull("weights", weights);
      Check.that(weights.isPacked(), "weights of %s are in place; allowed: packed", name);
      Check.that(
          weights.values().type().isFloating(),
          "weights of %s are %s; allowed: F32, BF16 or F16",
          name,
          weights.values().type());
      if (bias != null) {
        Shapes.vector("bias of " + name, bias, weights.layout().out());
      }
      Check.notNull("activation", activation);
      if (convolution == null) {
        Check.range("pooling of " + name + ", which is no convolution,", pooling, 1, 1);
      } else {
        KofNConvolution.of(convolution, weights);
        int smaller = Math.min(convolution.outHeight(), convolution.outWidth());
        Check.range("pooling of " + name, pooling, 1, smaller);
      }
    }

    /**
     * A fully connected layer.
     *
     * @param name names the layer's tensors in a file; not empty, unique in a network
     * @param weights packed, with floating-point values
     * @param bias F32 [out], or null
     * @param activation applied to the sums
     */
    public Layer(String name, KofNMatrix weights, Tensor bias, Activation activation) {
      this(name, weights, bias, activation, null, 1);
    }

    /**
     * The number of inputs.
     *
     * @return the matrix's, or the convolution's features of x
     */
    public int in() {
      return convolution == null ? weights.layout().in() : convolution.inFeatures();
    }

    /**
     * The number of outputs.
     *
     * @return the matrix's, or the convolution's features of y after pooling
     */
    public int out() {
      return convolution == null ? weights.layout().out() : windows().outFeatures();
    }

    /** The pooling of a convolution. */
    MaxPooling windows() {
      return new MaxPooling(
          convolution.outChannels(), convolution.outHeight(), convolution.outWidth(), pooling);
    }

    /** Applies the layer; sums receives what is pooled. */
    void forward(Tensor x, Tensor sums, Tensor y) {
      Epilogue epilogue = Epilogue.NONE.withBias(bias).withActivation(activation);
      if (convolution == null) {
        weights.multiply(x, y, epilogue);
        return;
      }
      KofNConvolution.of(convolution, weights).convolve(x, sums == null ? y : sums, epilogue);
      if (sums != null) {
        windows().pool(sums, y);
      }
    }

    void close() {
      weights.close();
      weights.values().close();
      if (bias != null) {
        bias.close();
      }
    }
  }

  private final List<Layer> layers;
  private final List<Tensor> hidden = new ArrayList<>();
  private final List<Tensor> pooled = new ArrayList<>(); // what is pooled; null where nothing is
  private long prepared = -1;
  private boolean closed;

  private SparseNetwork(List<Layer> layers) {
    this.layers = layers;
  }

  /**
   * A network of given layers, which it takes over: closing the network closes their matrices,
   * those matrices' values, and the biases.
   *
   * @param layers at least one; each takes as many inputs as the one before has outputs
   * @return the network, which the caller closes
   * @throws IllegalArgumentException if the layers do not fit together; they stay the caller's then
   */
  public static SparseNetwork of(List<Layer> layers) {
    List<Layer> copy = List.copyOf(Check.notNull("layers", layers));
    Check.atLeast("number of layers", copy.size(), 1);
    Set<String> names = new HashSet<>();
    for (int i = 0; i < copy.size(); i++) {
      Layer layer = copy.get(i);
      Check.that(names.add(layer.name()), "two layers are named %s; allowed: one", layer.name());
      if (i > 0) {
        Layer before = copy.get(i - 1);
        Check.that(
            layer.in() == before.out(),
            "layer %s takes %d inputs; allowed: %d, the outputs of layer %s",
            layer.name(),
            layer.in(),
            before.out(),
            before.name());
      }
    }
    return new SparseNetwork(copy);
  }

  /**
   * Reads a network.
   *
   * @param device where it goes
   * @param file a file that {@link #save} wrote
   * @return the network, which the caller closes
   * @throws InvalidFileException if the file was cut off or altered, has an unknown version, or is
   *     something else; nothing stays loaded then
   * @throws KofnException if the file cannot be read
   */
  public static SparseNetwork load(Device device, Path file) {
    Check.notNull("device", device);
    Check.notNull("file", file);
    return NetworkFile.load(device, file);
  }

  /**
   * Writes this network. Until the file is complete, a file already there stays as it is.
   *
   * @param file where to
   * @throws KofnException if the file cannot be written
   */
  public void save(Path file) {
    NetworkFile.save(Check.notNull("file", file), layers);
  }

  /**
   * The layers.
   *
   * @return an unmodifiable list; matrices and biases belong to this network
   */
  public List<Layer> layers() {
    return layers;
  }

  /**
   * The number of inputs.
   *
   * @return the first layer's
   */
  public int in() {
    return layers.getFirst().in();
  }

  /**
   * The number of outputs.
   *
   * @return the last layer's
   */
  public int out() {
    return layers.getLast().out();
  }

  /**
   * Applies the network.
   *
   * @param x [batch, in], F32, BF16 or F16, in either layout
   * @return F32 [batch, out] in the device's preferred layout for activations, which the caller
   *     closes
   * @throws IllegalStateException if this network is closed
   */
  public Tensor forward(Tensor x) {
    Check.notNull("x", x);
    Shapes.activations("x", x, x.rows(), in());
    if (closed) {
      throw new IllegalStateException("this network is closed");
    }
    prepare(x.rows());
    Tensor y = device().activations(DType.F32, x.rows(), out());
    try {
      Tensor input = x;
      for (int i = 0; i < layers.size(); i++) {
        Layer layer = layers.get(i);
        Tensor output = i < hidden.size() ? hidden.get(i) : y;
        layer.forward(input, pooled.get(i), output);
        input = output;
      }
      return y;
    } catch (RuntimeException e) {
      y.close();
      throw e;
    }
  }

  /** Makes the buffers between layers fit a batch. */
  private void prepare(long batch) {
    if (prepared == batch) {
      return;
    }
    closeBuffers();
    for (Layer layer : layers.subList(0, layers.size() - 1)) {
      hidden.add(device().activations(DType.F32, batch, layer.out()));
    }
    for (Layer layer : layers) {
      pooled.add(
          layer.pooling() == 1
              ? null
              : device().activations(DType.F32, batch, layer.convolution().outFeatures()));
    }
    prepared = batch;
  }

  private void closeBuffers() {
    prepared = -1;
    hidden.forEach(Tensor::close);
    hidden.clear();
    pooled.stream().filter(Objects::nonNull).forEach(Tensor::close);
    pooled.clear();
  }

  private Device device() {
    return layers.getFirst().weights().values().device();
  }

  /** Frees the layers. Closing twice is fine. */
  @Override
  public void close() {
    closed = true;
    layers.forEach(Layer::close);
    closeBuffers();
  }
}
