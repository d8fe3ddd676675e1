// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.bench.matmul;

import io.github.kofn.bench.peers.Blas;
import org.bytedeco.javacpp.FloatPointer;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;

/** Dense products in native memory. */
@State(Scope.Benchmark)
public abstract class BlasMatmul extends DenseMatmul {
  private final Blas blas;
  private FloatPointer w;
  private FloatPointer x;
  private FloatPointer dy;
  private FloatPointer activations;
  private FloatPointer dw;
  private FloatPointer last;

  /** With one library. */
  protected BlasMatmul(Blas blas) {
    this.blas = blas;
  }

  @Override
  void open(Problem operands, int threadCount) {
    blas.setThreads(threadCount);
    w = new FloatPointer(operands.weights());
    x = new FloatPointer(operands.x());
    dy = new FloatPointer(operands.dy());
    activations = new FloatPointer((long) batch * n);
    dw = new FloatPointer((long) n * n);
  }

  @Override
  void forward() {
    last = activations;
    if (batch == 1) {
      blas.multiplyVector(false, n, n, w, x, activations);
    } else {
      blas.multiply(false, true, batch, n, n, x, w, activations);
    }
  }

  @Override
  void inputGradient() {
    last = activations;
    if (batch == 1) {
      blas.multiplyVector(true, n, n, w, dy, activations);
    } else {
      blas.multiply(false, false, batch, n, n, dy, w, activations);
    }
  }

  @Override
  void weightGradient() {
    last = dw;
    blas.multiply(true, false, n, n, batch, dy, x, dw);
  }

  @Override
  float[] result() {
    float[] values = new float[Math.toIntExact(last.capacity())];
    last.get(values);
    return values;
  }

  @Override
  void close() {
    for (FloatPointer pointer : new FloatPointer[] {w, x, dy, activations, dw}) {
      pointer.close();
    }
  }

  /** OpenBLAS. */
  public static class OpenBlas extends BlasMatmul {
    /** For JMH. */
    public OpenBlas() {
      super(Blas.OPENBLAS);
    }
  }

  /** MKL. */
  public static class Mkl extends BlasMatmul {
    /** For JMH. */
    public Mkl() {
      super(Blas.MKL);
    }
  }
}
