// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cuda;

/**
 * The driver's entry points that kofn calls, each with its symbol. Symbols carry their version
 * suffix: the bare names are the 32-bit interface of before CUDA 3.2.
 */
enum Entry {
  INIT("cuInit"),
  DRIVER_VERSION("cuDriverGetVersion"),
  ERROR_NAME("cuGetErrorName"),
  ERROR_STRING("cuGetErrorString"),
  DEVICE_COUNT("cuDeviceGetCount"),
  DEVICE_GET("cuDeviceGet"),
  DEVICE_NAME("cuDeviceGetName"),
  DEVICE_MEMORY("cuDeviceTotalMem_v2"),
  DEVICE_ATTRIBUTE("cuDeviceGetAttribute"),
  CONTEXT_RETAIN("cuDevicePrimaryCtxRetain"),
  CONTEXT_RELEASE("cuDevicePrimaryCtxRelease_v2"),
  CONTEXT_SET("cuCtxSetCurrent"),
  LIBRARY_LOAD("cuLibraryLoadData"),
  LIBRARY_UNLOAD("cuLibraryUnload"),
  LIBRARY_MODULE("cuLibraryGetModule"),
  LIBRARY_KERNEL("cuLibraryGetKernel"),
  KERNEL_ATTRIBUTE("cuKernelSetAttribute"),
  LAUNCH("cuLaunchKernel"),
  MEMORY_INFO("cuMemGetInfo_v2"),
  MEMORY_ALLOCATE("cuMemAlloc_v2"),
  MEMORY_FREE("cuMemFree_v2"),
  POOL_CREATE("cuMemPoolCreate"),
  POOL_DESTROY("cuMemPoolDestroy"),
  POOL_SET("cuMemPoolSetAttribute"),
  POOL_ALLOCATE("cuMemAllocFromPoolAsync"),
  POOL_FREE("cuMemFreeAsync"),
  HOST_ALLOCATE("cuMemHostAlloc"),
  HOST_FREE("cuMemFreeHost"),
  POINTER_ATTRIBUTES("cuPointerGetAttributes"),
  FILL_BYTES("cuMemsetD8Async"),
  FILL_WORDS("cuMemsetD32Async"),
  COPY_IN("cuMemcpyHtoDAsync_v2"),
  COPY_OUT("cuMemcpyDtoHAsync_v2"),
  COPY("cuMemcpyDtoDAsync_v2"),
  STREAM_CREATE("cuStreamCreate"),
  STREAM_DESTROY("cuStreamDestroy_v2"),
  STREAM_SYNCHRONIZE("cuStreamSynchronize"),
  STREAM_QUERY("cuStreamQuery"),
  STREAM_WAIT("cuStreamWaitEvent"),
  STREAM_CONTEXT("cuStreamGetCtx"),
  EVENT_CREATE("cuEventCreate"),
  EVENT_DESTROY("cuEventDestroy_v2"),
  EVENT_RECORD("cuEventRecord"),
  EVENT_SYNCHRONIZE("cuEventSynchronize"),
  EVENT_QUERY("cuEventQuery"),
  EVENT_ELAPSED("cuEventElapsedTime"),
  CAPTURE_BEGIN("cuStreamBeginCapture_v2"),
  CAPTURE_END("cuStreamEndCapture"),
  GRAPH_DESTROY("cuGraphDestroy"),
  GRAPH_NODES("cuGraphGetNodes"),
  GRAPH_INSTANTIATE("cuGraphInstantiateWithFlags"),
  GRAPH_LAUNCH("cuGraphLaunch"),
  GRAPH_EXEC_DESTROY("cuGraphExecDestroy");

  private final String symbol;

  Entry(String symbol) {
    this.symbol = symbol;
  }

  String symbol() {
    return symbol;
  }
}
