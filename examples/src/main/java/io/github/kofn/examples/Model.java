// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.examples;

import io.github.kofn.pruning.Granularity;
import io.github.kofn.sparse.Convolution;
import java.util.ArrayList;
import java.util.List;

/** A network's shape: convolutions, if any, then fully connected layers, with ReLU. */
public enum Model {
  /** Two hidden layers of 128 and 64 neurons. */
  MLP("mlp"),
  /** LeNet-300-100 (LeCun et al., "Gradient-based learning", 1998). */
  LENET_300_100("lenet-300-100"),
  /**
   * LeNet-5 with max pooling and ReLU: 20 and 50 feature maps by kernels of 5 x 5, each followed by
   * pooling of 2 x 2, then 500 neurons. Images below 16 pixels get a border of 2.
   */
  LENET_5("lenet-5");

  /** The rows and columns of the windows that follow each convolution. */
  static final int POOLING = 2;

  private static final int KERNEL = 5;
  private static final int[] FEATURE_MAPS = {20, 50};
  private static final int SMALL_IMAGE = 16;

  /** Whole kernels of the models' convolutions. */
  public static final Granularity KERNELS = Granularity.kernel(KERNEL, KERNEL);

  private final String label;

  Model(String label) {
    this.label = label;
  }

  /**
   * Finds a model by the name that the command line uses.
   *
   * @param name "mlp", "lenet-300-100" or "lenet-5", in any case
   * @return the model
   * @throws IllegalArgumentException if the name is none of these
   */
  public static Model of(String name) {
    for (Model model : values()) {
      if (model.label.equalsIgnoreCase(name)) {
        return model;
      }
    }
    throw new IllegalArgumentException(
        "model is \"" + name + "\"; allowed: mlp, lenet-300-100, lenet-5");
  }

  /**
   * The name.
   *
   * @return as {@link #of} takes it
   */
  public String label() {
    return label;
  }

  /** The neurons of each hidden layer. */
  List<Integer> hidden() {
    return switch (this) {
      case MLP -> List.of(128, 64);
      case LENET_300_100 -> List.of(300, 100);
      case LENET_5 -> List.of(500);
    };
  }

  /**
   * The convolutions.
   *
   * @param features pixels of a square image
   */
  List<Convolution> convolutions(int features) {
    if (this != LENET_5) {
      return List.of();
    }
    int side = (int) Math.round(Math.sqrt(features));
    int padding = side < SMALL_IMAGE ? KERNEL / 2 : 0;
    List<Convolution> shapes = new ArrayList<>();
    int channels = 1;
    for (int maps : FEATURE_MAPS) {
      Convolution shape = new Convolution(channels, side, side, maps, KERNEL, KERNEL, 1, padding);
      shapes.add(shape);
      channels = maps;
      side = shape.outHeight() / POOLING;
    }
    return shapes;
  }

  /** What a mask entry keeps of a convolution: a filter is a channel, with all its kernels. */
  static Granularity ofKernels(TrainOptions options) {
    return options.granularity().equals(Granularity.filter(1, 1))
        ? Granularity.filter(KERNEL, KERNEL)
        : options.granularity();
  }

  /** What a mask entry keeps of a fully connected layer, which has no kernels: then weights. */
  static Granularity ofNeurons(TrainOptions options) {
    boolean kernels = options.model() == LENET_5 && options.granularity().equals(KERNELS);
    return kernels ? Granularity.WEIGHT : options.granularity();
  }
}
