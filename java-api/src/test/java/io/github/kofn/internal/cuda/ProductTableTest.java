// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.kofn.DType;
import io.github.kofn.internal.cuda.ProductPlan.Dense;
import io.github.kofn.internal.cuda.ProductPlan.Regime;
import io.github.kofn.internal.cuda.ProductProblem.Operation;
import io.github.kofn.sparse.KofNLayout;
import java.io.IOException;
import java.util.Locale;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Prints what products of 4096 x 4096 matrices count, the table of cuda-kernels/README.md, with
 * {@code -Dkofn.test.counters=true}; with {@code "-Dkofn.test.counters.of=dW, F32"} only those of a
 * product and type.
 *
 * <p>The plan is that of the whole product. Of 8192 examples a share is computed: forward and for
 * dX, thread blocks repeat along the examples, each with the whole contraction, so 512 examples
 * count the same by multiply-add. dW and dMask sum over examples; there 256 outputs stand for 4096.
 * Twice as many are taken until the plan is that of the whole.
 */
class ProductTableTest {
  private static final int SIZE = 4096;
  private static final int LARGE = 8192;

  /** What of 4096 outputs, or of 8192 examples, is computed where not all are. */
  private static final int OUTPUTS = 256;

  private static final int EXAMPLES = 512;

  private static final DeviceLimits LIMITS = new DeviceLimits(108, 40 << 20);

  @ParameterizedTest
  @CsvSource({
    "FORWARD, BF16, false, 16, 1 1 16 1 16 16 64 64 128 128",
    "FORWARD, BF16, false, 256, 1 1 16 1 16 16 32 32 64 64 128 128",
    "FORWARD, BF16, false, 8192, 1 1 16 1 16 16 64 64 128 128",
    "FORWARD, I8, false, 16, 64 64",
    "FORWARD, I8, false, 256, 64 64",
    "FORWARD, F32, true, 256, 64 64",
    "FORWARD, F32, false, 16, 1 1",
    "FORWARD, F32, false, 256, 1 1 8 8",
    "FORWARD, F32, false, 8192, 1 1",
    "INPUT_GRADIENT, BF16, false, 16, 64 64",
    "INPUT_GRADIENT, BF16, false, 256, 1 1 16 16 64 64",
    "INPUT_GRADIENT, BF16, false, 8192, 64 64",
    "INPUT_GRADIENT, F32, false, 256, 1 1",
    "WEIGHT_GRADIENT, BF16, false, 16, 64 64",
    "WEIGHT_GRADIENT, BF16, false, 256, 1 1 16 1 64 1 16 16 64 64",
    "WEIGHT_GRADIENT, BF16, false, 8192, 64 64",
    "WEIGHT_GRADIENT, F32, false, 256, 1 1",
    "MASK_GRADIENT, BF16, false, 16, ''",
    "MASK_GRADIENT, BF16, false, 256, ''",
    "MASK_GRADIENT, BF16, false, 8192, ''",
    "MASK_GRADIENT, F32, false, 256, ''"
  })
  void theTableOfTheReadme(Operation operation, DType type, boolean tf32, int batch, String blocks)
      throws IOException {
    assumeTrue(Boolean.getBoolean("kofn.test.counters"));
    String product = name(operation) + ", " + (tf32 ? "TF32" : type);
    assumeTrue(product.startsWith(System.getProperty("kofn.test.counters.of", "")));
    int side = operation == Operation.WEIGHT_GRADIENT ? 128 : 1; // blocks need no packing after
    KofNLayout everything = new KofNLayout(SIZE, SIZE, side, side, SIZE / side);
    double dense =
        print(new ProductProblem(operation, everything, batch, type, type, tf32), Double.NaN);
    String[] sides = blocks.isEmpty() ? new String[0] : blocks.split(" ", -1);
    for (int i = 0; i < sides.length; i += 2) {
      int blockOut = Integer.parseInt(sides[i]);
      int blockIn = Integer.parseInt(sides[i + 1]);
      for (int percent : new int[] {50, 25, 10, 5}) {
        int k = Math.max(1, Math.round(SIZE / blockIn * percent / 100f));
        KofNLayout layout = new KofNLayout(SIZE, SIZE, blockOut, blockIn, k);
        print(new ProductProblem(operation, layout, batch, type, type, tf32), dense);
      }
    }
  }

