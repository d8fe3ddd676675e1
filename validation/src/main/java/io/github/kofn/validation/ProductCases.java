// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.validation;

import io.github.kofn.DType;
import io.github.kofn.sparse.Activation;
import io.github.kofn.sparse.KofNLayout;
import io.github.kofn.validation.Problem.PatternKind;
import io.github.kofn.validation.Problem.Types;
import io.github.kofn.validation.ProductCase.Product;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/** The cases of products. */
final class ProductCases {
  /** Blocks, and matrices that they do not divide: {blockOut, blockIn, out, in}. */
  private static final int[][] MATRICES = {
    {1, 1, 50, 121},
    {1, 9, 20, 225},
    {4, 1, 30, 64},
    {16, 16, 40, 200},
    {32, 32, 70, 330},
    {3, 5, 20, 63}
  };

  /** Blocks that tensor cores take, and matrices that most of them do not divide. */
  private static final int[][] TENSOR_MATRICES = {
    {16, 16, 200, 112},
    {16, 32, 130, 200},
    {32, 16, 72, 130},
    {48, 32, 100, 96},
    {48, 48, 100, 170},
    {64, 16, 130, 250},
    {64, 64, 200, 210},
    {128, 128, 260, 300},
    {32, 128, 64, 520},
    {128, 64, 128, 256},
    {16, 1, 200, 112},
    {32, 1, 130, 203},
    {64, 1, 200, 97},
    {128, 1, 260, 120},
    {48, 3, 100, 95},
    {32, 9, 72, 130}
  };

  private static final int[] TENSOR_BATCHES = {17, 9, 130, 33};

  private static final int[] QUICK_BATCHES = {0, 1, 6, 17, 130};
  private static final int[] FULL_BATCHES = {0, 1, 3, 6, 17, 63, 64, 65, 128, 1000};

  private static final Types F32 = new Types(DType.F32, DType.F32, DType.F32);
  private static final Types BF16 = new Types(DType.BF16, DType.BF16, DType.F32);
  private static final Types F16 = new Types(DType.F16, DType.F16, DType.F16);
  private static final Types I8 = new Types(DType.I8, DType.I8, DType.F32);
  private static final List<Types> TENSOR_TYPES =
      List.of(
          new Types(DType.BF16, DType.BF16, DType.BF16),
          F16,
          I8,
          new Types(DType.F32, DType.F32, DType.F32, true));
  private static final List<Types> TYPES =
      List.of(
          F32,
          BF16,
          F32,
          F16,
          F32,
          new Types(DType.F32, DType.BF16, DType.BF16),
          I8,
          F32,
          new Types(DType.BF16, DType.F32, DType.F32));

  private static final Activation[] ACTIVATIONS = Activation.values();

  private final SplittableRandom seeds;
  private final boolean full;
  private final List<Case> cases = new ArrayList<>();
  private int turn;

  private ProductCases(long seed, CaseSet set) {
    this.seeds = new SplittableRandom(seed ^ Op.MATMUL.name().hashCode());
    this.full = set == CaseSet.FULL;
  }

  static List<Case> of(long seed, CaseSet set) {
    ProductCases products = new ProductCases(seed, set);
    products.everyMatrix();
    products.tensorCores();
    products.everyPattern();
    products.largeOnes();
    return products.cases;
  }

  private void everyMatrix() {
    for (int[] matrix : MATRICES) {
      for (int batch : full ? FULL_BATCHES : QUICK_BATCHES) {
        int n = Math.ceilDiv(matrix[3], matrix[1]);
        int[] counts = {0, 1, Math.max(1, n / 10), n};
        for (int k : IntStream.of(counts).distinct().toArray()) {
          if (full) {
            everyStorage(batch, layout(matrix, k));
          } else if (k > 0 || batch == 17) {
            turn++;
            Types types = TYPES.get(turn % TYPES.size());
            add(batch, layout(matrix, k), types, turn % 2 == 0, turn % 4 < 2, PatternKind.RANDOM);
          }
        }
      }
    }
  }

  private void tensorCores() {
    for (int[] matrix : TENSOR_MATRICES) {
      int n = Math.ceilDiv(matrix[3], matrix[1]);
      for (Types types : TENSOR_TYPES) {
        int[] counts = {Math.max(1, n / 3), n, 1, 0};
        int first = turn++;
        for (int i = 0; i < (full ? counts.length : 1); i++) {
          int k = counts[(first / TENSOR_TYPES.size() + i) % counts.length];
          int batch = TENSOR_BATCHES[(first + first / 4 + i) % TENSOR_BATCHES.length];
          add(batch, layout(matrix, k), types, (first + i) % 2 == 0, false, PatternKind.RANDOM);
        }
        add(40, layout(matrix, counts[0]), types, first % 2 != 0, true, PatternKind.COMMON_COLUMN);
      }
      KofNLayout layout = layout(matrix, Math.max(1, n / 3));
      addPolluted(9, layout, F16, turn % 2 == 0, false);
    }
  }

