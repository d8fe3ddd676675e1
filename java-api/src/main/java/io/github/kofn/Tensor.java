// SPDX-License-Identifier: Apache-2.0
package io.github.kofn;

import io.github.kofn.internal.Check;
import io.github.kofn.internal.kernels.Buffer;
import io.github.kofn.internal.kernels.Engine;
import io.github.kofn.internal.kernels.View;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Elements of one type in a device's memory, with a shape. A tensor of any rank is a matrix to the
 * operations: the last dimension is its columns, all before it together its rows.
 *
 * <p>Reading a tensor from several threads at once is safe; writing it, or closing it, needs the
 * caller's own order.
 */
public final class Tensor implements AutoCloseable {
  private final Device device;
  private final Buffer buffer;
  private final boolean owned;
  private final Runnable giveBack;
  private final DType type;
  private final Layout layout;
  private final long pitch;
  private final long[] shape;
  private final AtomicBoolean closed = new AtomicBoolean();

  Tensor(
      Device device,
      Buffer buffer,
      boolean owned,
      DType type,
      Layout layout,
      long pitch,
      long... shape) {
    this(device, buffer, owned, null, type, layout, pitch, shape);
  }

  Tensor(
      Device device,
      Buffer buffer,
      boolean owned,
      Runnable giveBack,
      DType type,
      Layout layout,
      long pitch,
      long... shape) {
    this.device = device;
    this.buffer = buffer;
    this.owned = owned;
    this.giveBack = giveBack;
    this.type = type;
    this.layout = layout;
    this.pitch = pitch;
    this.shape = shape.clone();
  }

  static long elements(long... shape) {
    Check.notNull("shape", shape);
    Check.atLeast("number of dimensions", shape.length, 1);
    long product = 1;
    for (int i = 0; i < shape.length; i++) {
      Check.atLeast("dimension " + i + " of shape " + Arrays.toString(shape), shape[i], 0);
      product = Math.multiplyExact(product, shape[i]);
    }
    return product;
  }

  /**
   * The device whose memory this is.
   *
   * @return the device
   */
  public Device device() {
    return device;
  }

  /**
   * The element type.
   *
   * @return the type
   */
  public DType type() {
    return type;
  }

  /**
   * How the elements lie in memory.
   *
   * @return the layout
   */
  public Layout layout() {
    return layout;
  }

  /**
   * The dimensions.
   *
   * @return a copy
   */
  public long[] shape() {
    return shape.clone();
  }

  /**
   * The product of all dimensions but the last.
   *
   * @return the rows of this tensor as a matrix
   */
  public long rows() {
    long product = 1;
    for (int i = 0; i + 1 < shape.length; i++) {
      product *= shape[i];
    }
    return product;
  }

  /**
   * The last dimension.
   *
   * @return the columns of this tensor as a matrix
   */
  public long columns() {
    return shape[shape.length - 1];
  }

  /**
   * The distance of rows.
   *
   * @return from the start of a row to the start of the next, in elements; more than {@link
   *     #columns()} only over memory of others
   */
  public long pitch() {
    return pitch;
  }

  private boolean isContiguous() {
    return layout == Layout.ROW_MAJOR && (pitch == columns() || rows() <= 1);
  }

  /**
   * The number of elements.
   *
   * @return the product of all dimensions
   */
  public long size() {
    return elements(shape);
  }

  /**
   * The host memory, in this tensor's layout, pitch and native byte order, valid until the tensor
   * is closed.
   *
   * @return the memory itself, not a copy
   * @throws IllegalStateException if the tensor is closed, or lies in a device's own memory
   */
  public MemorySegment segment() {
    checkOpen();
    if (buffer.host() == null) {
      throw new IllegalStateException(this + " lies in device memory; use copyTo");
    }
    return buffer.host();
  }

  /**
   * The address of the first element, for other libraries: of device memory, or of native host
   * memory. The memory is given back when the tensor is closed, in the order of the device's
   * stream; what other streams do with it must be over by then.
   *
   * @return the address, or 0 for a wrapped heap array
   * @throws IllegalStateException if the tensor is closed
   */
  public long address() {
    checkOpen();
    return buffer.address();
  }

  /**
   * Overwrites the elements.
   *
   * @param values as many elements as this tensor has, row-major whatever the layout, in native
   *     byte order
   */
  public void copyFrom(MemorySegment values) {
    checkOpen();
    checkBytes("values", values);
    if (isContiguous()) {
      engine().copyIn(values, buffer, 0);
      return;
    }
    try (Tensor rows = device.zeros(type, shape)) {
      rows.copyFrom(values);
      engine().products().convert(rows.view(), view());
    }
  }

