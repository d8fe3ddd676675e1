// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.bench.peers;

import ai.djl.engine.Engine;
import ai.djl.pytorch.jni.JniUtils;

/** libtorch through DJL. */
public final class Torch {
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
}
