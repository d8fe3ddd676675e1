// SPDX-License-Identifier: Apache-2.0
package io.github.kofn;

import io.github.kofn.internal.Access;
import io.github.kofn.internal.Backends;
import io.github.kofn.internal.Check;
import io.github.kofn.internal.kernels.Buffer;
import io.github.kofn.internal.kernels.Engine;
import io.github.kofn.internal.kernels.Streams;
import io.github.kofn.internal.kernels.View;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.IntConsumer;

/**
 * Something that computes, and the memory it computes on. Everything else in kofn begins here.
 *
 * {@snippet :
 * try (Device device = Device.open();
 *     Tensor logits = device.tensorOf(values, 256, 1024)) {
 *   // draw, multiply, train
 * }
 * }
 *
 * <p>A device may be shared by threads. Operations return when their result is there; inside {@link
 * Stream#run} and {@link #capture} they do not wait. Closing a device frees its memory; tensors,
 * streams, events and graphs still open then are reported to the logger {@code io.github.kofn} and
 * can no longer be used.
 *
 * <p>Other libraries' memory and streams are used without a copy: {@link #tensorAt}, {@link
 * #streamAt}, and the other way round {@link Tensor#address}, {@link Stream#handle}. A CUDA device
 * uses the GPU's primary context, as the CUDA runtime, PyTorch and most others do.
 */
public final class Device implements AutoCloseable {
  private static final Logger LOG = System.getLogger("io.github.kofn");

  static {
    Access.set(
        new Access() {
          @Override
          protected View viewOf(Tensor tensor) {
            return tensor.view();
          }

          @Override
          protected Engine engineOf(Device device) {
            return device.engine();
          }

          @Override
          protected void drawnIn(Device device, IntConsumer draw) {
            device.drawn(draw);
          }
        });
  }

  private final Backend backend;
  private final Engine engine;
  private final Set<AutoCloseable> open = Collections.newSetFromMap(new ConcurrentHashMap<>());
  private final AtomicBoolean closed = new AtomicBoolean();

  @SuppressWarnings("ThreadLocalUsage") // one a device, removed when the capture ends
  private final ThreadLocal<Captured> capturing = new ThreadLocal<>();

  private final Stream stream;

  /** What a capture needs to know of the tensors and draws that it records. */
  private record Captured(Set<Tensor> tensors, List<IntConsumer> draws) {}

  private Device(Backend backend, Engine engine) {
    this.backend = backend;
    this.engine = engine;
    this.stream = new Stream(this, engine.streams().own(), false);
  }

  /**
   * Opens the device that {@link DeviceOptions#defaults()} names. Where they leave the choice to
   * kofn, one line in the log says what was chosen, and why not CUDA.
   *
   * @return the device
   * @throws BackendUnavailableException if the system property {@code kofn.backend} names a backend
   *     that cannot be had
   */
  public static Device open() {
    return open(DeviceOptions.defaults());
  }

  /**
   * Opens a device of one backend, with defaults for the rest.
   *
   * @param backend what computes
   * @return the device
   * @throws BackendUnavailableException if the backend cannot be had; the message holds every
   *     reason
   */
  public static Device open(Backend backend) {
    return open(DeviceOptions.defaults().withBackend(Check.notNull("backend", backend)));
  }

  /**
   * Opens a device.
   *
   * @param options what computes, and how
   * @return the device
   * @throws BackendUnavailableException if the backend cannot be had; the message holds every
   *     reason
   */
  public static Device open(DeviceOptions options) {
    Check.notNull("options", options);
    if (options.backend() != null) {
      return new Device(options.backend(), Backends.open(options));
    }
    Optional<String> whyNot = unavailableReason(Backend.CUDA);
    Backend chosen = whyNot.isEmpty() ? Backend.CUDA : Backend.CPU;
    Device device = new Device(chosen, Backends.open(options.withBackend(chosen)));
    LOG.log(
        Level.INFO,
        () ->
            "using "
                + device.description()
                + whyNot.map(reason -> "; CUDA is unavailable: " + reason).orElse(""));
    return device;
  }

