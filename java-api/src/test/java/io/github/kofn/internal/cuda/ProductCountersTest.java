// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.kofn.DType;
import io.github.kofn.internal.cuda.ProductPlan.Regime;
import io.github.kofn.internal.cuda.ProductProblem.Operation;
import io.github.kofn.sparse.KofNLayout;
import java.io.IOException;
import java.io.InputStream;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What products execute on the simulated device, beside what {@link ProductCost} says of them. */
class ProductCountersTest {
  /** The model leaves out what depends on where the kept blocks lie. */
  private static final double FACTOR = 1.3;

  @ParameterizedTest
  @CsvSource({
    "FORWARD, LANES, 128, 512, 1, 1, 51, 64, F32, false",
    "FORWARD, LANES, 128, 512, 1, 1, 256, 64, BF16, false",
    "FORWARD, LANES, 128, 512, 8, 8, 16, 64, F32, false",
    "FORWARD, LANES, 128, 450, 1, 9, 8, 64, F32, false",
    "FORWARD, LANES, 128, 512, 1, 1, 51, 64, I8, false",
    "FORWARD, FEW, 512, 512, 1, 1, 51, 1, F32, false",
    "FORWARD, FEW, 512, 512, 16, 16, 4, 8, BF16, false",
    "FORWARD, CHUNKED, 256, 2048, 1, 1, 205, 16, F32, false",
    "FORWARD, CHUNKED, 256, 2048, 1, 1, 102, 16, BF16, false",
    "FORWARD, CHUNKED, 256, 2048, 1, 1, 1024, 16, F16, false",
    "FORWARD, CHUNKED, 8192, 512, 1, 1, 51, 32, F32, false",
    "FORWARD, CHUNKED, 13824, 256, 1, 1, 26, 64, F32, false",
    "FORWARD, CHUNKED, 128, 450, 1, 9, 8, 16, F32, false",
    "FORWARD, TENSOR, 128, 512, 16, 16, 8, 128, BF16, false",
    "FORWARD, TENSOR, 1024, 1024, 16, 16, 16, 16, BF16, false",
    "FORWARD, TENSOR, 128, 512, 32, 32, 8, 128, F16, false",
    "FORWARD, TENSOR, 128, 512, 64, 64, 4, 128, BF16, false",
    "FORWARD, TENSOR, 128, 512, 128, 128, 2, 128, BF16, false",
    "FORWARD, TENSOR, 128, 512, 64, 64, 4, 128, F32, true",
    "FORWARD, TENSOR, 128, 512, 64, 64, 4, 128, I8, false",
    "FORWARD, TENSOR, 512, 1024, 16, 16, 16, 128, I8, false",
    "FORWARD, TENSOR, 512, 1024, 16, 16, 32, 128, I8, false",
    "FORWARD, TENSOR, 512, 1152, 16, 48, 6, 128, I8, false",
    "FORWARD, TENSOR, 512, 4096, 64, 16, 64, 128, I8, false",
    "FORWARD, GATHERED, 128, 512, 16, 1, 51, 128, BF16, false",
    "FORWARD, GATHERED, 1024, 1024, 16, 16, 16, 16, BF16, false",
    "FORWARD, GATHERED, 128, 1024, 32, 1, 256, 256, F16, false",
    "FORWARD, GATHERED, 128, 512, 64, 1, 128, 128, BF16, false",
    "FORWARD, GATHERED, 128, 1152, 128, 9, 40, 128, BF16, false",
    "FORWARD, GATHERED, 128, 512, 16, 1, 51, 128, F32, true",
    "FORWARD, GATHERED, 128, 1024, 64, 1, 128, 128, F32, true",
    "FORWARD, DENSE, 128, 512, 1, 1, 128, 128, F32, false",
    "FORWARD, DENSE, 128, 512, 1, 1, 128, 128, BF16, false",
    "FORWARD, DENSE, 128, 512, 1, 1, 512, 128, F32, false",
    "FORWARD, DENSE, 128, 512, 8, 8, 16, 128, I8, false",
    "INPUT_GRADIENT, LANES, 512, 128, 1, 1, 13, 64, F32, false",
    "INPUT_GRADIENT, CHUNKED, 2048, 256, 1, 1, 25, 16, F32, false",
    "INPUT_GRADIENT, LANES, 512, 128, 8, 8, 4, 64, F32, false",
    "INPUT_GRADIENT, TENSOR, 512, 128, 16, 16, 4, 128, BF16, false",
    "INPUT_GRADIENT, TENSOR, 512, 128, 64, 64, 1, 128, F16, false",
    "INPUT_GRADIENT, TENSOR, 2048, 1024, 64, 64, 4, 896, BF16, false",
    "INPUT_GRADIENT, TENSOR, 512, 128, 128, 128, 1, 128, F32, true",
    "INPUT_GRADIENT, DENSE, 512, 128, 1, 1, 32, 128, F32, false",
    "INPUT_GRADIENT, DENSE, 512, 128, 1, 1, 32, 128, F16, false",
    "WEIGHT_GRADIENT, LANES, 128, 512, 1, 1, 51, 64, F32, false",
    "WEIGHT_GRADIENT, LANES, 128, 512, 1, 1, 51, 600, BF16, false",
    "WEIGHT_GRADIENT, LANES, 128, 512, 8, 8, 16, 64, F32, false",
    "WEIGHT_GRADIENT, TENSOR, 128, 512, 16, 16, 8, 128, BF16, false",
    "WEIGHT_GRADIENT, TENSOR, 128, 512, 64, 64, 4, 128, F32, true",
    "WEIGHT_GRADIENT, TENSOR, 128, 512, 16, 16, 2, 256, BF16, false",
    "WEIGHT_GRADIENT, TENSOR, 128, 512, 16, 16, 4, 128, F16, false",
    "WEIGHT_GRADIENT, TENSOR, 128, 512, 32, 32, 1, 256, F32, true",
    "WEIGHT_GRADIENT, TENSOR, 128, 512, 64, 64, 1, 128, BF16, false",
    "WEIGHT_GRADIENT, TENSOR, 64, 256, 64, 64, 1, 4096, BF16, false",
    "WEIGHT_GRADIENT, GATHERED, 256, 512, 16, 1, 128, 256, BF16, false",
    "WEIGHT_GRADIENT, GATHERED, 256, 512, 32, 1, 128, 256, F16, false",
    "WEIGHT_GRADIENT, GATHERED, 256, 512, 64, 1, 51, 256, BF16, false",
    "WEIGHT_GRADIENT, GATHERED, 256, 1152, 128, 9, 40, 128, BF16, false",
    "WEIGHT_GRADIENT, GATHERED, 256, 512, 16, 1, 128, 256, F32, true",
    "WEIGHT_GRADIENT, GATHERED, 128, 1024, 64, 1, 128, 128, F32, true",
    "WEIGHT_GRADIENT, GATHERED, 64, 256, 64, 1, 100, 2048, BF16, false",
    "WEIGHT_GRADIENT, DENSE, 128, 512, 1, 1, 51, 64, F32, false",
    "WEIGHT_GRADIENT, DENSE, 128, 512, 1, 1, 51, 64, BF16, false",
    "MASK_GRADIENT, DENSE, 128, 512, 1, 1, 51, 64, F32, false",
    "MASK_GRADIENT, DENSE, 1500, 2000, 1, 1, 51, 33, F32, false",
    "MASK_GRADIENT, TENSOR, 128, 512, 1, 1, 51, 64, BF16, false"
  })
  void theModelSaysWhatIsIssued(
      Operation operation,
      Regime regime,
      int out,
      int in,
      int blockOut,
      int blockIn,
      int k,
      int batch,
      DType type,
      boolean tf32)
      throws IOException {
    KofNLayout layout = new KofNLayout(out, in, blockOut, blockIn, k);
    ProductProblem problem = new ProductProblem(operation, layout, batch, type, type, tf32);
    Map<String, Long> counted = ProductRun.count(problem, regime, false);
    double issued =
        counted.get("warpInstructions") - counted.get("warp:move") - counted.get("warp:parameter");
    DeviceLimits limits = new DeviceLimits(108, 40 << 20);
    ProductPlan plan = ProductPlan.choose(catalogue(), problem, limits, regime);
    double mma = 0;
    double said = 0;
    for (LaunchCost launch : ProductCost.launches(plan, problem, limits)) {
      mma += launch.blocks() * launch.warps() * launch.mma();
      said += launch.issued();
    }
    assertTrue(
        said < FACTOR * issued && issued < FACTOR * said,
        "%s: %.0f instructions, the model says %.0f".formatted(plan, issued, said));
    // Which halves of blocks become neighbours is left to chance.
    double spread = plan instanceof ProductPlan.Tensor t && t.inHalves() ? 0.06 : 0.02;
    assertEquals(mma, counted.get("mmaInstructions"), spread * mma, plan.toString());
  }

  /** What was built. */
  static ProductCatalogue catalogue() throws IOException {
    try (InputStream in =
        CudaProvider.class.getResourceAsStream("/META-INF/kofn/matmul/catalogue.inc")) {
      return ProductCatalogue.parse(in);
    }
  }
}
