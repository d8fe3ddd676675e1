// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.examples;

import java.util.List;

/** A network's shape: fully connected layers with ReLU between them. */
public enum Model {
  /** Two hidden layers of 128 and 64 neurons. */
  MLP("mlp"),
  /** LeNet-300-100 (LeCun et al., "Gradient-based learning", 1998). */
  LENET_300_100("lenet-300-100");

  private final String label;

  Model(String label) {
    this.label = label;
  }

  /**
   * Finds a model by the name that the command line uses.
   *
   * @param name "mlp" or "lenet-300-100", in any case
   * @return the model
   * @throws IllegalArgumentException if the name is none of these
   */
  public static Model of(String name) {
    for (Model model : values()) {
      if (model.label.equalsIgnoreCase(name)) {
        return model;
      }
    }
    throw new IllegalArgumentException("model is \"" + name + "\"; allowed: mlp, lenet-300-100");
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
    };
  }
}
