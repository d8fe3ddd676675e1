// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import io.github.kofn.Layout;
import io.github.kofn.internal.host.HostEngine;
import io.github.kofn.internal.kernels.ConvolutionKernels;
import io.github.kofn.internal.kernels.ProductKernels;
import io.github.kofn.internal.kernels.SamplingKernels;
import java.util.Map;

/** Vectors where the JVM offers them, rows and panels over threads. */
public final class CpuEngine extends HostEngine {
  private final int lanes;
  private final Workers workers;
  private final SamplingKernels sampling;
  private final ProductKernels products;
  private final ConvolutionKernels convolutions;

  /**
   * A engine with vectors of so many floats (1: scalar code) and so many threads (0: one a core).
   */
  public CpuEngine(int lanes, int threads) {
    this.lanes = lanes;
    this.workers = new Workers(threads);
    this.sampling = new CpuSampling(lanes, workers);
    this.products = new CpuProducts(lanes, workers);
    this.convolutions = new CpuConvolutions(lanes, workers, products);
  }

  @Override
  public String description() {
    String width = lanes == 1 ? "scalar" : lanes + " lanes";
    return "cpu ("
        + width
        + ", "
        + workers.threads()
        + (workers.threads() == 1 ? " thread)" : " threads)");
  }

  @Override
  public Map<String, String> facts() {
    return Map.of("lanes", Integer.toString(lanes), "threads", Integer.toString(workers.threads()));
  }

  @Override
  public Layout activationLayout() {
    return Layout.PANELS;
  }

  @Override
  protected SamplingKernels samplingKernels() {
    return sampling;
  }

  @Override
  protected ProductKernels productKernels() {
    return products;
  }

  @Override
  protected ConvolutionKernels convolutionKernels() {
    return convolutions;
  }

  @Override
  public void close() {
    workers.close();
    super.close();
  }
}
