// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.bench.matmul;

import static jcuda.cudaDataType.CUDA_R_32F;
import static jcuda.jcusparse.cusparseDirection.CUSPARSE_DIRECTION_ROW;
import static jcuda.jcusparse.cusparseIndexBase.CUSPARSE_INDEX_BASE_ZERO;
import static jcuda.jcusparse.cusparseIndexType.CUSPARSE_INDEX_32I;
import static jcuda.jcusparse.cusparseOperation.CUSPARSE_OPERATION_NON_TRANSPOSE;
import static jcuda.jcusparse.cusparseOrder.CUSPARSE_ORDER_ROW;
import static jcuda.jcusparse.cusparseSpMMAlg.CUSPARSE_SPMM_CSR_ALG2;

import io.github.kofn.bench.peers.Cuda;
import jcuda.Pointer;
import jcuda.jcusparse.JCusparse;
import jcuda.jcusparse.cusparseConstDnMatDescr;
import jcuda.jcusparse.cusparseConstSpMatDescr;
import jcuda.jcusparse.cusparseDnMatDescr;
import jcuda.jcusparse.cusparseHandle;
import jcuda.jcusparse.cusparseMatDescr;
import jcuda.jcusparse.cusparseSpMatDescr;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;

/** Products of cuSPARSE in F32. The transpose, for dX, is a matrix of its own. */
@State(Scope.Benchmark)
public abstract class CusparseMatmul extends GpuMatmul {
  private static final Pointer ONE = Pointer.to(new float[] {1});
  private static final Pointer ZERO = Pointer.to(new float[] {0});

  /** The percentage of blocks that is pruned. */
  @Param({"50", "75", "90", "95", "98"})
  public int sparsity;

  private final cusparseHandle handle = new cusparseHandle();
  private Product forward;
  private Product inputGradient;

  /** For the states below. */
  protected CusparseMatmul() {}

  /** OUTxIN of a block. */
  abstract String block();

  /** Prepares the product of a matrix with values of which each example has its own row. */
  abstract Product product(cusparseHandle library, Problem p, Blocks w, float[] rows, Pointer y);

  @Override
  Problem problem() {
    return Problem.of(n, batch, block(), sparsity);
  }

  @Override
  void open(Problem operands, Pointer result) {
    JCusparse.setExceptionsEnabled(true);
    JCusparse.cusparseCreate(handle);
    Blocks w = Blocks.of(operands);
    forward = product(handle, operands, w, operands.x(), result);
    inputGradient = product(handle, operands, w.turned(), operands.dy(), result);
  }

  @Override
  void forward() {
    forward.run();
  }

  @Override
  void inputGradient() {
    inputGradient.run();
  }

  @Override
  void close() {
    forward.close();
    inputGradient.close();
    JCusparse.cusparseDestroy(handle);
  }

  /** A matrix and what it is multiplied with. */
  abstract static class Product {
    private final Pointer starts;
    private final Pointer columns;
    private final Pointer values;
    private final Pointer operand;

    Product(Blocks w, float[] operand) {
      starts = Cuda.copyOf(w.starts());
      columns = Cuda.copyOf(w.columns());
      values = Cuda.copyOf(w.values());
      this.operand = Cuda.copyOf(operand);
    }

    abstract void run();

    void close() {
      Cuda.free(starts, columns, values, operand);
    }
  }

  /** Single weights: compressed sparse rows, the batch side by side, which it is fastest with. */
  public static class Csr extends CusparseMatmul {
    /** OUTxIN of a block. */
    @Param("1x1")
    public String block;

    /** For JMH. */
    public Csr() {}

    @Override
    String block() {
      return block;
    }

    @Override
    Product product(cusparseHandle library, Problem p, Blocks w, float[] rows, Pointer y) {
      return new CsrProduct(library, w, p.batch(), Problem.turned(rows, p.n()), y);
    }

    @Override
    float[] rows(float[] result) {
      return Problem.turned(result, batch);
    }
  }

