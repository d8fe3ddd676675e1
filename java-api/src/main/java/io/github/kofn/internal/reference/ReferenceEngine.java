// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.reference;

import io.github.kofn.Layout;
import io.github.kofn.internal.host.HostEngine;
import io.github.kofn.internal.kernels.ConvolutionKernels;
import io.github.kofn.internal.kernels.ProductKernels;
import io.github.kofn.internal.kernels.SamplingKernels;
import java.util.Map;

/** Scalar Java on one thread, written to be read: the definition of correct. */
public final class ReferenceEngine extends HostEngine {
  private final SamplingKernels sampling = new ReferenceSampling();
  private final ProductKernels products = new ReferenceProducts();
  private final ConvolutionKernels convolutions = new ReferenceConvolutions();

  /** The product kernels alone, for memory that is not this engine's. */
  public static ProductKernels newProducts() {
    return new ReferenceProducts();
  }

  @Override
  public String description() {
    return "reference (scalar Java, one thread)";
  }

  @Override
  public Map<String, String> facts() {
    return Map.of("threads", "1");
  }

  @Override
  public Layout activationLayout() {
    return Layout.ROW_MAJOR;
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
}