  /**
   * Tells why a backend cannot be had on this machine.
   *
   * @param backend the backend
   * @return the reasons, or nothing if the backend can be opened
   */
  public static Optional<String> unavailableReason(Backend backend) {
    return Backends.unavailableReason(Check.notNull("backend", backend));
  }

  /**
   * What computes.
   *
   * @return the backend
   */
  public Backend backend() {
    return backend;
  }

  /**
   * One line for people: what computes, with how many threads and lanes, or on which GPU.
   *
   * @return the line
   */
  public String description() {
    return engine().description();
  }

  /**
   * The facts behind {@link #description()}, by name.
   *
   * @return an unmodifiable map
   */
  public Map<String, String> facts() {
    return engine().facts();
  }

  /**
   * Whether tensors lie in host memory: then {@link Tensor#segment()} gives it, and {@link #wrap}
   * works without a copy.
   *
   * @return true on the CPU and the reference backend
   */
  public boolean usesHostMemory() {
    return engine().usesHostMemory();
  }

  /**
   * The layout of activations that this device's products like best. They accept the other one too,
   * at the cost of a conversion.
   *
   * @return panels on the CPU, row-major elsewhere
   */
  public Layout activationLayout() {
    return engine().activationLayout();
  }

  /**
   * A row-major tensor of zeros.
   *
   * @param type the element type
   * @param shape the dimensions, each at least 0, at least one of them
   * @return the tensor, which the caller closes
   */
  public Tensor zeros(DType type, long... shape) {
    return allocate(type, Layout.ROW_MAJOR, shape);
  }

  /**
   * A tensor of zeros for activations, in {@link #activationLayout()}.
   *
   * @param type the element type
   * @param batch number of examples, at least 0
   * @param features number of features, at least 0
   * @return the tensor [batch, features], which the caller closes
   */
  public Tensor activations(DType type, long batch, long features) {
    return allocate(type, activationLayout(), batch, features);
  }

  /**
   * A row-major F32 tensor with a copy of an array.
   *
   * @param values the elements in row-major order
   * @param shape the dimensions; their product is the array's length
   * @return the tensor, which the caller closes
   */
  public Tensor tensorOf(float[] values, long... shape) {
    return tensorOf(MemorySegment.ofArray(Check.notNull("values", values)), DType.F32, shape);
  }

  /**
   * A row-major I32 tensor with a copy of an array.
   *
   * @param values the elements in row-major order
   * @param shape the dimensions; their product is the array's length
   * @return the tensor, which the caller closes
   */
  public Tensor tensorOf(int[] values, long... shape) {
    return tensorOf(MemorySegment.ofArray(Check.notNull("values", values)), DType.I32, shape);
  }

  /**
   * A row-major tensor with a copy of host memory.
   *
   * @param values the elements in row-major order and native byte order, on or off heap
   * @param type the element type
   * @param shape the dimensions; their product times the element size is the segment's size
   * @return the tensor, which the caller closes
   */
  public Tensor tensorOf(MemorySegment values, DType type, long... shape) {
    Tensor tensor = zeros(type, shape);
    try {
      tensor.copyFrom(values);
      return tensor;
    } catch (RuntimeException e) {
      tensor.close();
      throw e;
    }
  }

  /**
   * A row-major F32 tensor that <em>is</em> the array: what either side writes, the other sees.
   *
   * @param values the elements in row-major order
   * @param shape the dimensions; their product is the array's length
   * @return the tensor; closing it leaves the array alone
   * @throws IllegalStateException if this device has memory of its own; use {@link
   *     #tensorOf(float[], long...)} there
   */
  public Tensor wrap(float[] values, long... shape) {
    return wrap(MemorySegment.ofArray(Check.notNull("values", values)), DType.F32, shape);
  }

