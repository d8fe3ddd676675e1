// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.bench.matmul;

import dev.ludovic.netlib.blas.JavaBLAS;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;

/**
 * Dense products of netlib's pure-Java BLAS on the Vector API, with one thread. It is column-major:
 * what is [rows, columns] here is [columns, rows] there.
 */
@State(Scope.Benchmark)
public class NetlibMatmul extends DenseMatmul {
  private final JavaBLAS blas = JavaBLAS.getInstance();
  private Problem operands;
  private float[] activations;
  private float[] dw;
  private float[] last;

  @Override
  void open(Problem problem, int threadCount) {
    operands = problem;
    activations = new float[batch * n];
    dw = new float[n * n];
  }

  @Override
  void forward() {
    last = activations;
    blas.sgemm("T", "N", n, batch, n, 1, operands.weights(), n, operands.x(), n, 0, activations, n);
  }

  @Override
  void inputGradient() {
    last = activations;
    blas.sgemm(
        "N", "N", n, batch, n, 1, operands.weights(), n, operands.dy(), n, 0, activations, n);
  }

  @Override
  void weightGradient() {
    last = dw;
    blas.sgemm("N", "T", n, n, batch, 1, operands.x(), n, operands.dy(), n, 0, dw, n);
  }

  @Override
  float[] result() {
    return last.clone();
  }

  @Override
  void close() {}
}
