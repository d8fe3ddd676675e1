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

  /** All else there is to say. */
  private final String detail;

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
    this.detail = detail;
  }

  /**
   * The same failure, with more said about it.
   *
   * @param more what was being done, with what
   * @return a new exception whose cause is this one
   */
  public CudaException with(String more) {
    CudaException told = new CudaException(code, name, call, detail + "; " + more);
    told.initCause(this);
    return told;
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
   * Whether the device is lost: after a fault in a kernel, a watchdog's timeout or an uncorrectable
   * memory error every further call fails until the process ends.
   *
   * @return true for faults that stay
   */
  public boolean deviceLost() {
    return switch (code) {
      case 214, 220, 700, 702, 709, 710, 714, 715, 716, 717, 718, 719, 721 -> true;
      default -> false;
    };
  }
}
