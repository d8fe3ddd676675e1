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
import java.util.Set;

/**
 * A pruned network for inference: fully connected layers of packed k-of-n matrices, applied one
 * after the other.
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
 * kofn.sha256}, a checksum of the whole file.
 *
 * <p>Not safe for use by several threads at once: {@link #forward} keeps its buffers between calls.
 */
public final class SparseNetwork implements AutoCloseable {

  /**
   * One layer: {@code activation(x W^T + bias)}.
   *
   * @param name names the layer's tensors in a file; not empty, unique in a network
   * @param weights packed, with floating-point values
   * @param bias F32 [out], or null
   * @param activation applied to the sums
   */
  public record Layer(String name, KofNMatrix weights, Tensor bias, Activation activation) {

    /**
     * Checks the layer.
     *
     * @throws IllegalArgumentException if something is absent, or the bias has another length
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
            layer.weights().layout().in() == before.weights().layout().out(),
            "layer %s takes %d inputs; allowed: %d, the outputs of layer %s",
            layer.name(),
            layer.weights().layout().in(),
            before.weights().layout().out(),
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
    return layers.getFirst().weights().layout().in();
  }

  /**
   * The number of outputs.
   *
   * @return the last layer's
   */
  public int out() {
    return layers.getLast().weights().layout().out();
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
        layer
            .weights()
            .multiply(
                input,
                output,
                Epilogue.NONE.withBias(layer.bias()).withActivation(layer.activation()));
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
    if (!hidden.isEmpty() && hidden.getFirst().rows() == batch) {
      return;
    }
    hidden.forEach(Tensor::close);
    hidden.clear();
    for (Layer layer : layers.subList(0, layers.size() - 1)) {
      hidden.add(device().activations(DType.F32, batch, layer.weights().layout().out()));
    }
  }

  private Device device() {
    return layers.getFirst().weights().values().device();
  }

  /** Frees the layers. Closing twice is fine. */
  @Override
  public void close() {
    closed = true;
    layers.forEach(Layer::close);
    hidden.forEach(Tensor::close);
  }
}
