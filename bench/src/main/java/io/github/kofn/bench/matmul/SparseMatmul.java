// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.bench.matmul;

import io.github.kofn.bench.Threads;
import io.github.kofn.bench.peers.MklSparse;
import org.bytedeco.javacpp.FloatPointer;
import org.ejml.data.FMatrixRMaj;
import org.ejml.data.FMatrixSparseCSC;
import org.ejml.ops.FConvertMatrixStruct;
import org.ejml.sparse.csc.CommonOps_FSCC;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * Products of a sparse W with the batch side by side, [n, batch], the order that sparse libraries
 * take: Y^T = W X^T and dX^T = W^T dY^T.
 */
@State(Scope.Benchmark)
public abstract class SparseMatmul {
  /** The percentage of blocks that is pruned. */
  @Param({"50", "75", "90", "95", "98"})
  public int sparsity;

  /** Inputs and outputs. */
  @Param({"1024", "4096"})
  public int n;

  /** Examples. */
  @Param({"1", "16", "256", "1024"})
  public int batch;

  /** A number, or all. */
  @Param({"1", "all"})
  public String threads;

  private Problem problem;

  /** For the states below. */
  protected SparseMatmul() {}

  /** OUTxIN of a block. */
  abstract String block();

  /** Makes the operands. */
  @Setup
  public void open() {
    problem = Problem.of(n, batch, block(), sparsity);
    open(problem, Threads.count(threads));
  }

  /** Takes the operands over. */
  abstract void open(Problem operands, int threadCount);

  /** Computes Y^T. */
  abstract void forward();

  /** Computes dX^T. */
  abstract void inputGradient();

  /** What the last product wrote. */
  abstract float[] result();

  /** Frees what is not Java's. */
  abstract void close();

  /** Compares elements with sums in double. */
  @TearDown
  public void check() {
    forward();
    problem.checkForward(Problem.turned(result(), batch));
    inputGradient();
    problem.checkInputGradient(Problem.turned(result(), batch));
    close();
  }

  /** MKL's inspector-executor: the matrix is analysed and optimised for the product before. */
  @State(Scope.Benchmark)
  public abstract static class Mkl extends SparseMatmul {
    private MklSparse forward;
    private MklSparse backward;
    private FloatPointer x;
    private FloatPointer dy;
    private FloatPointer y;

    @Override
    void open(Problem operands, int threadCount) {
      forward = matrix(operands, false, threadCount);
      backward = matrix(operands, true, threadCount);
      x = new FloatPointer(Problem.turned(operands.x(), n));
      dy = new FloatPointer(Problem.turned(operands.dy(), n));
      y = new FloatPointer((long) batch * n);
    }

    private static MklSparse matrix(Problem p, boolean turned, int threadCount) {
      return new MklSparse(
          p.kept().length,
          p.blockOut(),
          p.starts(),
          p.indices(),
          p.packed(),
          turned,
          p.batch(),
          threadCount);
    }

    @Override
    void forward() {
      forward.multiply(x, y);
    }

    @Override
    void inputGradient() {
      backward.multiply(dy, y);
    }

    @Override
    float[] result() {
      float[] values = new float[batch * n];
      y.get(values);
      return values;
    }

    @Override
    void close() {
      forward.close();
      backward.close();
      x.close();
      dy.close();
      y.close();
    }
  }

  /** Single weights: compressed sparse rows. */
  public static class MklCsr extends Mkl {
    /** OUTxIN of a block. */
    @Param("1x1")
    public String block;

    @Override
    String block() {
      return block;
    }
  }

  /** Square blocks: block compressed sparse rows. */
  public static class MklBsr extends Mkl {
    /** OUTxIN of a block. */
    @Param({"16x16", "32x32", "64x64"})
    public String block;

    @Override
    String block() {
      return block;
    }
  }

  /** EJML's compressed sparse columns, in plain Java with one thread. */
  public static class EjmlCsc extends SparseMatmul {
    /** OUTxIN of a block. */
    @Param("1x1")
    public String block;

    private FMatrixSparseCSC w;
    private FMatrixSparseCSC turned;
    private FMatrixRMaj x;
    private FMatrixRMaj dy;
    private FMatrixRMaj y;

    @Override
    String block() {
      return block;
    }

    @Override
    void open(Problem operands, int threadCount) {
      w = new FMatrixSparseCSC(n, n);
      FConvertMatrixStruct.convert(FMatrixRMaj.wrap(n, n, operands.masked()), w, 0);
      turned = new FMatrixSparseCSC(n, n);
      CommonOps_FSCC.transpose(w, turned, null);
      x = FMatrixRMaj.wrap(n, batch, Problem.turned(operands.x(), n));
      dy = FMatrixRMaj.wrap(n, batch, Problem.turned(operands.dy(), n));
      y = new FMatrixRMaj(n, batch);
    }

    @Override
    void forward() {
      CommonOps_FSCC.mult(w, x, y);
    }

    @Override
    void inputGradient() {
      CommonOps_FSCC.mult(turned, dy, y);
    }

    @Override
    float[] result() {
      return y.data.clone();
    }

    @Override
    void close() {}
  }
}
