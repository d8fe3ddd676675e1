// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import io.github.kofn.DType;
import io.github.kofn.internal.cuda.ProductPlan.Few;
import io.github.kofn.internal.cuda.ProductPlan.Lanes;
import io.github.kofn.internal.cuda.ProductPlan.Regime;
import io.github.kofn.internal.cuda.ProductPlan.Tensor;
import io.github.kofn.sparse.KofNLayout;
import java.io.IOException;
import java.io.InputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The choice of kernels for products, and the table it chooses from. */
class ProductPlanTest {
  private final ProductCatalogue catalogue = catalogue();

  private static ProductCatalogue catalogue() {
    try (InputStream in =
        CudaProvider.class.getResourceAsStream("/META-INF/kofn/matmul/catalogue.inc")) {
      return ProductCatalogue.parse(in);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private static KofNLayout blocks(int blockOut, int blockIn) {
    return new KofNLayout(1024, 1024, blockOut, blockIn, 1);
  }

  private ProductPlan forward(KofNLayout layout, long batch, DType type, boolean tf32) {
    return ProductPlan.forward(catalogue, layout, batch, type, type, tf32, Regime.AUTO);
  }

  @ParameterizedTest
  @CsvSource({
    "16, 16, BF16, false, bf16, 16",
    "32, 64, F16, false, f16, 32",
    "48, 32, BF16, false, bf16, 16",
    "64, 64, I8, false, i8, 64",
    "96, 16, BF16, false, bf16, 32",
    "128, 128, F16, false, f16, 128",
    "256, 16, BF16, false, bf16, 128",
    "64, 64, F32, true, tf32, 64",
    "16, 8, F32, true, tf32, 16"
  })
  void wholeBlocksGoToTensorCores(
      int blockOut, int blockIn, DType type, boolean tf32, String name, int block) {
    Tensor plan =
        assertInstanceOf(Tensor.class, forward(blocks(blockOut, blockIn), 100, type, tf32));
    assertEquals(name, plan.type());
    assertEquals(block, plan.block());
  }

  @ParameterizedTest
  @CsvSource({
    "64, 64, F32, false, 8",
    "1, 1, BF16, false, 1",
    "8, 16, BF16, false, 8",
    "16, 8, BF16, false, 8",
    "16, 16, I8, false, 8",
    "3, 5, F32, true, 8"
  })
  void everythingElseGoesToLanes(int blockOut, int blockIn, DType type, boolean tf32, int shared) {
    assertEquals(new Lanes(shared), forward(blocks(blockOut, blockIn), 100, type, tf32));
  }

  @Test
  void unequalFactorsAndForcedRegimesGoToLanes() {
    KofNLayout layout = blocks(64, 64);
    assertEquals(
        new Lanes(8),
        ProductPlan.forward(catalogue, layout, 100, DType.F32, DType.BF16, true, Regime.AUTO));
    assertEquals(
        new Lanes(8),
        ProductPlan.forward(catalogue, layout, 100, DType.BF16, DType.BF16, false, Regime.LANES));
  }

  @ParameterizedTest
  @CsvSource({"0, 1, 1, 1", "1, 1, 1, 1", "2, 1, 1, 4", "5, 64, 4, 8", "8, 2, 4, 8"})
  void fewExamplesGoAlongTheTerms(int batch, int blockOut, int shared, int examples) {
    assertEquals(
        new Few(shared, examples), forward(blocks(blockOut, 16), batch, DType.BF16, false));
  }

  @Test
  void integersAndForcedRegimesNever() {
    assertInstanceOf(Tensor.class, forward(blocks(64, 64), 1, DType.I8, false));
    assertInstanceOf(
        Tensor.class,
        ProductPlan.forward(
            catalogue, blocks(64, 64), 1, DType.F16, DType.F16, false, Regime.TENSOR));
  }

  @Test
  void gradientsNeedWholeBlocksAlongBothSides() {
    assertInstanceOf(Tensor.class, backward(blocks(16, 16), DType.BF16, false));
    assertEquals(new Lanes(8), backward(blocks(16, 16), DType.F32, false));
    assertEquals(new Lanes(8), backward(blocks(8, 16), DType.BF16, false));
    assertInstanceOf(Tensor.class, weightGradient(blocks(32, 48), DType.F32, true));
    assertEquals(new Lanes(8), weightGradient(blocks(32, 8), DType.F32, true));
    assertInstanceOf(
        Tensor.class,
        ProductPlan.maskGradient(catalogue, DType.F16, DType.F16, false, Regime.AUTO));
    assertEquals(
        new Lanes(1),
        ProductPlan.maskGradient(catalogue, DType.F32, DType.F32, false, Regime.AUTO));
  }

  private ProductPlan backward(KofNLayout layout, DType type, boolean tf32) {
    return ProductPlan.backward(catalogue, layout, type, type, tf32, Regime.AUTO);
  }

  private ProductPlan weightGradient(KofNLayout layout, DType type, boolean tf32) {
    return ProductPlan.weightGradient(catalogue, layout, type, type, tf32, Regime.AUTO);
  }
}
