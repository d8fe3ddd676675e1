// SPDX-License-Identifier: Apache-2.0
package io.github.kofn;

/** A call to the CUDA driver failed. */
public final class CudaException extends KofnException {
  private static final long serialVersionUID = 1L;

  /** The driver's result. */
  private final int code;

  /** The result's name. */
  private final String name;

  /** The driver's entry point. */
  private final String call;

  /**
   * Creates an exception.
   *
   * @param code the CUresult
   * @param name its name, such as CUDA_ERROR_ILLEGAL_ADDRESS
   * @param call the driver's entry point
   * @param detail the driver's own sentence, what kofn was doing, and what it means for the user
   */
  public CudaException(int code, String name, String call, String detail) {
    super(call + " answered " + name + " (" + code + "): " + detail);
    this.code = code;
    this.name = name;
    this.call = call;
  }

  /**
   * The driver's result.
   *
   * @return the CUresult
   */
  public int code() {
    return code;
  }

  /**
   * The result's name.
   *
   * @return such as CUDA_ERROR_OUT_OF_MEMORY
   */
  public String name() {
    return name;
  }

  /**
   * The driver's entry point.
   *
   * @return such as cuMemAlloc_v2
   */
  public String call() {
    return call;
  }

  /**
   * Whether the device is lost: after a fault in a kernel every further call fails until the
   * process ends.
   *
   * @return true for faults that stay
   */
  public boolean deviceLost() {
    return switch (code) {
      case 700, 710, 714, 715, 716, 717, 718, 719 -> true;
      default -> false;
    };
  }
}
