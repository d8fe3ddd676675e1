// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cuda;

import io.github.kofn.internal.cuda.Catalogue.Block;
import io.github.kofn.internal.cuda.Catalogue.Group;
import java.util.Comparator;
import java.util.Locale;
import java.util.Optional;

/**
 * Which kernels draw from rows of a length: a pure function, so that it is tested without a device.
 *
 * <ul>
 *   <li>rows that fit a group of lanes: several rows a warp, or a warp a row;
 *   <li>rows that fit a block's registers: a block a row;
 *   <li>longer rows: the streaming passes. Shorter rows go there too when there are too few of them
 *       for a block each to fill the GPU.
 * </ul>
 */
sealed interface SamplingPlan {

  /** Several rows a block, or a warp a row. */
  record InGroup(Group kernel) implements SamplingPlan {}

  /** A block of {@code threads} threads a row. */
  record InBlock(Block kernel, int threads) implements SamplingPlan {}

  /** Chunks of rows, in several launches. */
  record Streaming(int threads) implements SamplingPlan {}

  /** Which regimes may be chosen; tests force one. */
  enum Regime {
    AUTO,
    GROUP,
    BLOCK,
    STREAM
  }

  /** Which keys are computed first; tests force one. */
  enum Keys {
    /** Approximate ones where their error bound holds. */
    AUTO,
    /** Exact ones for all entries. */
    EXACT;

    private static final String PROPERTY = "kofn.cuda.keys";

    /** What the system property {@code kofn.cuda.keys} asks for. */
    static Keys fromProperty() {
      String name = System.getProperty(PROPERTY, "auto");
      try {
        return valueOf(name.toUpperCase(Locale.ROOT));
      } catch (IllegalArgumentException e) {
        throw new IllegalArgumentException(
            "system property " + PROPERTY + " is \"" + name + "\"; allowed: auto, exact", e);
      }
    }
  }

  /**
   * Noise scales for which approximate keys keep their error bound: neither they nor what separates
   * them overflow or lose bits to underflow. Without noise there is nothing to approximate.
   */
  float LEAST_FAST_SCALE = 0x1p-64f;

  /** The greatest such scale. */
  float GREATEST_FAST_SCALE = 0x1p64f;

  /**
   * Whether approximate keys select first, and exact ones decide only what those leave open. The
   * streaming passes need exact keys for all they keep: they gain where that is little.
   */
  static boolean fastKeys(SamplingPlan plan, long n, int k, float noiseScale, Keys keys) {
    return keys == Keys.AUTO
        && (!(plan instanceof Streaming) || k <= n / STREAMING_KEEPS_FEW)
        && noiseScale >= LEAST_FAST_SCALE
        && noiseScale <= GREATEST_FAST_SCALE;
  }

  /** Of so many columns the streaming passes may keep one and still gain by approximate keys. */
  int STREAMING_KEEPS_FEW = 64;

  /** A row shorter than this is not worth splitting over blocks. */
  int WORTH_SPLITTING = 8192;

  /**
   * Chooses.
   *
   * @param type "f32", "bf16" or "f16"
   * @param rows number of rows
   * @param n their length
   * @param multiprocessors of the device
   * @param regime AUTO, or the regime that is wanted where it can take rows of this length
   */
  static SamplingPlan of(
      Catalogue catalogue, String type, long rows, long n, int multiprocessors, Regime regime) {
    Optional<Group> group =
        catalogue.groups().stream()
            .filter(g -> g.type().equals(type) && g.capacity() >= n)
            .min(Comparator.comparingInt(Group::capacity));
    Optional<Block> block =
        catalogue.blocks().stream()
            .filter(b -> b.type().equals(type) && b.capacity() >= n)
            .min(Comparator.comparingInt(Block::capacity));
    boolean fewLongRows = n >= WORTH_SPLITTING && 2 * rows < multiprocessors;
    if (group.isPresent() && (regime == Regime.AUTO || regime == Regime.GROUP)) {
      return new InGroup(group.get());
    }
    boolean ownBlock = regime == Regime.BLOCK || (regime != Regime.STREAM && !fewLongRows);
    return block.isPresent() && ownBlock
        ? new InBlock(block.get(), block.get().threadsFor(n))
        : streaming(catalogue, type);
  }

  private static SamplingPlan streaming(Catalogue catalogue, String type) {
    return new Streaming(
        catalogue.rows().stream()
            .filter(r -> r.type().equals(type))
            .findFirst()
            .orElseThrow()
            .threads());
  }
}
