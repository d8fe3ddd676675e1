// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.bench.peers;

import java.util.Arrays;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.mkl.global.mkl_rt;
import org.bytedeco.mkl.global.mkl_rt.matrix_descr;
import org.bytedeco.mkl.global.mkl_rt.sparse_matrix;

/** A square sparse matrix of MKL, analysed for one kind of product. */
public final class MklSparse implements AutoCloseable {
  /** How often the product is going to be called: often enough for any optimisation. */
  private static final int CALLS = 1_000_000;

  private final int operation;
  private final int batch;
  private final sparse_matrix matrix = new sparse_matrix();
  private final matrix_descr description = new matrix_descr();
  private final IntPointer starts;
  private final IntPointer ends;
  private final IntPointer columns;
  private final FloatPointer values;

  /**
   * Compressed sparse rows, of blocks if a block is larger than 1.
   *
   * @param blockRows rows of blocks, as many as columns
   * @param block the side of a block
   * @param starts where each block row begins among the blocks, and the end
   * @param columns the blocks' columns
   * @param values the blocks, row-major, one behind the other
   * @param turned whether to multiply by the transpose
   * @param batch columns of the other operand
   * @param threads threads of a product
   */
  public MklSparse(
      int blockRows,
      int block,
      int[] starts,
      int[] columns,
      float[] values,
      boolean turned,
      int batch,
      int threads) {
    mkl_rt.MKL_Set_Num_Threads(threads);
    this.batch = batch;
    this.operation =
        turned ? mkl_rt.SPARSE_OPERATION_TRANSPOSE : mkl_rt.SPARSE_OPERATION_NON_TRANSPOSE;
    this.starts = new IntPointer(starts);
    this.ends = new IntPointer(Arrays.copyOfRange(starts, 1, starts.length));
    this.columns = new IntPointer(columns);
    this.values = new FloatPointer(values);
    int zero = mkl_rt.SPARSE_INDEX_BASE_ZERO;
    int rows = mkl_rt.SPARSE_LAYOUT_ROW_MAJOR;
    check(
        "create",
        block == 1
            ? mkl_rt.mkl_sparse_s_create_csr(
                matrix,
                zero,
                blockRows,
                blockRows,
                this.starts,
                this.ends,
                this.columns,
                this.values)
            : mkl_rt.mkl_sparse_s_create_bsr(
                matrix,
                zero,
                rows,
                blockRows,
                blockRows,
                block,
                this.starts,
                this.ends,
                this.columns,
                this.values));
    description.type(mkl_rt.SPARSE_MATRIX_TYPE_GENERAL);
    // Hints are advice; the library may say that it has no use for one.
    if (batch == 1) {
      mkl_rt.mkl_sparse_set_mv_hint(matrix, operation, description, CALLS);
    } else {
      mkl_rt.mkl_sparse_set_mm_hint(matrix, operation, description, rows, batch, CALLS);
    }
    check("optimize", mkl_rt.mkl_sparse_optimize(matrix));
  }

  /**
   * C = A B or A^T B.
   *
   * @param b [n, batch], row-major
   * @param c [n, batch], row-major, overwritten
   */
  public void multiply(FloatPointer b, FloatPointer c) {
    check(
        "multiply",
        batch == 1
            ? mkl_rt.mkl_sparse_s_mv(operation, 1, matrix, description, b, 0, c)
            : mkl_rt.mkl_sparse_s_mm(
                operation,
                1,
                matrix,
                description,
                mkl_rt.SPARSE_LAYOUT_ROW_MAJOR,
                b,
                batch,
                batch,
                0,
                c,
                batch));
  }

  private static void check(String call, int status) {
    if (status != mkl_rt.SPARSE_STATUS_SUCCESS) {
      throw new IllegalStateException("mkl_sparse " + call + " returned status " + status);
    }
  }

  @Override
  public void close() {
    mkl_rt.mkl_sparse_destroy(matrix);
    for (Pointer pointer : new Pointer[] {starts, ends, columns, values, description}) {
      pointer.close();
    }
  }
}
