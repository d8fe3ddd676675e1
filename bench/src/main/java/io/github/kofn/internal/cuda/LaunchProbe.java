// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cuda;

import java.lang.foreign.Arena;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * The way of a launch through kofn, on a driver that does nothing: the package is the binding's,
 * which exports nothing.
 */
public final class LaunchProbe implements AutoCloseable {
  private static final String ENTRY = "kofn_saxpy";
  private static final int THREADS = 128;

  private final Arena arena = Arena.ofShared();
  private final Driver driver;
  private final CudaContext context;
  private final Parameters prepared = new Parameters(arena);
  private final CudaContext.Writer writer = this::write;
  private int n = 1000;
  private float a = 0.5f;
  private long x = 0x1000;
  private long y = 0x2000;

  /**
   * Opens the driver and its device.
   *
   * @param library the path of the driver that does nothing
   */
  public LaunchProbe(String library) {
    driver = new Driver(library);
    byte[] image = {};
    Map<String, String> hashes =
        LoadedKernels.fatbins().stream()
            .collect(Collectors.toMap(name -> name, name -> KernelImages.hash(image)));
    context =
        new CudaContext(
            driver, 0, new KernelImages(13000, List.of(90), 80, hashes, name -> image), true);
    write(prepared.begin());
  }

  private void write(Parameters p) {
    p.struct().putInt(n).struct().putFloat(a).struct().putLong(x).struct().putLong(y);
  }

  /**
   * The driver call alone, with parameters that were written before.
   *
   * @param blocks how many blocks
   */
  public void call(int blocks) {
    driver.launch(1, blocks, 1, 1, THREADS, 0, context.own(), prepared.address(), ENTRY);
  }

  /**
   * All that kofn does for a launch of a kernel with four parameters.
   *
   * @param blocks how many blocks
   * @param n the first parameter
   * @param a the second
   * @param x the third
   * @param y the fourth
   */
  public void launch(int blocks, int n, float a, long x, long y) {
    this.n = n;
    this.a = a;
    this.x = x;
    this.y = y;
    context.launch(ENTRY, blocks, 1, THREADS, writer);
  }

  /**
   * The device's own stream.
   *
   * @return its handle
   */
  public long stream() {
    return context.own();
  }

  @Override
  public void close() {
    context.close();
    arena.close();
  }
}
