// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.kofn.DType;
import io.github.kofn.internal.cuda.ProductPlan.Chunked;
import io.github.kofn.internal.cuda.ProductPlan.Dense;
import io.github.kofn.internal.cuda.ProductPlan.Few;
import io.github.kofn.internal.cuda.ProductPlan.Floats;
import io.github.kofn.internal.cuda.ProductPlan.Gathered;
import io.github.kofn.internal.cuda.ProductPlan.Lanes;
import io.github.kofn.internal.cuda.ProductPlan.Regime;
import io.github.kofn.internal.cuda.ProductPlan.Tensor;
import io.github.kofn.internal.cuda.ProductProblem.Operation;
import io.github.kofn.sparse.KofNLayout;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** The choice of kernels for products, the model it is made by, and the table it chooses from. */
class ProductPlanTest {
  /** An A100's. */
  private static final DeviceLimits LIMITS = new DeviceLimits(108, 40 << 20);

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

  private static ProductProblem problem(
      Operation operation, KofNLayout layout, long batch, DType type, boolean tf32) {
    return new ProductProblem(operation, layout, batch, type, type, tf32);
  }

  private ProductPlan choose(ProductProblem problem, Regime regime) {
    return ProductPlan.choose(catalogue, problem, LIMITS, regime);
  }

  private ProductPlan forward(KofNLayout layout, long batch, DType type, boolean tf32) {
    return choose(problem(Operation.FORWARD, layout, batch, type, tf32), Regime.AUTO);
  }

  @ParameterizedTest
  @CsvSource({
    "16, 16, BF16, false, bf16, 16",
    "32, 64, F16, false, f16, 32",
    "48, 32, BF16, false, bf16, 16",
    "64, 64, I8, false, i8, 64",
    "16, 16, I8, false, i8, 16",
    "64, 48, I8, false, i8, 32",
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
    "16, 8, I8, false, 8",
    "3, 5, F32, true, 8"
  })
  void lanesTakeEverythingElseThatIsSparse(
      int blockOut, int blockIn, DType type, boolean tf32, int shared) {
    ProductProblem problem = problem(Operation.FORWARD, blocks(blockOut, blockIn), 100, type, tf32);
    assertEquals(new Lanes(shared), choose(problem, Regime.LANES));
    ProductPlan plan = choose(problem, Regime.AUTO);
    assertTrue(plan instanceof Lanes || plan instanceof Chunked, plan.toString());
  }

  @ParameterizedTest
  @CsvSource({
    "9, F32, 4, 16",
    "16, F32, 4, 16",
    "16, BF16, 4, 16",
    "32, F16, 4, 32",
    "64, F32, 4, 32", // more thread blocks fill the device
    "256, F32, 4, 32",
    "8192, F32, 8, 64"
  })
  void singleWeightsMeetAsManyExamplesAsPays(int batch, DType type, int results, int examples) {
    for (Operation operation : List.of(Operation.FORWARD, Operation.INPUT_GRADIENT)) {
      ProductProblem problem =
          problem(operation, KofNLayout.weights(4096, 4096, 410), batch, type, false);
      assertEquals(new Chunked(results, examples), choose(problem, Regime.AUTO));
    }
    ProductProblem integers =
        problem(Operation.FORWARD, KofNLayout.weights(64, 64, 6), batch, DType.I8, false);
    assertFalse(choose(integers, Regime.CHUNKED) instanceof Chunked);
  }

  /** Of a batch that a tile exceeds only what exists is loaded; blocks need not be turned. */
  @ParameterizedTest
  @CsvSource({"128", "64", "26"})
  void fewExamplesOfSmallBlocksAreNotGathered(int k) {
    ProductPlan plan = forward(new KofNLayout(4096, 4096, 16, 16, k), 16, DType.BF16, false);
    assertInstanceOf(Tensor.class, plan);
  }

  @ParameterizedTest
  @CsvSource({
    // outputs and inputs of a block, kept per cent, type, tf32, the instance's results
    "16, 1, 10, BF16, false, 16",
    "32, 1, 10, F16, false, 32",
    "48, 1, 10, BF16, false, 16",
    "64, 1, 25, F16, false, 64",
    "128, 1, 40, BF16, false, 128",
    "256, 1, 25, BF16, false, 128",
    "16, 8, 10, BF16, false, 16",
    "32, 9, 10, F16, false, 32",
    "64, 1, 10, F32, true, 64"
  })
  void inputsAreGatheredForOutputsThatShareThem(
      int blockOut, int blockIn, int percent, DType type, boolean tf32, int results) {
    int n = 4608 / blockIn;
    KofNLayout layout =
        new KofNLayout(4608, n * blockIn, blockOut, blockIn, Math.ceilDiv(n * percent, 100));
    Gathered plan = assertInstanceOf(Gathered.class, forward(layout, 1024, type, tf32));
    assertEquals(results, plan.results());
  }

