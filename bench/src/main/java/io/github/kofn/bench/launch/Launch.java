// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.bench.launch;

import io.github.kofn.bench.KofnBenchmark;
import io.github.kofn.internal.cuda.LaunchProbe;
import jcuda.NativePointerObject;
import jcuda.Pointer;
import jcuda.driver.CUdeviceptr;
import jcuda.driver.CUfunction;
import jcuda.driver.CUstream;
import jcuda.driver.JCudaDriver;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * What the host spends on a launch of a kernel {@code saxpy(n, a, x, y)} beside the driver's own
 * work: the driver does nothing. {@code kofnDriverCall} is the call alone through kofn's binding;
 * what {@code kofn} takes more is kofn's. JCuda has its parameters made for each launch, as its
 * documentation shows it, or kept.
 */
public class Launch extends KofnBenchmark {
  private static final int BLOCKS = 8;
  private static final int THREADS = 128;

  /** kofn on the driver that does nothing. */
  @State(Scope.Benchmark)
  public static class Kofn {
    private LaunchProbe probe;
    private int n = 1000;
    private float a = 0.5f;
    private long x = 0x1000;
    private long y = 0x2000;

    /** For JMH. */
    public Kofn() {}

    /** Opens it. */
    @Setup
    public void open() {
      probe = new LaunchProbe(NoopDriver.path());
    }

    /** Checks what was launched, and closes. */
    @TearDown
    public void close() {
      NoopDriver.requireLaunched(BLOCKS, n);
      probe.close();
    }
  }

  /** JCuda on the driver that does nothing. */
  @State(Scope.Benchmark)
  public static class JCuda {
    private final CUfunction saxpy = new CUfunction();
    private final CUstream stream = new CUstream();
    private final CUdeviceptr x = new CUdeviceptr();
    private final CUdeviceptr y = new CUdeviceptr();
    private final int[] n = {1000};
    private final float[] a = {0.5f};
    private Pointer kept;

    /** For JMH. */
    public JCuda() {}

    /** Loads the driver, which JCuda's native library then finds in the process. */
    @Setup
    public void open() {
      NoopDriver.load();
      JCudaDriver.setExceptionsEnabled(true);
      JCudaDriver.cuInit(0);
      JCudaDriver.cuStreamCreate(stream, 1);
      JCudaDriver.cuMemAlloc(x, 4096);
      JCudaDriver.cuMemAlloc(y, 4096);
      kept = parameters();
    }

    /** Checks what was launched. */
    @TearDown
    public void check() {
      NoopDriver.requireLaunched(BLOCKS, n[0]);
    }

    private Pointer parameters() {
      NativePointerObject[] all = {Pointer.to(n), Pointer.to(a), Pointer.to(x), Pointer.to(y)};
      return Pointer.to(all);
    }

    private void launch(Pointer parameters) {
      JCudaDriver.cuLaunchKernel(saxpy, BLOCKS, 1, 1, THREADS, 1, 1, 0, stream, parameters, null);
    }
  }

  /** For JMH. */
  public Launch() {}

  /**
   * A whole launch.
   *
   * @param kofn the device
   */
  @Benchmark
  public void kofn(Kofn kofn) {
    kofn.probe.launch(BLOCKS, kofn.n, kofn.a, kofn.x, kofn.y);
  }

  /**
   * The driver call alone.
   *
   * @param kofn the device
   */
  @Benchmark
  public void kofnDriverCall(Kofn kofn) {
    kofn.probe.call(BLOCKS);
  }

  /**
   * JCuda, parameters made for the launch.
   *
   * @param jcuda its stream and memory
   */
  @Benchmark
  public void jcuda(JCuda jcuda) {
    jcuda.launch(jcuda.parameters());
  }

  /**
   * JCuda, with the same parameter objects each time.
   *
   * @param jcuda its stream and memory
   */
  @Benchmark
  public void jcudaKeptParameters(JCuda jcuda) {
    jcuda.launch(jcuda.kept);
  }
}
