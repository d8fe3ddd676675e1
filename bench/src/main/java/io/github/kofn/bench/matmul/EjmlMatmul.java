// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.bench.matmul;

import org.ejml.data.FMatrixRMaj;
import org.ejml.dense.row.CommonOps_FDRM;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;

/** Dense products of EJML, in plain Java with one thread. */
@State(Scope.Benchmark)
public class EjmlMatmul extends DenseMatmul {
  private FMatrixRMaj w;
  private FMatrixRMaj x;
  private FMatrixRMaj dy;
  private FMatrixRMaj activations;
  private FMatrixRMaj dw;
  private FMatrixRMaj last;

  @Override
  void open(Problem operands, int threadCount) {
    w = FMatrixRMaj.wrap(n, n, operands.weights());
    x = FMatrixRMaj.wrap(batch, n, operands.x());
    dy = FMatrixRMaj.wrap(batch, n, operands.dy());
    activations = new FMatrixRMaj(batch, n);
    dw = new FMatrixRMaj(n, n);
  }

  @Override
  void forward() {
    last = activations;
    CommonOps_FDRM.multTransB(x, w, activations);
  }

  @Override
  void inputGradient() {
    last = activations;
    CommonOps_FDRM.mult(dy, w, activations);
  }

  @Override
  void weightGradient() {
    last = dw;
    CommonOps_FDRM.multTransA(dy, x, dw);
  }

  @Override
  float[] result() {
    return last.data.clone();
  }

  @Override
  void close() {}
}
