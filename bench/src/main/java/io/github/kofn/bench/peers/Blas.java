// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.bench.peers;

import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.mkl.global.mkl_rt;
import org.bytedeco.openblas.global.openblas_nolapack;

/** The two native BLAS libraries: row-major products in F32. */
public enum Blas {
  /** OpenBLAS, through bytedeco. */
  OPENBLAS {
    @Override
    public void setThreads(int threads) {
      openblas_nolapack.blas_set_num_threads(threads);
    }

    @Override
    void gemm(
        int ta,
        int tb,
        int m,
        int n,
        int k,
        FloatPointer a,
        int lda,
        FloatPointer b,
        int ldb,
        FloatPointer c) {
      openblas_nolapack.cblas_sgemm(ROWS, ta, tb, m, n, k, 1, a, lda, b, ldb, 0, c, n);
    }

    @Override
    void gemv(int t, int m, int n, FloatPointer a, FloatPointer x, FloatPointer y) {
      openblas_nolapack.cblas_sgemv(ROWS, t, m, n, 1, a, n, x, 1, 0, y, 1);
    }
  },
  /** Intel MKL, through bytedeco. */
  MKL {
    @Override
    public void setThreads(int threads) {
      mkl_rt.MKL_Set_Num_Threads(threads);
    }

    @Override
    void gemm(
        int ta,
        int tb,
        int m,
        int n,
        int k,
        FloatPointer a,
        int lda,
        FloatPointer b,
        int ldb,
        FloatPointer c) {
      mkl_rt.cblas_sgemm(ROWS, ta, tb, m, n, k, 1, a, lda, b, ldb, 0, c, n);
    }

    @Override
    void gemv(int t, int m, int n, FloatPointer a, FloatPointer x, FloatPointer y) {
      mkl_rt.cblas_sgemv(ROWS, t, m, n, 1, a, n, x, 1, 0, y, 1);
    }
  };

  private static final int ROWS = 101;
  private static final int AS_IT_IS = 111;
  private static final int TURNED = 112;

  /**
   * Sets how many threads a product uses.
   *
   * @param threads at least 1
   */
  public abstract void setThreads(int threads);

  abstract void gemm(
      int ta,
      int tb,
      int m,
      int n,
      int k,
      FloatPointer a,
      int lda,
      FloatPointer b,
      int ldb,
      FloatPointer c);

  abstract void gemv(int t, int m, int n, FloatPointer a, FloatPointer x, FloatPointer y);

  /**
   * C = A B, either operand turned.
   *
   * @param turnA whether a is [k, m] instead of [m, k]
   * @param turnB whether b is [n, k] instead of [k, n]
   * @param m rows of C
   * @param n columns of C
   * @param k terms
   * @param a A
   * @param b B
   * @param c C, overwritten
   */
  public void multiply(
      boolean turnA,
      boolean turnB,
      int m,
      int n,
      int k,
      FloatPointer a,
      FloatPointer b,
      FloatPointer c) {
    gemm(flag(turnA), flag(turnB), m, n, k, a, turnA ? m : k, b, turnB ? k : n, c);
  }

  /**
   * y = A x, A turned or not.
   *
   * @param turned whether A is used turned
   * @param m rows of A
   * @param n columns of A
   * @param a A
   * @param x x
   * @param y y, overwritten
   */
  public void multiplyVector(
      boolean turned, int m, int n, FloatPointer a, FloatPointer x, FloatPointer y) {
    gemv(flag(turned), m, n, a, x, y);
  }

  private static int flag(boolean turned) {
    return turned ? TURNED : AS_IT_IS;
  }
}