  /**
   * A row-major tensor that <em>is</em> the host memory. The memory must stay alive while the
   * tensor is used.
   *
   * @param memory the elements in row-major order and native byte order, on or off heap
   * @param type the element type
   * @param shape the dimensions; their product times the element size is the segment's size
   * @return the tensor; closing it leaves the memory alone
   * @throws IllegalStateException if this device has memory of its own; use {@link
   *     #tensorOf(MemorySegment, DType, long...)} there
   */
  public Tensor wrap(MemorySegment memory, DType type, long... shape) {
    Check.notNull("memory", memory);
    if (!usesHostMemory()) {
      throw new IllegalStateException(
          "wrap needs a device that computes on host memory, and this is " + description());
    }
    long elements = Tensor.elements(shape);
    Check.that(
        memory.byteSize() == elements * type.bytes(),
        "memory has %d bytes; allowed: %d, which shape %s of %s takes",
        memory.byteSize(),
        elements * type.bytes(),
        Arrays.toString(shape),
        type);
    Check.that(!memory.isReadOnly(), "memory is read-only; allowed: writable memory");
    return adopt(
        new Tensor(
            this,
            Buffer.ofHost(memory),
            false,
            type,
            Layout.ROW_MAJOR,
            shape[shape.length - 1],
            shape));
  }

  /**
   * A row-major tensor that <em>is</em> memory of another library, such as JCuda, PyTorch or ONNX
   * Runtime. It must stay allocated while the tensor is used; kofn never frees it.
   *
   * <p>Whoever wrote it must be done, or must have written it in the stream in which the operations
   * are queued, see {@link Stream#run} and {@link Stream#await}.
   *
   * @param address the address of the first element, a multiple of the element size: in this GPU's
   *     memory on a CUDA device, else in host memory, where a wrong address ends the JVM
   * @param type the element type
   * @param shape the dimensions, each at least 0, at least one of them
   * @return the tensor; closing it leaves the memory alone
   * @throws IllegalArgumentException if the driver knows that the memory is not this device's, or
   *     ends too early
   */
  public Tensor tensorAt(long address, DType type, long... shape) {
    Tensor.elements(shape);
    return tensorAt(address, type, shape[shape.length - 1], shape);
  }

  /**
   * A tensor whose rows do not follow each other at once, over memory of another library, see
   * {@link #tensorAt(long, DType, long...)}.
   *
   * @param address the address of the first element, a multiple of the element size
   * @param type the element type
   * @param pitch from the start of a row to the start of the next, in elements, at least the last
   *     dimension; the dimensions before the last together count the rows
   * @param shape the dimensions, each at least 0, at least one of them
   * @return the tensor; closing it leaves the memory alone
   * @throws IllegalArgumentException if the driver knows that the memory is not this device's, or
   *     ends too early
   */
  public Tensor tensorAt(long address, DType type, long pitch, long[] shape) {
    return tensorAt(address, type, pitch, shape, null);
  }

  /** With what tells the owner that the memory is no longer used, or null. */
  Tensor tensorAt(long address, DType type, long pitch, long[] shape, Runnable giveBack) {
    Check.notNull("type", type);
    long elements = Tensor.elements(shape);
    long columns = shape[shape.length - 1];
    Check.atLeast("pitch", pitch, columns);
    Check.that(
        address % type.bytes() == 0 && (address != 0 || elements == 0),
        "address is 0x%x; allowed: multiples of %d, which an element of %s takes, and not 0",
        address,
        type.bytes(),
        type);
    long last = elements == 0 ? 0 : Math.multiplyExact(elements / columns - 1, pitch) + columns;
    Buffer buffer = engine().foreign(address, Math.multiplyExact(last, type.bytes()));
    return adopt(new Tensor(this, buffer, false, giveBack, type, Layout.ROW_MAJOR, pitch, shape));
  }

  /**
   * The stream of operations that are called outside {@link Stream#run}.
   *
   * @return the device's own stream; closing it has no effect on the device
   */
  public Stream stream() {
    return stream;
  }

