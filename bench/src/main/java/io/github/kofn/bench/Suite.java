// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.bench;

import io.github.kofn.bench.launch.Launch;
import io.github.kofn.bench.launch.NoopDriver;
import io.github.kofn.bench.matmul.Forward;
import io.github.kofn.bench.matmul.GpuForward;
import io.github.kofn.bench.matmul.GpuInputGradient;
import io.github.kofn.bench.matmul.GpuWeightGradient;
import io.github.kofn.bench.matmul.InputGradient;
import io.github.kofn.bench.matmul.MaskGradient;
import io.github.kofn.bench.matmul.Peak;
import io.github.kofn.bench.matmul.WeightGradient;
import io.github.kofn.bench.sampling.Draw;
import io.github.kofn.bench.sampling.DrawAndGradient;
import io.github.kofn.bench.sampling.DrawAndRelax;
import io.github.kofn.bench.sampling.DrawWithMask;
import io.github.kofn.bench.training.Step;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** What is measured together. A full run is a cross-section of what the benchmarks can be given. */
public enum Suite {
  /** Drawing k of n. */
  SAMPLING("Sampling") {
    @Override
    List<Plan> plans(boolean quick) {
      if (quick) {
        return List.of(
            Plan.of(DrawWithMask.class)
                .by("kofn", "libtorch", "javaSort")
                .with("shape", "8192x64:8", "1024x1024:102", "16x131072:50")
                .with("threads", 1),
            Plan.of(DrawAndGradient.class).with("shape", "300x784:78").with("threads", 1));
      }
      Object[] some = {"8192x64:8", "1024x1024:102", "16x131072:50"};
      List<Plan> plans = new ArrayList<>();
      for (Class<?> operation :
          List.of(Draw.class, DrawWithMask.class, DrawAndRelax.class, DrawAndGradient.class)) {
        plans.add(Plan.of(operation).by("kofn").with("threads", 1, Threads.ALL));
        // The peer's other operations take seconds where k is large.
        boolean all = operation == DrawWithMask.class;
        Plan torch = Plan.of(operation).by("libtorch");
        plans.add(
            all
                ? torch.with("threads", 1, Threads.ALL)
                : torch.with("shape", some).with("threads", 1));
      }
      plans.add(
          Plan.of(DrawWithMask.class)
              .by("javaSort", "javaHeap")
              .with("shape", some)
              .with("threads", 1));
      plans.add(Plan.of(DrawWithMask.class).by("kofn256").with("threads", 1));
      return plans;
    }
  },
  /** Products with sparse matrices. */
  MATMUL("Products") {
    @Override
    List<Plan> plans(boolean quick) {
      List<Plan> plans = new ArrayList<>();
      plans.add(Plan.of(Peak.class));
      if (quick) {
        plans.add(
            square(Forward.class).by("kofn").with("block", "1x1", "16x16").with("sparsity", 90));
        plans.add(square(Forward.class).by("openblas", "mklCsr").with("sparsity", 90));
        plans.add(square(Forward.class).by("mklBsr").with("block", "16x16").with("sparsity", 90));
        plans.add(square(InputGradient.class).by("kofn").with("block", "1x1").with("sparsity", 90));
        plans.add(
            square(WeightGradient.class).by("kofn").with("block", "1x1").with("sparsity", 90));
        return plans;
      }
      plans.add(square(Forward.class).by("openblas", "mkl", "libtorch", "netlib", "ejml"));
      plans.add(kept(Forward.class, "kofn", "1x1", 10, 25, 35));
      plans.add(kept(Forward.class, "kofn", "16x16", 10));
      for (String block : BLOCKS) {
        plans.add(kept(Forward.class, "kofn", block, 50, 75, 90, 95, 98));
        GRADIENTS.forEach(gradient -> plans.add(kept(gradient, "kofn", block, 90)));
      }
      plans.add(kept(Forward.class, "mklCsr", "1x1", 50, 75, 90, 95, 98));
      plans.add(kept(Forward.class, "ejmlCsc", "1x1", 90));
      for (String block : List.of("16x16", "32x32", "64x64")) {
        plans.add(kept(Forward.class, "mklBsr", block, 90));
      }
      for (String block : List.of("1x1", "4x1", "16x16")) {
        plans.add(kept(Forward.class, "kofnInPlace", block, 90));
        plans.add(kept(Forward.class, "kofn256", block, 90));
      }
      GRADIENTS.forEach(gradient -> plans.add(square(gradient).by("openblas")));
      plans.add(kept(InputGradient.class, "mklCsr", "1x1", 90));
      plans.addAll(otherSizes("kofn", "1x1", "16x16"));
      plans.addAll(otherSizes("openblas"));
      plans.addAll(otherSizes("mklCsr", "1x1"));
      plans.addAll(onGpu());
      return plans;
    }
  },
  /** The host's side of a kernel launch. */
  LAUNCH("Launches") {
    @Override
    List<Plan> plans(boolean quick) {
      return List.of(Plan.of(Launch.class));
    }

    @Override
    Optional<String> whyNot() {
      return NoopDriver.whyNot();
    }

    /** What takes nanoseconds is compiled anew until everything around it is. */
    @Override
    int warmUps(boolean quick) {
      return 4;
    }
  },
  /** Whole steps of training. */
  TRAINING("Training") {
    @Override
    List<Plan> plans(boolean quick) {
      return List.of(Plan.of(Step.class).with("threads", 1));
    }

    /** A step runs through a dozen kernels, and some are compiled late. */
    @Override
    int warmUps(boolean quick) {
      return quick ? 2 : 12;
    }
  };