  @ParameterizedTest
  @CsvSource({
    // outputs and inputs of a block, examples, type, tf32, the instance's outputs, chunks
    "16, 1, 1024, BF16, false, 16, 1",
    "48, 1, 8192, F16, false, 16, 1",
    "64, 1, 256, BF16, false, 64, 1",
    "128, 9, 1024, BF16, false, 128, 1",
    "32, 1, 1024, F32, true, 32, 1",
    "512, 1, 8192, BF16, false, 128, 2"
  })
  void inputsAreGatheredForGradientsOfWeightsThatShareThem(
      int blockOut, int blockIn, int batch, DType type, boolean tf32, int outputs, int chunks) {
    int n = 4608 / blockIn;
    KofNLayout layout = new KofNLayout(4608, n * blockIn, blockOut, blockIn, n / 10);
    Gathered plan =
        assertInstanceOf(
            Gathered.class,
            choose(problem(Operation.WEIGHT_GRADIENT, layout, batch, type, tf32), Regime.AUTO));
    assertEquals(outputs, plan.results());
    assertEquals(chunks, plan.chunks());
    assertEquals(0, plan.chunk(batch) % 64);
  }

  @Test
  void whatSharesNoInputsOrIsNotOfTensorCoresIsNotGathered() {
    for (KofNLayout layout : List.of(blocks(1, 1), blocks(8, 1), blocks(24, 1))) {
      for (Operation operation : List.of(Operation.FORWARD, Operation.WEIGHT_GRADIENT)) {
        assertFalse(
            choose(problem(operation, layout, 100, DType.BF16, false), Regime.GATHERED)
                instanceof Gathered);
      }
    }
    assertFalse(
        choose(problem(Operation.FORWARD, blocks(16, 1), 100, DType.I8, false), Regime.GATHERED)
            instanceof Gathered);
    assertFalse(
        choose(problem(Operation.FORWARD, blocks(16, 1), 100, DType.F32, false), Regime.GATHERED)
            instanceof Gathered);
    assertInstanceOf(
        Gathered.class,
        choose(problem(Operation.FORWARD, blocks(16, 16), 100, DType.F16, false), Regime.GATHERED));
  }

  /** Where the model puts the border between sparse and dense kernels, 4096 x 4096. */
  @ParameterizedTest
  @CsvSource({
    // operation, type, block, batch, the last percentage that is sparse, the first that is dense
    "FORWARD, F32, 1, 8192, 20, 25",
    "FORWARD, F32, 1, 256, 33, 42",
    "FORWARD, F32, 8, 8192, 25, 45",
    "FORWARD, BF16, 1, 8192, 0, 1",
    "FORWARD, BF16, 1, 16, 60, 80",
    "FORWARD, I8, 1, 256, 0, 1",
    "FORWARD, BF16, 16, 256, 95, 101",
    "FORWARD, BF16, 64, 256, 75, 100",
    "INPUT_GRADIENT, F32, 1, 8192, 20, 25",
    "INPUT_GRADIENT, BF16, 1, 8192, 0, 1",
    "WEIGHT_GRADIENT, F32, 1, 8192, 6, 10",
    "WEIGHT_GRADIENT, BF16, 1, 8192, 0, 1",
    "WEIGHT_GRADIENT, BF16, 64, 256, 100, 101"
  })
  void denseProductsBeginWhereTheyAreCheaper(
      Operation operation, DType type, int block, long batch, int sparse, int dense) {
    int n = 4096 / block;
    for (int percent : new int[] {sparse, dense}) {
      if (percent > 0 && percent <= 100) {
        KofNLayout layout =
            new KofNLayout(4096, 4096, block, block, Math.ceilDiv(n * percent, 100));
        ProductPlan plan = choose(problem(operation, layout, batch, type, false), Regime.AUTO);
        assertEquals(percent == dense, plan instanceof Dense, percent + " %: " + plan);
      }
    }
  }

  /**
   * Narrow tiles where a row keeps little, and chunks where blocks alone do not fill the device.
   */
  @ParameterizedTest
  @CsvSource({
    // outputs, block, k, batch, inputs of the tile, chunks
    "4096, 16, 2, 1024, 32, 1",
    "4096, 16, 4, 1024, 64, 1",
    "4096, 16, 16, 1024, 128, 1",
    "4096, 64, 1, 1024, 64, 1",
    "64, 64, 2, 16384, 64, 32",
    "64, 64, 2, 200, 64, 1",
    "128, 128, 4, 8192, 64, 64"
  })
  void gradientsFillTheDevice(int out, int block, int k, long batch, int inputs, int chunks) {
    KofNLayout layout = new KofNLayout(out, 4096, block, block, k);
    Tensor plan =
        assertInstanceOf(
            Tensor.class,
            choose(
                problem(Operation.WEIGHT_GRADIENT, layout, batch, DType.BF16, false), Regime.AUTO));
    assertEquals(inputs, plan.lines());
    assertEquals(chunks, plan.chunks());
    assertEquals(0, plan.chunk(batch) % 32);
    assertTrue(plan.chunk(batch) * chunks >= batch);
  }

