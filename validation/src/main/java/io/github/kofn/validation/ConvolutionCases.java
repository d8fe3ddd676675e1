// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.validation;

import io.github.kofn.DType;
import io.github.kofn.sparse.Activation;
import io.github.kofn.sparse.Convolution;
import io.github.kofn.sparse.KofNLayout;
import io.github.kofn.sparse.MaxPooling;
import io.github.kofn.validation.ConvolutionCase.Operation;
import io.github.kofn.validation.Problem.PatternKind;
import io.github.kofn.validation.Problem.Types;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/** The cases of convolutions, which belong to products. */
final class ConvolutionCases {
  /**
   * Channels, rows and columns of x; channels of y; rows and columns of a kernel; stride, padding.
   */
  private static final int[][] SHAPES = {
    {3, 5, 4, 4, 3, 3, 1, 1},
    {4, 9, 11, 5, 3, 3, 2, 0},
    {4, 6, 7, 3, 5, 5, 1, 2},
    {5, 8, 7, 6, 1, 1, 1, 0},
    {3, 5, 9, 2, 2, 3, 1, 0},
    {3, 6, 6, 4, 2, 3, 2, 1},
    {2, 13, 10, 3, 5, 5, 2, 2},
    {4, 7, 7, 3, 1, 1, 2, 0},
    {2, 10, 9, 3, 3, 3, 3, 2},
    {2, 9, 8, 2, 7, 7, 1, 3},
    // Windows that lie wholly in the padding, and an image of one pixel.
    {3, 4, 2, 2, 3, 2, 1, 4},
    {1, 1, 1, 1, 1, 1, 1, 0}
  };

  private static final int[] QUICK_BATCHES = {0, 1, 3, 17};
  private static final int[] FULL_BATCHES = {0, 1, 2, 3, 17, 64, 65, 130};

  private static final Types F32 = new Types(DType.F32, DType.F32, DType.F32);
  private static final Types BF16 = new Types(DType.BF16, DType.BF16, DType.F32);
  private static final List<Types> TYPES =
      List.of(
          F32,
          BF16,
          F32,
          new Types(DType.F16, DType.F16, DType.F16),
          F32,
          new Types(DType.F32, DType.BF16, DType.BF16));

  /** Of x, weights and y; dX is of x's type, and dY of y's. */
  private static final List<Types> NARROW =
      List.of(
          new Types(DType.BF16, DType.BF16, DType.BF16),
          new Types(DType.F16, DType.F32, DType.F16),
          new Types(DType.BF16, DType.F32, DType.F32),
          new Types(DType.F32, DType.F16, DType.BF16));

  private static final Activation[] ACTIVATIONS = Activation.values();

  private final SplittableRandom seeds;
  private final boolean full;
  private final List<Case> cases = new ArrayList<>();
  private final Set<String> shapes = new HashSet<>();
  private int turn;

  private ConvolutionCases(long seed, CaseSet set) {
    this.seeds = new SplittableRandom(seed ^ "CONVOLUTION".hashCode());
    this.full = set == CaseSet.FULL;
  }

  static List<Case> of(long seed, CaseSet set) {
    ConvolutionCases convolutions = new ConvolutionCases(seed, set);
    for (int[] sizes : SHAPES) {
      convolutions.everyBatch(shape(sizes));
      convolutions.everyPattern(shape(sizes));
      convolutions.otherBlocks(shape(sizes));
      convolutions.narrowTypes(shape(sizes));
    }
    convolutions.largeOnes();
    convolutions.pooling();
    return convolutions.cases;
  }