  /** A line of the table; gives the share of mma in what is issued. */
  private static double print(ProductProblem problem, double dense) throws IOException {
    ProductPlan plan = plan(problem, Regime.AUTO);
    Regime family =
        plan instanceof ProductPlan.Floats
            ? Regime.DENSE
            : Regime.valueOf(plan.getClass().getSimpleName().toUpperCase(Locale.ROOT));
    ProductProblem run = share(problem, plan, family);
    assertEquals(plan, plan(run, family), "the share is computed otherwise: " + problem);
    boolean packed = !run.layout().isDense();
    Map<String, Long> c = ProductRun.countOnly(run, family, packed);
    double moved = c.get("dramReadBytes") + c.get("dramWriteBytes");
    double issued = c.get("warpInstructions");
    double mma = c.get("mmaInstructions");
    double operands = c.get("warp:move") + c.get("warp:parameter");
    KofNLayout layout = problem.layout();
    String share = String.format(Locale.ROOT, "%.3f", mma / issued);
    boolean someOutputs = run.layout().out() < SIZE;
    System.out.printf(
        Locale.ROOT,
        "| %s, %s, %s | %s | %.1f %% | %s | %s | %.2f | %.1f | %s | %s | %s | %.3f |%n",
        name(problem.operation()),
        problem.tf32() ? "TF32" : problem.first(),
        layout.isDense() ? "all" : layout.blockOut() + " x " + layout.blockIn(),
        problem.batch(),
        100 * problem.density(),
        name(plan),
        someOutputs ? "" : "%.2f".formatted(moved / floor(run)),
        (double) c.get("sharedWavefronts") / Math.max(1, c.get("sharedWavefrontsMinimum")),
        (double) c.get("globalLoadSectors") / Math.max(1, c.get("globalLoadRequests")),
        mma == 0 ? "" : "%.2f".formatted(mma * ofAnMma(run) / multiplyAdds(run)),
        mma == 0 ? "" : share,
        mma == 0 || Double.isNaN(dense) ? "" : "%.2f".formatted(mma / issued / dense),
        32 * (issued - operands) / multiplyAdds(run));
    return mma / issued;
  }

  private static ProductPlan plan(ProductProblem problem, Regime regime) throws IOException {
    return ProductPlan.choose(ProductCountersTest.catalogue(), problem, LIMITS, regime);
  }

  private static String name(ProductPlan plan) {
    if (plan instanceof ProductPlan.Floats) {
      return "dense";
    }
    String name = plan.getClass().getSimpleName().toLowerCase(Locale.ROOT);
    return plan instanceof Dense dense && dense.product() instanceof ProductPlan.Tensor
        ? "dense, tensor"
        : name;
  }

  private static String name(Operation operation) {
    return switch (operation) {
      case FORWARD -> "Y";
      case INPUT_GRADIENT -> "dX";
      case WEIGHT_GRADIENT -> "dW";
      case MASK_GRADIENT -> "dMask";
    };
  }

  /** What of a product is computed. */
  private static ProductProblem share(ProductProblem p, ProductPlan plan, Regime family)
      throws IOException {
    if (p.batch() < LARGE) {
      return p;
    }
    boolean ofWeights =
        p.operation() == Operation.WEIGHT_GRADIENT || p.operation() == Operation.MASK_GRADIENT;
    int part = ofWeights ? OUTPUTS : EXAMPLES;
    ProductProblem run = part(p, ofWeights, part);
    while (run.batch() * run.layout().out() < p.batch() * p.layout().out()
        && !plan(run, family).equals(plan)) {
      part *= 2;
      run = part(p, ofWeights, part);
    }
    return run;
  }

  /** Of some outputs, or of some examples. */
  private static ProductProblem part(ProductProblem p, boolean ofWeights, int part) {
    KofNLayout all = p.layout();
    KofNLayout some = new KofNLayout(part, all.in(), all.blockOut(), all.blockIn(), all.k());
    return new ProductProblem(
        p.operation(),
        ofWeights ? some : all,
        ofWeights ? p.batch() : part,
        p.first(),
        p.second(),
        p.tf32());
  }

  private static double multiplyAdds(ProductProblem p) {
    double all = (double) p.batch() * p.layout().out() * p.layout().in();
    return p.operation() == Operation.MASK_GRADIENT ? all : all * p.density();
  }

  /** The multiply-adds of one mma. */
  private static double ofAnMma(ProductProblem p) {
    return 4096.0 / p.first().bytes();
  }

  /** The bytes that must move. */
  private static double floor(ProductProblem p) {
    KofNLayout layout = p.layout();
    boolean ofMask = p.operation() == Operation.MASK_GRADIENT;
    boolean ofWeights = ofMask || p.operation() == Operation.WEIGHT_GRADIENT;
    double elements = (double) layout.out() * layout.in() * (ofMask ? 1 : p.density());
    int ofY = p.first() == DType.I8 ? DType.F32.bytes() : p.first().bytes();
    double bytes =
        (double) p.batch() * (layout.in() * p.first().bytes() + layout.out() * ofY)
            + elements * (ofWeights && !ofMask ? DType.F32.bytes() : p.second().bytes());
    double blocks = (double) layout.blockRows() * (ofMask ? layout.blockColumns() : layout.k());
    return layout.isDense() && !ofMask
        ? bytes
        : bytes + blocks * (ofMask ? DType.F32.bytes() : layout.indexType().bytes());
  }
}