  /** Of blocks of which some take longer, the longest begin first if there are enough to wait. */
  @Test
  void theModelKnowsThatTheLongestBlockMayBeginLast() {
    LaunchCost.Lengths unordered = new LaunchCost.Lengths(2, 2);
    LaunchCost.Lengths longestFirst = new LaunchCost.Lengths(2, 0.5);
    LaunchCost equal = new LaunchCost(1000, 4, 1000, 0, 0, 0);
    assertEquals(10, equal.busiest(108));
    assertEquals(
        (1000 - 2.0) / 108 + 2, new LaunchCost(1000, 4, 1000, 0, 0, 0, unordered).busiest(108));
    assertEquals(
        (1000 - 0.5) / 108 + 0.5,
        new LaunchCost(1000, 4, 1000, 0, 0, 0, longestFirst).busiest(108));
    assertEquals(2, new LaunchCost(108, 4, 1000, 0, 0, 0, unordered).busiest(108));
    assertEquals(2, new LaunchCost(120, 4, 1000, 0, 0, 0, longestFirst).busiest(108));
  }

  /** Infinity times a pruned weight's zero would be NaN: something must compute it otherwise. */
  @Test
  void whatMayBePollutedHasASparseKernelBehindTheDenseOne() {
    KofNLayout half = KofNLayout.weights(64, 64, 32);
    for (Operation operation : List.of(Operation.FORWARD, Operation.INPUT_GRADIENT)) {
      for (DType type : List.of(DType.F32, DType.BF16)) {
        Dense plan = (Dense) choose(problem(operation, half, 100, type, false), Regime.DENSE);
        assertNotNull(plan.otherwise());
        assertFalse(plan.otherwise() instanceof Dense);
        Dense whole =
            (Dense)
                choose(
                    problem(operation, KofNLayout.dense(64, 64), 100, type, false), Regime.DENSE);
        assertNull(whole.otherwise());
      }
    }
    Dense integers =
        (Dense) choose(problem(Operation.FORWARD, half, 100, DType.I8, false), Regime.DENSE);
    assertNull(integers.otherwise());
    Dense gradient =
        (Dense)
            choose(problem(Operation.WEIGHT_GRADIENT, half, 100, DType.F32, false), Regime.DENSE);
    assertNull(gradient.otherwise());
  }

  @Test
  void denseProductsAreOfTheTypesThatTensorCoresTakeElseInFloats() {
    KofNLayout layout = KofNLayout.weights(64, 64, 32);
    for (DType type : List.of(DType.BF16, DType.F16, DType.I8)) {
      ProductProblem problem = problem(Operation.FORWARD, layout, 100, type, false);
      assertInstanceOf(Tensor.class, ((Dense) choose(problem, Regime.DENSE)).product());
    }
    ProductProblem mixed =
        new ProductProblem(Operation.FORWARD, layout, 100, DType.F32, DType.BF16, true);
    assertInstanceOf(Floats.class, ((Dense) choose(mixed, Regime.DENSE)).product());
    ProductProblem f32 = problem(Operation.FORWARD, layout, 100, DType.F32, false);
    assertInstanceOf(Floats.class, ((Dense) choose(f32, Regime.DENSE)).product());
    ProductProblem tf32 = problem(Operation.FORWARD, layout, 100, DType.F32, true);
    assertInstanceOf(Tensor.class, ((Dense) choose(tf32, Regime.DENSE)).product());
  }

  @ParameterizedTest
  @CsvSource({"0, 1, 1, 1", "1, 1, 1, 1", "2, 1, 1, 4", "5, 64, 4, 8", "8, 2, 4, 8"})
  void fewExamplesGoAlongTheTerms(int batch, int blockOut, int shared, int examples) {
    ProductProblem problem =
        problem(Operation.FORWARD, blocks(blockOut, 16), batch, DType.F32, false);
    assertEquals(new Few(shared, examples), choose(problem, Regime.FEW));
    assertEquals(new Few(1, 1), forward(KofNLayout.weights(4096, 4096, 400), 1, DType.F32, false));
    assertInstanceOf(Tensor.class, forward(blocks(64, 64), 1, DType.I8, false));
  }

