// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.simulated;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import jcuda.CudaException;
import jcuda.Pointer;
import jcuda.Sizeof;
import jcuda.driver.CUcontext;
import jcuda.driver.CUdevice;
import jcuda.driver.CUdeviceptr;
import jcuda.driver.CUfunction;
import jcuda.driver.CUmodule;
import jcuda.driver.CUstream;
import jcuda.driver.JCudaDriver;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A binding that others wrote, its JNI library unchanged, runs on the simulated driver. */
class JCudaTest {
  @BeforeEach
  void needsTheSimulator() {
    Simulator.library();
    JCudaDriver.setExceptionsEnabled(true);
    JCudaDriver.cuInit(0);
  }

  @Test
  void loadsPtxLaunchesAndCopiesBack() {
    int n = 1000;
    CUdevice device = new CUdevice();
    JCudaDriver.cuDeviceGet(device, 0);
    CUcontext context = new CUcontext();
    JCudaDriver.cuCtxCreate(context, 0, device);
    CUmodule module = new CUmodule();
    JCudaDriver.cuModuleLoadData(module, Simulator.SAXPY);
    CUfunction saxpy = new CUfunction();
    JCudaDriver.cuModuleGetFunction(saxpy, module, "saxpy");
    float[] x = new float[n];
    float[] y = new float[n];
    for (int i = 0; i < n; i++) {
      x[i] = i;
      y[i] = 1;
    }
    CUdeviceptr deviceX = new CUdeviceptr();
    CUdeviceptr deviceY = new CUdeviceptr();
    JCudaDriver.cuMemAlloc(deviceX, (long) n * Sizeof.FLOAT);
    JCudaDriver.cuMemAlloc(deviceY, (long) n * Sizeof.FLOAT);
    CUstream stream = new CUstream();
    JCudaDriver.cuStreamCreate(stream, 0);
    JCudaDriver.cuMemcpyHtoD(deviceX, Pointer.to(x), (long) n * Sizeof.FLOAT);
    JCudaDriver.cuMemcpyHtoD(deviceY, Pointer.to(y), (long) n * Sizeof.FLOAT);
    Pointer parameters =
        Pointer.to(
            Pointer.to(new int[] {n}),
            Pointer.to(new float[] {0.5f}),
            Pointer.to(deviceX),
            Pointer.to(deviceY));
    JCudaDriver.cuLaunchKernel(saxpy, 8, 1, 1, 128, 1, 1, 0, stream, parameters, null);
    JCudaDriver.cuStreamSynchronize(stream);
    JCudaDriver.cuMemcpyDtoH(Pointer.to(y), deviceY, (long) n * Sizeof.FLOAT);
    for (int i = 0; i < n; i++) {
      assertEquals(0.5f * i + 1, y[i]);
    }
    JCudaDriver.cuStreamDestroy(stream);
    JCudaDriver.cuMemFree(deviceX);
    JCudaDriver.cuMemFree(deviceY);
    JCudaDriver.cuModuleUnload(module);
    JCudaDriver.cuCtxDestroy(context);
  }

  @Test
  void wrongUseArrivesAsAnException() {
    CudaException refused =
        assertThrows(CudaException.class, () -> JCudaDriver.cuMemAlloc(new CUdeviceptr(), 16));
    assertEquals("CUDA_ERROR_INVALID_CONTEXT", refused.getMessage());
  }
}
