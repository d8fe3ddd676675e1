// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cuda;

/**
 * What a launch does, and how long that is taken to last: a model, to compare kernels with each
 * other, and no prediction of a time.
 *
 * <p>Thread blocks that take equally long are dealt to multiprocessors evenly, ceil(blocks /
 * multiprocessors) to the busiest. Of others, each goes to the multiprocessor that is free first:
 * the busiest then has no more than its share of all but the last block, and that one (R. L.
 * Graham, SIAM J. Applied Mathematics 1969), and no less than the longest. It issues 4 warp
 * instructions a cycle, one a warp; completes an mma of 16 x 8 results and 32 bytes of depth in 2
 * cycles (compute capability 8.0: 1024 multiply-adds of 16-bit factors, 512 of TF32, 2048 of I8 a
 * cycle); loads 32 bytes a cycle from L2; and serves one wavefront of shared memory a cycle. All of
 * them together move 12 bytes a cycle and multiprocessor from and to DRAM (10 on an A100, 15 on an
 * H100). The slowest of these counts, and every launch costs 2000 cycles more, about a microsecond,
 * for its beginning and end.
 *
 * @param blocks thread blocks
 * @param warps of a block
 * @param instructions that a warp issues, as PTX without moves and loads of parameters, which ptxas
 *     makes operands of
 * @param mma of a warp
 * @param l2Bytes that a block loads
 * @param dramBytes that all of them move
 * @param lengths how the blocks differ
 * @param wavefronts of shared memory of a block, where they may count most
 */
record LaunchCost(
    double blocks,
    double warps,
    double instructions,
    double mma,
    double l2Bytes,
    double dramBytes,
    Lengths lengths,
    double wavefronts) {
  private static final double ISSUE = 4;
  private static final double MMA_CYCLES = 2;
  private static final double L2_RATE = 32;
  private static final double DRAM_RATE = 12;
  private static final double BEGIN_AND_END = 2000;

  /**
   * How long blocks take, in terms of their mean.
   *
   * @param longest the longest
   * @param last the one that begins last; the longest where nothing is known of the order
   */
  record Lengths(double longest, double last) {
    static final Lengths EQUAL = new Lengths(1, 1);
  }

  /** One whose shared memory does not count. */
  LaunchCost(
      double blocks,
      double warps,
      double instructions,
      double mma,
      double l2Bytes,
      double dramBytes,
      Lengths lengths) {
    this(blocks, warps, instructions, mma, l2Bytes, dramBytes, lengths, 0);
  }

  /** One of equal blocks. */
  LaunchCost(
      double blocks,
      double warps,
      double instructions,
      double mma,
      double l2Bytes,
      double dramBytes) {
    this(blocks, warps, instructions, mma, l2Bytes, dramBytes, Lengths.EQUAL);
  }

  /** One without tensor cores whose loads from L2 do not count. */
  LaunchCost(double blocks, double warps, double instructions, double dramBytes) {
    this(blocks, warps, instructions, 0, 0, dramBytes);
  }

  /** Warp instructions of all blocks. */
  double issued() {
    return blocks * warps * instructions;
  }

  /** The work of the busiest multiprocessor, in mean blocks. */
  double busiest(int multiprocessors) {
    if (lengths.equals(Lengths.EQUAL)) {
      return Math.ceil(blocks / multiprocessors);
    }
    double shared = (blocks - lengths.last()) / multiprocessors + lengths.last();
    return blocks <= multiprocessors ? lengths.longest() : Math.max(lengths.longest(), shared);
  }

  /** The model's cycles on a device. */
  double cycles(DeviceLimits limits) {
    double busiest = busiest(limits.multiprocessors());
    double issue = Math.max(busiest * warps * instructions / ISSUE, instructions);
    double multiply = busiest * warps * mma * MMA_CYCLES;
    double load = busiest * l2Bytes / L2_RATE;
    double memory = dramBytes / (limits.multiprocessors() * DRAM_RATE);
    double shared = busiest * wavefronts;
    double longest = Math.max(shared, Math.max(Math.max(issue, multiply), Math.max(load, memory)));
    return blocks == 0 ? 0 : BEGIN_AND_END + longest;
  }
}
