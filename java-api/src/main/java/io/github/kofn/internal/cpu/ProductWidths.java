// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

/**
 * The inner loops for every width of a batch: the narrowest vectors that hold it, so that a small
 * batch does not compute lanes it does not have.
 */
final class ProductWidths {
  private final int lanes;
  private final Width scalar =
      new Width(
          new ProductScalar(),
          new SumScalar(),
          new GroupScalar(),
          null,
          new StripScalar(),
          new ColumnScalar());
  private final Width four;
  private final Width eight;
  private final Width widest;
  private final GatherKernel gather;
  private final DotKernels dots;
  private final PairKernel pairs;
  private final FillKernel fills;
  private final TallKernel tall;
  private final TurnKernel[] turns;
  private final TileKernels[][] tiles = new TileKernels[5][7];
  private final Scratch.Pool pool = new Scratch.Pool();

  private record Width(
      ProductLanes lanes,
      SumKernels sums,
      GroupKernels groups,
      ChunkKernel chunks,
      StripKernel strips,
      ColumnKernel columns) {
    static Width vectors(int lanes) {
      return new Width(
          Lanes.load(ProductLanes.class, "ProductVectors", lanes),
          Lanes.load(SumKernels.class, "SumVectors", lanes),
          Lanes.load(GroupKernels.class, "GroupVectors", lanes),
          Lanes.load(ChunkKernel.class, "ChunkVectors", lanes),
          Lanes.load(StripKernel.class, "StripVectors", lanes),
          Lanes.load(ColumnKernel.class, "ColumnVectors", lanes));
    }
  }

  ProductWidths(int lanes) {
    this.lanes = lanes;
    this.four = lanes >= 4 ? Width.vectors(4) : scalar;
    this.eight = lanes >= 8 ? Width.vectors(8) : four;
    this.widest = lanes >= 16 ? Width.vectors(16) : eight;
    this.dots = lanes < 4 ? null : Lanes.load(DotKernels.class, "DotVectors", lanes);
    this.pairs = lanes < 16 ? null : Lanes.load(PairKernel.class, "PairVectors", lanes);
    this.fills = lanes < 4 ? null : Lanes.load(FillKernel.class, "FillVectors", lanes);
    this.tall = lanes < 16 ? null : Lanes.load(TallKernel.class, "TallVectors", lanes);
    this.turns = new TurnKernel[3];
    for (int i = 0; i < turns.length && 4 << i <= lanes; i++) {
      turns[i] = Lanes.load(TurnKernel.class, "TurnVectors", 4 << i);
    }
    for (int l = 1; l <= lanes; l *= 2) {
      for (int d = TileKernels.SIDE_BY_SIDE; d <= TileKernels.A_ROW_APART; d *= 2) {
        if (l != 2 && TileKernels.reads(d)) {
          tiles[Integer.numberOfTrailingZeros(l)][Integer.numberOfTrailingZeros(d)] =
              loadTiles(l, d);
        }
      }
    }
    // Gathers of eight or four cost more than as many loads.
    this.gather =
        lanes < 16 ? new GatherScalar() : Lanes.load(GatherKernel.class, "GatherVectors", lanes);
  }

  private static TileKernels loadTiles(int lanes, int distance) {
    return lanes == 1
        ? new TileScalar(distance)
        : Lanes.load(TileKernels.class, "TileVectors", lanes, distance);
  }

  /** The lanes of the widest. */
  int lanes() {
    return lanes;
  }

  Scratch.Pool pool() {
    return pool;
  }

  private Width choose(int width) {
    if (width == 1) {
      return scalar;
    }
    if (width <= 4) {
      return four;
    }
    return width <= 8 ? eight : widest;
  }

  /** What is done to single rows of so many examples. */
  ProductLanes of(int width) {
    return choose(width).lanes;
  }

  /** Sums of rows of so many examples. */
  SumKernels sums(int width) {
    return choose(width).sums;
  }

  /** Sums of rows of so many examples, for outputs that share their inputs. */
  GroupKernels groups(int width) {
    return choose(width).groups;
  }

  /** Sums of rows of so many examples, two at least, a chunk of inputs at a time. */
  ChunkKernel chunks(int width) {
    return choose(width).chunks;
  }

  /** Blocks of so many inputs and a few examples: the narrowest vectors that hold them. */
  StripKernel strips(int inputs) {
    return choose(inputs).strips;
  }

  /** The widest vectors that so many inputs fill. */
  StripKernel stripsWithin(int inputs) {
    int lanes = Integer.highestOneBit(Math.min(inputs, 16));
    return (lanes < 4 ? scalar : choose(lanes)).strips;
  }

  /** Input gradients of so many examples through single columns. */
  ColumnKernel columns(int width) {
    return choose(width).columns;
  }

  /**
   * Tiles of sums for so many examples, of weights that lie so far apart: one of the distances that
   * tiles {@link TileKernels#reads read}.
   */
  TileKernels tiles(int width, int distance) {
    int index = Integer.numberOfTrailingZeros(of(width).lanes());
    return tiles[index][Integer.numberOfTrailingZeros(distance)];
  }

  /** Tiles of many outputs, or null where registers are too few. */
  TallKernel tall() {
    return tall;
  }

  /** Dot products with the widest vectors; null where there are none. */
  DotKernels dots() {
    return dots;
  }

  /** What fills rows of weights with zeros; null where there are no vectors. */
  FillKernel fills() {
    return fills;
  }

  /** What moves weights, at least so many at once where vectors are that wide. */
  TurnKernel turns(int least) {
    int wanted = least <= 4 ? 0 : least <= 8 ? 1 : 2;
    return turns[Math.min(wanted, Integer.numberOfTrailingZeros(lanes) - 2)];
  }

  /** Sums for a batch of one. */
  GatherKernel gather() {
    return gather;
  }

  /** Dot products over two full panels at once, or null where registers are too few. */
  PairKernel pairs() {
    return pairs;
  }

  /** What adds up the partial sums of {@link #gather}. */
  ProductLanes gathered() {
    return gather.lanes() == 1 ? scalar.lanes : widest.lanes;
  }

  /** How many outputs are best computed at once, whatever the width of the batch. */
  int most() {
    return widest.groups.most();
  }

  /** The inner loops with the widest vectors. */
  ProductLanes widest() {
    return widest.lanes;
  }

  /** The width of a tile that holds so many examples: whole vectors. */
  int stride(int width) {
    return Math.ceilDiv(width, of(width).lanes()) * of(width).lanes();
  }
}
