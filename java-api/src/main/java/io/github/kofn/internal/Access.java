// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal;

import io.github.kofn.Device;
import io.github.kofn.Tensor;
import io.github.kofn.internal.kernels.Engine;
import io.github.kofn.internal.kernels.View;
import java.util.function.IntConsumer;

/** Lets kofn's own packages see what {@link Device} and {@link Tensor} keep from their users. */
public abstract class Access {
  private static volatile Access instance;

  /** Called once, by the class that holds the secrets. */
  public static void set(Access access) {
    instance = access;
  }

  /** The tensor's memory as kernels take it. */
  public static View view(Tensor tensor) {
    return instance.viewOf(tensor);
  }

  /** The tensor's memory, or null for no tensor. */
  public static View viewOrNull(Tensor tensor) {
    return tensor == null ? null : view(tensor);
  }

  /** The kernels behind a device. */
  public static Engine engine(Device device) {
    return instance.engineOf(device);
  }

  /** The kernels for operands that must all be of one device; null operands are absent. */
  public static Engine engine(Device device, Tensor... operands) {
    for (Tensor operand : operands) {
      Check.that(
          operand == null || operand.device() == device,
          "%s belongs to another device (%s); allowed: tensors of %s",
          operand,
          operand == null ? "" : operand.device().backend().label(),
          device.backend().label());
    }
    return engine(device);
  }

  /** A draw was called; a graph under way runs this with the steps of each launch. */
  public static void drawn(Device device, IntConsumer draw) {
    instance.drawnIn(device, draw);
  }

  /** See {@link #view}. */
  protected abstract View viewOf(Tensor tensor);

  /** See {@link #drawn}. */
  protected abstract void drawnIn(Device device, IntConsumer draw);

  /** See {@link #engine}. */
  protected abstract Engine engineOf(Device device);
}
