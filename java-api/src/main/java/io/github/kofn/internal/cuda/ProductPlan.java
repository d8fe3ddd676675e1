// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cuda;

import io.github.kofn.DType;
import io.github.kofn.internal.cuda.ProductCatalogue.Line;
import io.github.kofn.internal.cuda.ProductProblem.Operation;
import io.github.kofn.sparse.KofNLayout;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Which kernel computes a product: a pure function of shapes, types and a device's limits, so that
 * it is tested without a device. Of the kernels that can take the operands, the one that {@link
 * ProductCost} deems cheapest is chosen:
 *
 * <ul>
 *   <li>lanes along the terms, for a forward product of at most 8 examples;
 *   <li>lanes along terms and examples, of a chunk of the activations in shared memory, for
 *       floating-point products with any blocks;
 *   <li>lanes along the batch, for everything;
 *   <li>tensor cores, where both factors have the same type of those they take, blocks are
 *       multiples of 16 along the results, and of 32 bytes along the contraction (I8: of 16);
 *   <li>tensor cores with gathered inputs, for a forward product or a gradient with respect to
 *       weights of the same types but I8, blocks of multiples of 16 outputs and any inputs;
 *   <li>a dense product, pruned weights written out as zeros: on tensor cores for types that they
 *       take, else in F32.
 * </ul>
 */
sealed interface ProductPlan {

  /**
   * Lanes along the batch.
   *
   * @param shared how many neighbouring results share their terms
   */
  record Lanes(int shared) implements ProductPlan {}

  /**
   * Lanes along the terms.
   *
   * @param shared how many neighbouring outputs share their inputs
   * @param examples at most so many
   */
  record Few(int shared, int examples) implements ProductPlan {}

  /**
   * Lanes along terms and examples.
   *
   * @param results of a warp
   * @param examples of a thread block
   */
  record Chunked(int results, int examples) implements ProductPlan {}

  /**
   * Tensor cores.
   *
   * @param kernel the instance: type, threads, warps along both sides of its tile, then lines (of a
   *     gradient: inputs) and results of a line
   * @param longestFirst whether the block columns that most rows keep come first
   * @param chunks into how many parts the batch of a gradient is split, whose sums are then added
   */
  record Tensor(Line kernel, boolean longestFirst, int chunks) implements ProductPlan {
    Tensor(Line kernel) {
      this(kernel, false, 1);
    }

    /** The examples of a chunk: whole stages. */
    long chunk(long batch) {
      return ProductPlan.chunk(batch, chunks, GRADIENT_STAGE);
    }

    String type() {
      return kernel.cells().get(0);
    }

    int threads() {
      return kernel.number(1);
    }

    /** How many lines a thread block computes. */
    int lines() {
      return kernel.number(4);
    }

    /** The results of a line. */
    int block() {
      return kernel.number(RESULTS);
    }

    /** Whether an mma may take two blocks of 16 bytes of inputs. */
    boolean inHalves() {
      return kernel.macro().equals(HALVES);
    }
  }

  /**
   * Tensor cores that multiply by gathered inputs.
   *
   * @param kernel the instance: type, threads, warps along both sides of its tile, then the
   *     examples (of a gradient: the kept inputs) and the results of a tile
   * @param chunks into how many parts the batch of a gradient is split, whose sums are then added
   */
  record Gathered(Line kernel, int chunks) implements ProductPlan {
    Gathered(Line kernel) {
      this(kernel, 1);
    }

    /** The examples of a chunk: whole panels. */
    long chunk(long batch) {
      return ProductPlan.chunk(batch, chunks, PANEL);
    }

    String type() {
      return kernel.cells().get(0);
    }

    int threads() {
      return kernel.number(1);
    }

    /** The rows of a tile: examples, of a gradient kept inputs. */
    int rows() {
      return kernel.number(4);
    }

    int results() {
      return kernel.number(RESULTS);
    }
  }

  /**
   * A dense product in F32: of a W that was written out, or of all of dY^T X.
   *
   * @param kernel the instance: threads, warps along the examples (of dY^T X: the outputs) and
   *     along the results (the inputs)
   */
  record Floats(Line kernel) implements ProductPlan {
    int threads() {
      return kernel.number(0);
    }

    /** The examples of a tile. */
    int examples() {
      return 32 * kernel.number(1);
    }

    /** The results of a tile. */
    int results() {
      return 64 * kernel.number(2);
    }
  }

  /**
   * Everything is multiplied, pruned weights as zeros; of a gradient with respect to weights,
   * everything is computed, and the kept taken out.
   *
   * @param product the kernel: Tensor or Floats; of a gradient with respect to weights the mask's
   * @param otherwise what computes the product if the activations hold a NaN or an infinity, which
   *     must not meet a pruned weight; null where that cannot be
   */
  record Dense(ProductPlan product, ProductPlan otherwise) implements ProductPlan {}

  /** Which kernels may be chosen; tests force a family, where it can take the operands. */
  enum Regime {
    AUTO,
    FEW,
    CHUNKED,
    LANES,
    TENSOR,
    GATHERED,
    DENSE;

