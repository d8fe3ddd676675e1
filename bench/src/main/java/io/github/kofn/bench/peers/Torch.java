// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.bench.peers;

import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.jni.JniUtils;

/** libtorch through DJL. */
public final class Torch {
  private static final int COLUMNS = 1;

  private Torch() {}

  /**
   * The engine, its native library loaded. It is unpacked once into DJL's cache folder; DJL is told
   * not to download anything.
   *
   * @param threads threads of an operation
   * @return the engine
   */
  public static Engine engine(int threads) {
    System.setProperty("ai.djl.offline", "true");
    System.setProperty("OPT_OUT_TRACKING", "true");
    Engine engine = Engine.getEngine("PyTorch");
    JniUtils.setNumThreads(threads);
    return engine;
  }

  /**
   * Logits plus Gumbel noise: uniform numbers and two logarithms, several times as fast as
   * exponential noise.
   *
   * @param logits [rows, n]
   * @param scratch what owns the noise
   * @return [rows, n]
   */
  public static NDArray keys(NDArray logits, NDManager scratch) {
    NDArray noise = scratch.randomUniform(Float.MIN_NORMAL, 1, logits.getShape(), DataType.FLOAT32);
    return logits.sub(noise.log().negi().log());
  }

  /**
   * The sum of k successive softmaxes, as the authors of dynamic probabilistic pruning have it.
   *
   * @param keys [rows, n]
   * @param winners the columns of the k greatest keys, greatest first, [rows, k]
   * @param ones [rows, k] of 1
   * @return [rows, n]
   */
  public static NDArray relaxed(NDArray keys, NDArray winners, NDArray ones) {
    NDArray minusInfinity = ones.get(":, :1").mul(Float.NEGATIVE_INFINITY);
    NDArray left = keys;
    NDArray sum = left.softmax(COLUMNS);
    for (int j = 1; j < ones.getShape().get(COLUMNS); j++) {
      left = left.scatter(winners.get(":, {}:{}", j - 1, j), minusInfinity, COLUMNS);
      sum = sum.add(left.softmax(COLUMNS));
    }
    return sum;
  }

  /**
   * A mask of 0 and 1.
   *
   * @param shape [rows, n]
   * @param columns the columns of the ones, [rows, k]
   * @param ones [rows, k] of 1
   * @param scratch what owns the mask
   * @return [rows, n]
   */
  public static NDArray mask(Shape shape, NDArray columns, NDArray ones, NDManager scratch) {
    return scratch.zeros(shape, DataType.FLOAT32).scatter(columns, ones, COLUMNS);
  }
}