  /**
   * Overwrites the elements of an F32 tensor.
   *
   * @param values as many elements as this tensor has, row-major whatever the layout
   */
  public void copyFrom(float[] values) {
    checkType(DType.F32);
    copyFrom(MemorySegment.ofArray(Check.notNull("values", values)));
  }

  /**
   * Copies the elements out.
   *
   * @param target room for as many elements as this tensor has; they arrive row-major whatever the
   *     layout
   */
  public void copyTo(MemorySegment target) {
    checkOpen();
    checkBytes("target", target);
    if (isContiguous()) {
      engine().copyOut(buffer, 0, target);
      return;
    }
    try (Tensor rows = device.zeros(type, shape)) {
      engine().products().convert(view(), rows.view());
      rows.copyTo(target);
    }
  }

  /**
   * The elements of an F32 tensor, row-major whatever the layout.
   *
   * @return a new array
   */
  public float[] toFloats() {
    checkType(DType.F32);
    float[] values = new float[Math.toIntExact(size())];
    copyTo(MemorySegment.ofArray(values));
    return values;
  }

  /**
   * The elements of an I32 tensor, row-major whatever the layout.
   *
   * @return a new array
   */
  public int[] toInts() {
    checkType(DType.I32);
    int[] values = new int[Math.toIntExact(size())];
    copyTo(MemorySegment.ofArray(values));
    return values;
  }

  /** Sets every element to zero. */
  public void clear() {
    View all = view();
    if (layout == Layout.PANELS || isContiguous()) {
      engine().clear(buffer, 0, size() * type.bytes());
      return;
    }
    for (long row = 0; row < rows(); row++) {
      engine().clear(buffer, all.index(row, 0) * type.bytes(), columns() * type.bytes());
    }
  }

  /**
   * Copies another tensor's elements into this one, converting type and layout where they differ.
   * Conversion to integers rounds to nearest even and saturates.
   *
   * @param source a tensor of the same device with as many rows and columns
   */
  public void convertFrom(Tensor source) {
    Check.notNull("source", source);
    checkOpen();
    Check.that(
        source.device == device && source.rows() == rows() && source.columns() == columns(),
        "source is %s; allowed: a tensor of the same device with %d rows and %d columns",
        source,
        rows(),
        columns());
    engine().products().convert(source.view(), view());
  }

  View view() {
    checkOpen();
    device.used(this);
    return new View(buffer, 0, type, rows(), columns(), pitch, layout);
  }

  private Engine engine() {
    return device.engine();
  }

  /** Throws if this tensor, or its device, is closed. */
  void requireOpen() {
    checkOpen();
  }

  private void checkOpen() {
    if (closed.get()) {
      throw new IllegalStateException(this + " is closed");
    }
    if (device.isClosed()) {
      throw new IllegalStateException("the device of " + this + " is closed");
    }
  }

  private void checkType(DType wanted) {
    Check.that(type == wanted, "type is %s; allowed: %s", type, wanted);
  }

  private void checkBytes(String name, MemorySegment segment) {
    Check.notNull(name, segment);
    long bytes = size() * type.bytes();
    Check.that(
        segment.byteSize() == bytes,
        "%s has %d bytes; allowed: %d, which %s takes",
        name,
        segment.byteSize(),
        bytes,
        this);
  }

  /**
   * Gives the memory back. Closing twice, or after the device, is fine.
   *
   * @throws IllegalStateException if this is a tensor of {@link DlPack} and a graph is captured,
   *     which may use its memory later
   */
  @Override
  public void close() {
    if (giveBack != null && !closed.get() && device.isCapturing()) {
      throw new IllegalStateException(
          this + " belongs to another library and cannot be closed inside Device.capture");
    }
    if (closed.getAndSet(true)) {
      return;
    }
    device.forget(this);
    device.dropped(this);
    if (owned && !device.isClosed()) {
      engine().release(buffer);
    }
    if (giveBack != null) {
      giveBack();
    }
  }

  /** The owner may use the memory otherwise at once: what is queued must be done with it. */
  private void giveBack() {
    try {
      if (!device.isClosed()) {
        device.stream().synchronize();
      }
    } finally {
      giveBack.run();
    }
  }

  @Override
  public String toString() {
    return "Tensor "
        + type
        + Arrays.toString(shape)
        + (layout == Layout.PANELS ? " in panels" : "");
  }
}