    private boolean admits(ProductPlan plan) {
      return switch (plan) {
        case Few few -> this == AUTO || this == FEW;
        case Chunked chunked -> this == AUTO || this == CHUNKED;
        case Lanes lanes -> this == AUTO || this == LANES;
        case Tensor tensor -> this == AUTO || this == TENSOR;
        case Gathered gathered -> this == AUTO || this == GATHERED;
        case Floats floats -> this == AUTO || this == DENSE;
        case Dense dense -> this == AUTO || this == DENSE;
      };
    }
  }

  /** The entry point of a product on tensor cores. */
  static String entry(Tensor plan, boolean backward) {
    String product = plan.inHalves() ? "product_halves" : "product";
    return "kofn_tensor_%s_%s_%d"
        .formatted(backward ? "input_gradient" : product, plan.type(), plan.block());
  }

  /** The kept inputs that a warp takes of a weights' gradient on lanes: weight_gradient.cuh. */
  static int gradientInputs(int shared) {
    return shared == 1 ? 16 : 32 / shared;
  }

  /** And the examples that a lane takes of it at a time: steps of 128, or few of 32. */
  static int gradientExamples(long batch) {
    return batch <= 96 ? 1 : 4;
  }

  /** The examples of a chunk, whole multiples of something. */
  private static long chunk(long batch, int chunks, int multiple) {
    return Math.ceilDiv(Math.ceilDiv(batch, chunks), multiple) * (long) multiple;
  }

  /** What the sides of blocks must be multiples of. */
  int TENSOR_SIDE = 16;

  /** What chunks of a batch are multiples of, and where inputs are gathered. */
  int GRADIENT_STAGE = 32;

  int PANEL = 64;

  /** The examples that a chunk has at least. */
  long LEAST_CHUNK = 128;

  /** The chunks that a batch has at most. */
  int MAX_CHUNKS = 64;

  /** Of an instance on tensor cores: the cell with the results of a line or a tile. */
  int RESULTS = 5;

  /** The contraction's granularity on tensor cores, in bytes. */
  int UNIT_BYTES = 32;

  /** The kernels for blocks of half of that, whose other half may be multiplied by zeros. */
  String HALVES = "KOFN_TENSOR_HALVES";

  /**
   * The cheapest kernel of a regime, of equals the one that issues least; of those for any regime
   * where it has none.
   */
  static ProductPlan choose(
      ProductCatalogue catalogue, ProductProblem problem, DeviceLimits limits, Regime regime) {
    List<ProductPlan> all = candidates(catalogue, problem, limits);
    List<ProductPlan> admitted = all.stream().filter(regime::admits).toList();
    return cheapest(admitted.isEmpty() ? all : admitted, problem, limits);
  }

  private static ProductPlan cheapest(
      List<ProductPlan> plans, ProductProblem problem, DeviceLimits limits) {
    return plans.stream()
        .min(
            Comparator.<ProductPlan>comparingDouble(
                    plan -> ProductCost.cycles(plan, problem, limits))
                .thenComparingDouble(plan -> ProductCost.issued(plan, problem, limits)))
        .orElseThrow();
  }

  /** Every kernel that can compute a product. */
  static List<ProductPlan> candidates(
      ProductCatalogue catalogue, ProductProblem problem, DeviceLimits limits) {
    List<ProductPlan> plans = new ArrayList<>(sparse(catalogue, problem));
    if (problem.operation() == Operation.MASK_GRADIENT) {
      return plans;
    }
    boolean mayPollute =
        problem.operation() != Operation.WEIGHT_GRADIENT
            && problem.first().isFloating()
            && !problem.layout().isDense();
    ProductPlan otherwise = mayPollute ? cheapest(plans, problem, limits) : null;
    for (ProductPlan product : whole(catalogue, problem)) {
      plans.add(new Dense(product, otherwise));
    }
    return plans;
  }