  private void everyStorage(int batch, KofNLayout layout) {
    for (Types types : TYPES.stream().distinct().toList()) {
      turn++;
      add(batch, layout, types, false, turn % 2 == 0, PatternKind.RANDOM);
      add(batch, layout, types, true, turn % 2 != 0, PatternKind.RANDOM);
    }
  }

  private void everyPattern() {
    for (int[] matrix : MATRICES) {
      int k = Math.max(1, Math.ceilDiv(matrix[3], matrix[1]) / 4);
      for (boolean packed : new boolean[] {false, true}) {
        boolean preferred = (turn++ & 1) == 0;
        KofNLayout layout = layout(matrix, k);
        add(33, layout, F32, packed, preferred, PatternKind.COMMON_COLUMN);
        add(33, layout, F32, packed, !preferred, PatternKind.EMPTY_COLUMNS);
        addPolluted(9, layout, F32, packed, true);
        addPolluted(70, layout, BF16, packed, false);
      }
    }
  }

  private void largeOnes() {
    add(128, KofNLayout.weights(300, 784, 78), F32, false, true, PatternKind.RANDOM);
    add(1000, KofNLayout.weights(50, 64, 7), F32, true, true, PatternKind.RANDOM);
    add(5, KofNLayout.weights(3, 70_000, 100), F32, false, true, PatternKind.RANDOM);
    add(3, KofNLayout.weights(2, 65_536, 50), BF16, true, false, PatternKind.RANDOM);
    add(4000, new KofNLayout(40, 40, 16, 16, 1), F16, true, true, PatternKind.RANDOM);
    add(1400, new KofNLayout(60, 70, 32, 32, 1), BF16, false, true, PatternKind.COMMON_COLUMN);
    add(1, new KofNLayout(1, 1, 1, 1, 1), F32, false, false, PatternKind.RANDOM);
    add(2, new KofNLayout(3, 2, 128, 128, 1), F32, true, true, PatternKind.RANDOM);
    if (full) {
      add(256, KofNLayout.weights(1024, 1024, 102), F32, false, true, PatternKind.RANDOM);
      add(128, new KofNLayout(512, 512, 64, 64, 3), BF16, true, true, PatternKind.RANDOM);
      add(77, new KofNLayout(300, 1000, 128, 128, 2), F16, false, false, PatternKind.RANDOM);
    }
  }

  private void addPolluted(
      int batch, KofNLayout layout, Types types, boolean packed, boolean preferred) {
    for (Product product : List.of(Product.MULTIPLY, Product.INPUT_GRADIENT)) {
      Problem problem =
          new Problem(batch, layout, types, packed, preferred, PatternKind.POLLUTED_INPUT);
      cases.add(new ProductCase(product, problem, Activation.IDENTITY, seeds.nextLong()));
    }
  }

  private static KofNLayout layout(int[] matrix, int k) {
    return new KofNLayout(matrix[2], matrix[3], matrix[0], matrix[1], k);
  }

  private void add(
      int batch,
      KofNLayout layout,
      Types types,
      boolean packed,
      boolean preferred,
      PatternKind pattern) {
    for (Product product : Product.values()) {
      boolean forwardOnly =
          product == Product.MULTIPLY
              || product == Product.FUSED_MULTIPLY
              || product == Product.STORAGE;
      boolean exists =
          types.isInteger() ? forwardOnly : !(packed && product == Product.MASK_GRADIENT);
      if (exists) {
        addOne(product, batch, layout, types, packed, preferred, pattern);
      }
    }
  }

  private void addOne(
      Product product,
      int batch,
      KofNLayout layout,
      Types types,
      boolean packed,
      boolean preferred,
      PatternKind pattern) {
    boolean hasActivation =
        product == Product.FUSED_MULTIPLY
            || product == Product.INPUT_GRADIENT
            || product == Product.EPILOGUE_GRADIENT;
    Activation activation =
        hasActivation ? ACTIVATIONS[cases.size() % ACTIVATIONS.length] : Activation.IDENTITY;
    Problem problem = new Problem(batch, layout, types, packed, preferred, pattern);
    cases.add(new ProductCase(product, problem, activation, seeds.nextLong()));
  }
}