  private static Convolution shape(int... s) {
    return new Convolution(s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7]);
  }

  private void everyBatch(Convolution shape) {
    for (int batch : full ? FULL_BATCHES : QUICK_BATCHES) {
      int n = shape.inChannels();
      for (int k : IntStream.of(0, 1, n).distinct().toArray()) {
        if (full || batch == 3 || k == 1) {
          for (Types types : full ? TYPES.stream().distinct().toList() : List.of(next())) {
            turn++;
            add(batch, shape, shape.kernels(k), types, turn % 2 == 0, PatternKind.RANDOM);
          }
        }
      }
    }
  }

  private Types next() {
    return TYPES.get(turn % TYPES.size());
  }

  private void everyPattern(Convolution shape) {
    KofNLayout layout = shape.kernels(Math.max(1, shape.inChannels() / 2));
    add(2, shape, layout, F32, false, PatternKind.EMPTY_COLUMNS);
    add(2, shape, layout, F32, true, PatternKind.COMMON_COLUMN);
    addOne(Operation.FORWARD, 5, shape, layout, F32, false, PatternKind.POLLUTED_INPUT);
    addOne(Operation.FORWARD, 5, shape, layout, BF16, true, PatternKind.POLLUTED_INPUT);
  }

  /** Single weights, whole input channels, and blocks that fit neither kernels nor the matrix. */
  private void otherBlocks(Convolution shape) {
    int[][] blocks = {{1, 1}, {shape.outChannels(), shape.kernelSize()}, {2, 4}};
    for (int[] block : blocks) {
      int n = Math.ceilDiv(shape.weightColumns(), block[1]);
      KofNLayout layout =
          new KofNLayout(
              shape.outChannels(), shape.weightColumns(), block[0], block[1], (n + 1) / 2);
      turn++;
      add(2, shape, layout, next(), turn % 2 == 0, PatternKind.RANDOM);
    }
  }

  /** Every operation in every narrow type, by kernels and by single weights, in turn packed. */
  private void narrowTypes(Convolution shape) {
    KofNLayout single =
        KofNLayout.weights(
            shape.outChannels(), shape.weightColumns(), (shape.weightColumns() + 1) / 2);
    for (Types types : NARROW) {
      for (KofNLayout layout : List.of(shape.kernels((shape.inChannels() + 1) / 2), single)) {
        turn++;
        add(9, shape, layout, types, turn % 3 == 0, PatternKind.RANDOM);
      }
    }
  }

  private void largeOnes() {
    add(70, shape(2, 6, 6, 3, 3, 3, 1, 1), 1, false);
    add(70, shape(6, 12, 12, 8, 5, 5, 1, 0), 2, false);
    add(3, shape(6, 12, 12, 8, 5, 5, 1, 0), 2, true);
    if (full) {
      add(64, shape(1, 28, 28, 20, 5, 5, 1, 0), 1, false);
      add(64, shape(20, 12, 12, 50, 5, 5, 1, 0), 3, true);
      add(9, shape(32, 33, 31, 40, 3, 3, 1, 1), 4, false);
    }
  }

  private void pooling() {
    int[][] sizes = {{3, 8, 6, 2}, {2, 7, 5, 2}, {1, 9, 10, 3}, {4, 3, 2, 1}, {1, 5, 5, 5}};
    DType[] types = {DType.F32, DType.BF16, DType.F16};
    for (int[] s : sizes) {
      MaxPooling pooling = new MaxPooling(s[0], s[1], s[2], s[3]);
      for (int batch : full ? FULL_BATCHES : QUICK_BATCHES) {
        DType type = types[turn++ % types.length];
        cases.add(new PoolingCase(pooling, batch, type, turn % 2 == 0, seeds.nextLong()));
      }
    }
    MaxPooling pooling = new MaxPooling(2, 6, 6, 2);
    cases.add(new PoolingCase(pooling, 70, DType.F32, true, seeds.nextLong()));
  }

  private void add(int batch, Convolution shape, int k, boolean packed) {
    add(batch, shape, shape.kernels(k), F32, packed, PatternKind.RANDOM);
  }

  private void add(
      int batch,
      Convolution shape,
      KofNLayout layout,
      Types types,
      boolean packed,
      PatternKind pattern) {
    for (Operation operation : Operation.values()) {
      if (!(packed && operation == Operation.MASK_GRADIENT)) {
        addOne(operation, batch, shape, layout, types, packed, pattern);
      }
    }
  }

  private void addOne(
      Operation operation,
      int batch,
      Convolution shape,
      KofNLayout layout,
      Types types,
      boolean packed,
      PatternKind pattern) {
    boolean hasActivation =
        operation == Operation.FUSED_FORWARD
            || operation == Operation.INPUT_GRADIENT
            || operation == Operation.EPILOGUE_GRADIENT;
    Activation activation =
        hasActivation ? ACTIVATIONS[cases.size() % ACTIVATIONS.length] : Activation.IDENTITY;
    boolean preferred = turn % 4 < 2;
    Problem problem = new Problem(batch, layout, types, packed, preferred, pattern);
    Case made = new ConvolutionCase(operation, shape, problem, activation, seeds.nextLong());
    if (shapes.add(made.type() + " " + made.shape())) {
      cases.add(made);
    }
  }
}
