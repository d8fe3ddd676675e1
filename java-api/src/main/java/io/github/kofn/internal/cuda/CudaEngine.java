// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cuda;

import io.github.kofn.Layout;
import io.github.kofn.internal.kernels.Buffer;
import io.github.kofn.internal.kernels.ConvolutionKernels;
import io.github.kofn.internal.kernels.Engine;
import io.github.kofn.internal.kernels.ProductKernels;
import io.github.kofn.internal.kernels.SamplingKernels;
import io.github.kofn.internal.kernels.Streams;
import java.lang.foreign.MemorySegment;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * A GPU, real or simulated. Operations wait for their results, unless their thread chose a stream.
 */
final class CudaEngine implements Engine {
  private final CudaContext context;
  private final boolean simulated;
  private final Map<String, String> facts;
  private final CudaSampling cudaSampling;
  private final SamplingKernels sampling;
  private final CudaProducts cudaProducts;
  private final ProductKernels products;
  private final CudaConvolutions cudaConvolutions;
  private final ConvolutionKernels convolutions;
  private final Set<Buffer> buffers = ConcurrentHashMap.newKeySet();

  CudaEngine(
      CudaContext context,
      Catalogue catalogue,
      SamplingPlan.Regime regime,
      ProductCatalogue productKernels,
      ProductPlan.Regime productRegime,
      ProductCatalogue convolutionKernels,
      boolean simulated) {
    this.context = context;
    this.simulated = simulated;
    this.facts = Map.copyOf(context.facts());
    this.cudaSampling = new CudaSampling(context, catalogue, regime);
    this.sampling = Named.of(SamplingKernels.class, cudaSampling, context);
    this.cudaProducts = new CudaProducts(context, productKernels, productRegime);
    this.products = Named.of(ProductKernels.class, cudaProducts, context);
    this.cudaConvolutions = new CudaConvolutions(context, convolutionKernels, cudaProducts);
    this.convolutions = Named.of(ConvolutionKernels.class, cudaConvolutions, context);
  }

  @Override
  public String description() {
    return (simulated ? "simulated CUDA device, " : "cuda, ")
        + facts.get("device")
        + ", compute capability "
        + facts.get("computeCapability");
  }

  @Override
  public Map<String, String> facts() {
    return facts;
  }

  @Override
  public boolean usesHostMemory() {
    return false;
  }

  @Override
  public Layout activationLayout() {
    return Layout.ROW_MAJOR;
  }

  @Override
  public Buffer allocate(long bytes) {
    Buffer buffer = context.allocate(bytes);
    buffers.add(buffer);
    context.finish();
    return buffer;
  }

  @Override
  public void release(Buffer buffer) {
    if (buffers.remove(buffer)) {
      context.release(buffer);
    }
  }

  @Override
  public Buffer foreign(long address, long bytes) {
    if (bytes > 0) {
      context.memory().checkForeign(address, bytes);
    }
    return Buffer.ofDevice(address, bytes);
  }

  @Override
  public void copyIn(MemorySegment source, Buffer target, long offset) {
    context.memory().copyIn(source, target, offset);
  }

  @Override
  public void copyOut(Buffer source, long offset, MemorySegment target) {
    context.memory().copyOut(source, offset, target);
  }

  @Override
  public void copy(Buffer source, long sourceOffset, Buffer target, long targetOffset, long bytes) {
    context.memory().copy(source, sourceOffset, target, targetOffset, bytes);
    context.finish();
  }

  @Override
  public void clear(Buffer buffer, long offset, long bytes) {
    context.memory().fill(buffer, offset, bytes, 0);
    context.finish();
  }

  @Override
  public Streams streams() {
    return context.streams();
  }

  @Override
  public SamplingKernels sampling() {
    return sampling;
  }

  @Override
  public ProductKernels products() {
    return products;
  }

  @Override
  public ConvolutionKernels convolutions() {
    return convolutions;
  }

  @Override
  public void close() {
    if (!context.isLost()) {
      cudaSampling.close();
      cudaProducts.close();
      cudaConvolutions.close();
      buffers.forEach(context::release);
      buffers.clear();
    }
    context.close();
  }
}