  @Test
  void aForcedFamilyIsTakenWhereItCanBe() {
    KofNLayout layout = blocks(64, 64);
    ProductProblem problem = problem(Operation.FORWARD, layout, 4, DType.BF16, false);
    assertEquals(new Lanes(8), choose(problem, Regime.LANES));
    assertInstanceOf(Tensor.class, choose(problem, Regime.TENSOR));
    assertInstanceOf(Few.class, choose(problem, Regime.FEW));
    assertInstanceOf(Dense.class, choose(problem, Regime.DENSE));
    ProductProblem weights =
        problem(Operation.FORWARD, KofNLayout.weights(64, 64, 1), 100, DType.F32, false);
    assertEquals(choose(weights, Regime.AUTO), choose(weights, Regime.TENSOR));
    assertEquals(choose(weights, Regime.AUTO), choose(weights, Regime.FEW));
  }

  @Test
  void gradientsNeedWholeBlocksAlongBothSides() {
    assertInstanceOf(Tensor.class, backward(blocks(16, 16), DType.BF16, false));
    assertEquals(new Lanes(8), backward(blocks(16, 16), DType.F32, false));
    assertEquals(new Lanes(8), backward(blocks(8, 16), DType.BF16, false));
    assertInstanceOf(Tensor.class, weightGradient(blocks(32, 48), DType.F32, true));
    assertEquals(new Lanes(8), weightGradient(blocks(32, 8), DType.F32, false));
    assertFalse(weightGradient(blocks(32, 8), DType.F32, true) instanceof Tensor);
    assertInstanceOf(
        Tensor.class,
        choose(problem(Operation.MASK_GRADIENT, blocks(1, 1), 100, DType.F16, false), Regime.AUTO));
    assertInstanceOf(
        Floats.class,
        choose(problem(Operation.MASK_GRADIENT, blocks(1, 1), 100, DType.F32, false), Regime.AUTO));
  }

  private ProductPlan backward(KofNLayout layout, DType type, boolean tf32) {
    return choose(problem(Operation.INPUT_GRADIENT, layout, 100, type, tf32), Regime.AUTO);
  }

  private ProductPlan weightGradient(KofNLayout layout, DType type, boolean tf32) {
    return choose(problem(Operation.WEIGHT_GRADIENT, layout, 100, type, tf32), Regime.AUTO);
  }

  /** Where everything is kept nothing can be polluted, which saves the search. */
  @ParameterizedTest
  @EnumSource
  void theLeastOfTheCandidatesIsChosenAndMoreWorkNeverCostsLess(Operation operation) {
    for (DType type : List.of(DType.F32, DType.BF16, DType.I8)) {
      if (type == DType.I8 && operation != Operation.FORWARD) {
        continue;
      }
      for (int block : new int[] {1, 8, 16, 32, 64, 128}) {
        for (int k = 1; k <= 512 / block; k *= 2) {
          double smaller = least(operation, 512, block, k, 100, type);
          assertTrue(smaller > 0, "costs " + smaller);
          String what = "%s %s blocks of %d, k %d".formatted(operation, type, block, k);
          assertNoLess(smaller, least(operation, 512, block, k, 200, type), what + ", batch");
          assertNoLess(smaller, least(operation, 1024, block, k, 100, type), what + ", outputs");
          if (2 * k < 512 / block) {
            assertNoLess(smaller, least(operation, 512, block, 2 * k, 100, type), what + ", k");
          }
        }
      }
    }
  }

  private static void assertNoLess(double smaller, double larger, String what) {
    assertTrue(larger >= smaller, what + ": " + larger + " after " + smaller);
  }

  private double least(Operation operation, int out, int block, int k, long batch, DType type) {
    KofNLayout layout = new KofNLayout(out, 512, block, block, k);
    ProductProblem problem = problem(operation, layout, batch, type, false);
    double chosen = ProductCost.cycles(choose(problem, Regime.AUTO), problem, LIMITS);
    for (ProductPlan plan : ProductPlan.candidates(catalogue, problem, LIMITS)) {
      assertTrue(chosen <= ProductCost.cycles(plan, problem, LIMITS), plan + " is cheaper");
    }
    return chosen;
  }

  @Test
  void emptyProblemsHaveAPlan() {
    for (Operation operation : Operation.values()) {
      for (KofNLayout layout :
          List.of(new KofNLayout(0, 0, 1, 1, 0), new KofNLayout(5, 7, 2, 2, 0), blocks(16, 16))) {
        for (DType type : List.of(DType.F32, DType.BF16)) {
          for (long batch : new long[] {0, 1}) {
            ProductProblem problem = problem(operation, layout, batch, type, true);
            double cycles = ProductCost.cycles(choose(problem, Regime.AUTO), problem, LIMITS);
            assertTrue(Double.isFinite(cycles), problem + ": " + cycles);
          }
        }
      }
    }
  }
}