  /**
   * A new stream.
   *
   * @return the stream, which the caller closes
   */
  public Stream newStream() {
    return adopt(new Stream(this, engine().streams().create(), true));
  }

  /**
   * Another library's stream.
   *
   * @param handle the CUstream, which must exist: drivers need not survive a wrong one. 0 is CUDA's
   *     legacy default stream, and the only handle where the calling thread computes
   * @return the stream, which must not outlive the other library's; closing it leaves that alone
   * @throws IllegalArgumentException if the stream belongs to another CUDA context than the
   *     device's primary one
   */
  public Stream streamAt(long handle) {
    engine().streams().check(handle);
    return adopt(new Stream(this, handle, false));
  }

  /**
   * A new event.
   *
   * @return the event, which the caller closes
   */
  public Event newEvent() {
    return adopt(new Event(this, engine().streams().createEvent()));
  }

  /**
   * Records the operations that the work calls on this device in this thread, instead of running
   * them. Run the same operations once before, so that everything they need is there.
   *
   * <p>Inside, tensors may be made and closed (they are zero at once, and what a graph uses lives
   * as long as it does), but nothing can be copied to or from host memory or waited for.
   *
   * @param work calls operations; runs once, now
   * @return the graph, which the caller closes
   * @throws IllegalStateException if the work does what cannot be recorded, or captures itself
   */
  public Graph capture(Runnable work) {
    Check.notNull("work", work);
    Streams streams = engine().streams();
    if (isCapturing()) {
      throw new IllegalStateException("capturing is not possible inside Device.capture");
    }
    Captured captured =
        new Captured(Collections.newSetFromMap(new IdentityHashMap<>()), new ArrayList<>());
    capturing.set(captured);
    try {
      Streams.Replay replay = streams.capture(work);
      return adopt(new Graph(this, replay, captured.tensors(), captured.draws()));
    } finally {
      capturing.remove();
    }
  }

  /**
   * Whether the calling thread is inside {@link #capture}, where results cannot be looked at.
   *
   * @return true if operations are recorded
   */
  public boolean isCapturing() {
    return capturing.get() != null;
  }

  /** Notes that an operation uses a tensor. */
  void used(Tensor tensor) {
    Captured captured = capturing.get();
    if (captured != null) {
      captured.tensors().add(tensor);
    }
  }

  /** Notes that a tensor is no longer there; a graph under way keeps its memory. */
  void dropped(Tensor tensor) {
    Captured captured = capturing.get();
    if (captured != null) {
      captured.tensors().remove(tensor);
    }
  }

  private void drawn(IntConsumer draw) {
    Captured captured = capturing.get();
    if (captured != null) {
      captured.draws().add(draw);
    }
  }

  Engine engine() {
    if (closed.get()) {
      throw new IllegalStateException("this device (" + backend.label() + ") is closed");
    }
    return engine;
  }

  boolean isClosed() {
    return closed.get();
  }

  void forget(AutoCloseable resource) {
    open.remove(resource);
  }

  private Tensor allocate(DType type, Layout layout, long... shape) {
    Check.notNull("type", type);
    long bytes = Math.multiplyExact(Tensor.elements(shape), type.bytes());
    return adopt(
        new Tensor(
            this, engine().allocate(bytes), true, type, layout, shape[shape.length - 1], shape));
  }

  private <T extends AutoCloseable> T adopt(T resource) {
    open.add(resource);
    return resource;
  }

  /** Frees the device's memory. Closing twice is fine. */
  @Override
  public void close() {
    if (closed.getAndSet(true)) {
      return;
    }
    if (!open.isEmpty()) {
      LOG.log(
          Level.WARNING,
          () ->
              "the "
                  + backend.label()
                  + " device closes with "
                  + open.size()
                  + " open tensors, streams, events or graphs, among them "
                  + some());
    }
    engine.close();
  }

  private String some() {
    return String.join(", ", open.stream().limit(5).map(Object::toString).toList());
  }
}