  private static List<ProductPlan> sparse(ProductCatalogue catalogue, ProductProblem problem) {
    KofNLayout layout = problem.layout();
    int bytes = problem.second().bytes();
    return switch (problem.operation()) {
      case FORWARD -> {
        List<ProductPlan> plans = new ArrayList<>();
        plans.add(new Lanes(catalogue.covering("KOFN_LANES", 1, layout.blockOut())));
        if (problem.first().isFloating()) {
          plans.addAll(chunked(catalogue, "KOFN_CHUNKED"));
        }
        if (problem.batch() <= catalogue.largest("KOFN_FEW") && problem.first().isFloating()) {
          plans.add(
              new Few(
                  catalogue.covering("KOFN_FEW", 0, layout.blockOut()),
                  catalogue.covering("KOFN_FEW", 1, Math.toIntExact(problem.batch()))));
        }
        if (layout.blockIn() * bytes % UNIT_BYTES == 0) {
          plans.addAll(tensor(catalogue, "KOFN_TENSOR", problem, layout.blockOut()));
        } else if (layout.blockIn() * bytes % (UNIT_BYTES / 2) == 0) {
          plans.addAll(tensor(catalogue, HALVES, problem, layout.blockOut()));
        }
        widest(catalogue, "KOFN_GATHERED", problem, layout.blockOut())
            .ifPresent(line -> plans.add(new Gathered(line)));
        yield plans;
      }
      case INPUT_GRADIENT -> {
        List<ProductPlan> plans = new ArrayList<>();
        plans.add(new Lanes(catalogue.covering("KOFN_LANES_BACK", 0, layout.blockIn())));
        plans.addAll(chunked(catalogue, "KOFN_CHUNKED_BACK"));
        if (layout.blockOut() * bytes % UNIT_BYTES == 0) {
          widest(catalogue, "KOFN_TENSOR_BACK", problem, layout.blockIn())
              .map(Tensor::new)
              .ifPresent(
                  plan -> {
                    plans.add(plan);
                    if (plan.lines() == 1) {
                      plans.add(new Tensor(plan.kernel(), true, 1));
                    }
                  });
        }
        yield plans;
      }
      case WEIGHT_GRADIENT -> {
        List<ProductPlan> plans = new ArrayList<>();
        plans.add(new Lanes(catalogue.covering("KOFN_WEIGHT_GRADIENT", 0, layout.blockOut())));
        if (layout.blockIn() % TENSOR_SIDE == 0) {
          plans.addAll(gradients(catalogue, problem));
        }
        widest(catalogue, "KOFN_GATHERED_GRADIENT", problem, layout.blockOut())
            .ifPresent(
                line -> splits(problem.batch()).forEach(c -> plans.add(new Gathered(line, c))));
        yield plans;
      }
      case MASK_GRADIENT -> whole(catalogue, problem);
    };
  }

  private static List<ProductPlan> chunked(ProductCatalogue catalogue, String family) {
    return catalogue
        .family(family)
        .<ProductPlan>map(line -> new Chunked(line.number(0), line.number(1)))
        .toList();
  }

  /** The instance with the largest lines that divide blocks of so many results. */
  private static List<ProductPlan> tensor(
      ProductCatalogue catalogue, String family, ProductProblem problem, int results) {
    return widest(catalogue, family, problem, results)
        .<List<ProductPlan>>map(line -> List.of(new Tensor(line)))
        .orElse(List.of());
  }

  /** The instances with the most outputs that divide a block's, by every split of the batch. */
  private static List<ProductPlan> gradients(ProductCatalogue catalogue, ProductProblem problem) {
    String family = "KOFN_TENSOR_GRADIENT";
    int outputs =
        widest(catalogue, family, problem, problem.layout().blockOut())
            .map(line -> line.number(RESULTS))
            .orElse(0);
    List<ProductPlan> plans = new ArrayList<>();
    for (Tensor plan : instances(catalogue, family, problem)) {
      if (plan.block() == outputs) {
        splits(problem.batch()).forEach(c -> plans.add(new Tensor(plan.kernel(), false, c)));
      }
    }
    return plans;
  }

  /** Into how many chunks a batch may be split. */
  private static IntStream splits(long batch) {
    return IntStream.iterate(
        1, c -> c <= MAX_CHUNKS && (c == 1 || batch >= c * LEAST_CHUNK), c -> 2 * c);
  }

  /** The instance with the most results that divide a size. */
  private static Optional<Line> widest(
      ProductCatalogue catalogue, String family, ProductProblem problem, int size) {
    return lines(catalogue, family, problem)
        .filter(line -> size % line.number(RESULTS) == 0)
        .max(Comparator.comparingInt(line -> line.number(RESULTS)));
  }

  /** Kernels for everything, kept or not. */
  private static List<ProductPlan> whole(ProductCatalogue catalogue, ProductProblem problem) {
    return switch (problem.operation()) {
      case FORWARD -> dense(catalogue, "KOFN_TENSOR", problem);
      case INPUT_GRADIENT -> dense(catalogue, "KOFN_TENSOR_BACK", problem);
      case WEIGHT_GRADIENT, MASK_GRADIENT -> {
        List<ProductPlan> plans = new ArrayList<>();
        catalogue.family("KOFN_MASK").forEach(line -> plans.add(new Floats(line)));
        plans.addAll(instances(catalogue, "KOFN_TENSOR_MASK", problem));
        yield plans;
      }
    };
  }

  /** One line a thread block, or F32. */
  private static List<ProductPlan> dense(
      ProductCatalogue catalogue, String family, ProductProblem problem) {
    if (problem.tensorType() != null) {
      return instances(catalogue, family, problem).stream()
          .filter(plan -> plan.lines() == 1)
          .<ProductPlan>map(plan -> plan)
          .toList();
    }
    return problem.first() == DType.I8
        ? List.of()
        : catalogue.family("KOFN_DENSE").map(l -> (ProductPlan) new Floats(l)).toList();
  }

  private static List<Tensor> instances(
      ProductCatalogue catalogue, String family, ProductProblem problem) {
    return lines(catalogue, family, problem).map(Tensor::new).toList();
  }

  private static Stream<Line> lines(
      ProductCatalogue catalogue, String family, ProductProblem problem) {
    String type = problem.tensorType();
    return catalogue.family(family).filter(l -> l.cells().get(0).equals(type));
  }
}