  private static final List<String> BLOCKS =
      List.of("1x1", "4x1", "16x16", "32x32", "64x64", "1x9");

  private static final List<Class<?>> GRADIENTS =
      List.of(InputGradient.class, WeightGradient.class, MaskGradient.class);

  private final String title;

  Suite(String title) {
    this.title = title;
  }

  /** What runs. */
  abstract List<Plan> plans(boolean quick);

  /** Why this machine cannot measure it, if it cannot. */
  Optional<String> whyNot() {
    return Optional.empty();
  }

  /** The iterations that a benchmark is run for before it is measured. */
  int warmUps(boolean quick) {
    return 2;
  }

  /** Some sparsities of a block, in the case of {@link #square}. */
  private static Plan kept(Class<?> operation, String who, String block, Object... sparsities) {
    return square(operation).by(who).with("block", block).with("sparsity", sparsities);
  }

  /** Small batches and large matrices, and these on all threads. */
  private static List<Plan> otherSizes(String who, Object... blocks) {
    Plan plan = Plan.of(Forward.class).by(who).with("sparsity", 90);
    plan = blocks.length == 0 ? plan : plan.with("block", blocks);
    Plan large = plan.with("n", 4096);
    return List.of(
        plan.with("n", 1024).with("batch", 1, 16, 1024).with("threads", 1),
        plan.with("n", 1024).with("batch", 256).with("threads", Threads.ALL),
        large.with("batch", 1, 16, 256, 1024).with("threads", 1),
        large.with("batch", 1, 256).with("threads", Threads.ALL));
  }

  /** What is skipped where there is no GPU. */
  private static List<Plan> onGpu() {
    List<Plan> plans = new ArrayList<>();
    for (Class<?> operation :
        List.of(GpuForward.class, GpuInputGradient.class, GpuWeightGradient.class)) {
      Plan plan = Plan.of(operation).with("sparsity", 90);
      plans.add(plan.by("kofnCuda").with("block", "1x1", "16x16", "32x32", "64x64"));
      plans.add(plan.by("cublas"));
      if (operation != GpuWeightGradient.class) {
        plans.add(plan.by("cusparseCsr", "cusparseBsr"));
      }
    }
    return plans;
  }

  /** One thread, n = 1024 and 256 examples, the case that goals are set for. */
  private static Plan square(Class<?> operation) {
    return Plan.of(operation).with("n", 1024).with("batch", 256).with("threads", 1);
  }

  /**
   * The name for people.
   *
   * @return a heading
   */
  public String title() {
    return title;
  }

  /**
   * The name of the command line, and of the package that has the benchmarks.
   *
   * @return the name in lower case
   */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }

  /**
   * Finds a suite.
   *
   * @param label its name, in any case
   * @return the suite
   * @throws IllegalArgumentException if there is none of that name
   */
  public static Suite of(String label) {
    for (Suite suite : values()) {
      if (suite.label().equalsIgnoreCase(label)) {
        return suite;
      }
    }
    throw new IllegalArgumentException(
        "suite is \"" + label + "\"; allowed: sampling, matmul, launch, training");
  }
}