  private static final class CsrProduct extends Product {
    private final cusparseHandle library;
    private final cusparseSpMatDescr w = new cusparseSpMatDescr();
    private final cusparseDnMatDescr x = new cusparseDnMatDescr();
    private final cusparseDnMatDescr y = new cusparseDnMatDescr();
    private final cusparseConstSpMatDescr constW;
    private final cusparseConstDnMatDescr constX;
    private final Pointer workspace;

    CsrProduct(cusparseHandle library, Blocks blocks, int batch, float[] operand, Pointer result) {
      super(blocks, operand);
      this.library = library;
      int n = blocks.rows();
      JCusparse.cusparseCreateCsr(
          w,
          n,
          n,
          blocks.columns().length,
          super.starts,
          super.columns,
          super.values,
          CUSPARSE_INDEX_32I,
          CUSPARSE_INDEX_32I,
          CUSPARSE_INDEX_BASE_ZERO,
          CUDA_R_32F);
      dense(x, n, batch, super.operand);
      dense(y, n, batch, result);
      constW = w.asConst();
      constX = x.asConst();
      long[] bytes = new long[1];
      JCusparse.cusparseSpMM_bufferSize(
          library,
          CUSPARSE_OPERATION_NON_TRANSPOSE,
          CUSPARSE_OPERATION_NON_TRANSPOSE,
          ONE,
          constW,
          constX,
          ZERO,
          y,
          CUDA_R_32F,
          CUSPARSE_SPMM_CSR_ALG2,
          bytes);
      workspace = Cuda.allocate(bytes[0]);
    }

    private static void dense(cusparseDnMatDescr matrix, int n, int batch, Pointer values) {
      JCusparse.cusparseCreateDnMat(
          matrix, n, batch, batch, values, CUDA_R_32F, CUSPARSE_ORDER_ROW);
    }

    @Override
    void run() {
      JCusparse.cusparseSpMM(
          library,
          CUSPARSE_OPERATION_NON_TRANSPOSE,
          CUSPARSE_OPERATION_NON_TRANSPOSE,
          ONE,
          constW,
          constX,
          ZERO,
          y,
          CUDA_R_32F,
          CUSPARSE_SPMM_CSR_ALG2,
          workspace);
    }

    @Override
    void close() {
      JCusparse.cusparseDestroySpMat(constW);
      JCusparse.cusparseDestroyDnMat(constX);
      JCusparse.cusparseDestroyDnMat(y.asConst());
      Cuda.free(workspace);
      super.close();
    }
  }

  /**
   * Square blocks: block compressed sparse rows. It takes and writes dense matrices column by
   * column, which is an example's row here.
   */
  public static class Bsr extends CusparseMatmul {
    /** OUTxIN of a block. */
    @Param({"16x16", "32x32", "64x64"})
    public String block;

    /** For JMH. */
    public Bsr() {}

    @Override
    String block() {
      return block;
    }

    @Override
    Product product(cusparseHandle library, Problem p, Blocks w, float[] rows, Pointer y) {
      return new BsrProduct(library, w, p, rows, y);
    }

    @Override
    float[] rows(float[] result) {
      return result;
    }
  }

  private static final class BsrProduct extends Product {
    private final cusparseHandle library;
    private final cusparseMatDescr general = new cusparseMatDescr();
    private final int blockRows;
    private final int count;
    private final int side;
    private final int batch;
    private final Pointer result;

    BsrProduct(cusparseHandle library, Blocks w, Problem p, float[] operand, Pointer result) {
      super(w, operand);
      this.library = library;
      blockRows = w.rows();
      count = w.columns().length;
      side = p.blockIn();
      batch = p.batch();
      this.result = result;
      JCusparse.cusparseCreateMatDescr(general);
    }

    @Override
    void run() {
      int n = blockRows * side;
      JCusparse.cusparseSbsrmm(
          library,
          CUSPARSE_DIRECTION_ROW,
          CUSPARSE_OPERATION_NON_TRANSPOSE,
          CUSPARSE_OPERATION_NON_TRANSPOSE,
          blockRows,
          batch,
          blockRows,
          count,
          ONE,
          general,
          super.values,
          super.starts,
          super.columns,
          side,
          super.operand,
          n,
          ZERO,
          result,
          n);
    }

    @Override
    void close() {
      JCusparse.cusparseDestroyMatDescr(general);
      super.close();
    }
  }
}
