// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import io.github.kofn.internal.kernels.Draw;
import io.github.kofn.internal.kernels.SamplingKernels.DrawOutputs;
import io.github.kofn.internal.kernels.View;
import io.github.kofn.sampling.InvalidLogitsException;

/**
 * One draw: keys, selection and outputs of any range of rows.
 *
 * <p>What an element costs where vectors have 512 bits, in vector operations a 16 elements; two
 * ports take one each a cycle, shifts, permutations, comparisons and integer extremes only one of
 * them, and a list of lanes, which is two operations, as well:
 *
 * <pre>
 * Philox: of 16 counters of 4 words, a first round of 11, 9 rounds of 14, 4 shifts
 *         (see SamplingCipherVector), and putting words into order, 12                 38
 *         the same column by column, where words are in order                          35
 * Gumbel map: two logarithms, 42, and the key                                           45
 * FILTERED: two conversions, one fused multiplication, a comparison, three lists        13
 *         and 45 for what passes: at k = n / 10 about a sixth of the elements            8
 * COLUMNWISE: turning 4 stages of 1; inserting into the k greatest, 2.75 k
 * COUNTED: a pass over the keys 3, five to eight passes
 * </pre>
 *
 * <p>Exact keys for all therefore cost 83 operations or 42 cycles, 0.9 ns an element at 3 GHz, and
 * FILTERED's 59 cost 0.6 ns before reading, selecting and writing. It is why nothing but candidates
 * is made into a key where k is a small part of n.
 */
final class SamplingDraw {
  /** How the k greatest keys of a row are found. */
  enum Regime {
    /** Short rows side by side: like COUNTED, in as many rows at once as a vector has lanes. */
    COLUMNWISE,
    /** All keys in an array: search the threshold that k of them reach. */
    COUNTED,
    /** Only what may be above a guessed and rising threshold is made into a key. */
    FILTERED
  }

  /** The longest row that is worked on column by column. */
  private static final int SHORT = 128;

  /**
   * The longest row that is drawn in a batch, which makes rows of 256 to 512 columns 7 % faster,
   * and those of 784 and 1024 slower by as much.
   */
  private static final int BATCHED = 512;

  /** The least blocks of a part of a row that is split over threads. */
  private static final int PART_BLOCKS = 16;

  /** So that a thread that is held up leaves work to the others. */
  private static final int PARTS_PER_THREAD = 2;

  private final SamplingSelection selection;
  private final SamplingColumnwise columnwise;
  private final SamplingKeys keyMaker;

  /** Null where rows are not drawn in batches. */
  private final SamplingBatch batch;

  private final int n;
  private final int k;
  private final float beta;
  private final Regime regime;
  private final SamplingOutputs outputs;

  /** How far apart rows lie in scratch. */
  private final int stride;

  SamplingDraw(
      SamplingNoise noise,
      SamplingSelection selection,
      SamplingColumnwise columnwise,
      View logits,
      int k,
      Draw draw,
      DrawOutputs outputs,
      Regime forced) {
    this.selection = selection;
    this.columnwise = columnwise;
    this.n = Math.toIntExact(logits.columns());
    this.k = k;
    this.beta = draw.noiseScale();
    this.regime = regime(forced);
    this.outputs = new SamplingOutputs(n, k, outputs);
    this.stride = Math.toIntExact(Math.ceilDiv(n, 16L) * 16);
    this.keyMaker = new SamplingKeys(noise, logits, draw, stride);
    this.batch =
        isBatched()
            ? new SamplingBatch(noise, selection, columnwise, keyMaker, logits, k, stride, beta)
            : null;
  }

  /** Where few columns are drawn, or rows are long, a batch saves nothing. */
  private boolean isBatched() {
    return regime == Regime.FILTERED
        && columnwise != null
        && n <= BATCHED
        && k > n / SamplingCandidates.SPARSE
        && beta != 0;
  }

  private Regime regime(Regime forced) {
    boolean fits = columnwise != null && n * columnwise.lanes() <= SamplingScratch.BLOCK;
    if (forced != null && (forced != Regime.COLUMNWISE || fits)) {
      return forced;
    }
    if (fits && n <= SHORT) {
      return Regime.COLUMNWISE;
    }
    return k <= n / 5 ? Regime.FILTERED : Regime.COUNTED;
  }

  /** Draws in the rows from first until before last. */
  void rows(long first, long last, SamplingScratch scratch) {
    if (n == 0) {
      return;
    }
    keyMaker.begin(regime == Regime.COLUMNWISE ? columnwise : null, scratch);
    scratch.threshold.begin(this);
    scratch.guess.begin(this, beta, k);
    scratch.search.begin(this);
    int rows;
    for (long row = first; row < last; row += rows) {
      float guess = scratch.guess.next();
      rows = (int) Math.min(rowsAtOnce(guess), last - row);
      scratch.columns(rows * k + (regime == Regime.FILTERED ? 0 : n));
      scratch.winnerKeys(rows * k);
      if (regime == Regime.COUNTED) {
        outputs.clear(row, rows);
      }
      if (regime == Regime.COLUMNWISE) {
        groups(row, rows, scratch);
      } else if (regime == Regime.COUNTED) {
        count(row, rows, scratch);
      } else if (batch != null) {
        filterBatch(row, rows, guess, scratch);
      } else if (n <= SamplingScratch.BLOCK) {
        filter(row, rows, scratch);
      } else {
        stream(row, scratch);
      }
      outputs.write(row, rows, scratch);
    }
  }

  private int rowsAtOnce(float guess) {
    if (batch != null) {
      return batch.rowsAtOnce(guess);
    }
    if (regime != Regime.COLUMNWISE) {
      return keyMaker.rowsAtOnce();
    }
    int lanes = columnwise.lanes();
    return SamplingScratch.BLOCK / (n * lanes) * lanes;
  }

  /** Draws short rows, some groups at a time. */
  private void groups(long row, int rows, SamplingScratch scratch) {
    int lanes = columnwise.lanes();
    int greatest = keyMaker.makeColumnwise(columnwise, row, rows, outputs, scratch);
    boolean anyNan = greatest > SamplingKeys.INFINITY;
    SamplingSearch search = scratch.search;
    int groups = Math.ceilDiv(rows, lanes);
    if (k > 0) {
      columnwise.thresholds(scratch.keys, n, groups, k, search);
    }
    for (int r = 0; r < rows; r += lanes) {
      listGroup(row, r, Math.min(lanes, rows - r), anyNan, scratch);
    }
  }

  /** Lists the winners of the rows of a group. */
  private void listGroup(long row, int first, int rows, boolean anyNan, SamplingScratch scratch) {
    int lanes = columnwise.lanes();
    boolean listed = false;
    if (k > 0) {
      columnwise.mark(scratch.keys, n, first / lanes, scratch.search.thresholds, scratch.marks);
      listed = !anyNan && columnwise.list(scratch.marks, n, rows, k, scratch.columns, first * k);
    }
    // Row by row where something is wrong, so that the error is the first row's.
    for (int r = first; !listed && r < first + rows; r++) {
      if (anyNan) {
        keyMaker.checkNotNan(scratch.keys, start(r), lanes, row + r);
      }
      if (k > 0) {
        listMarked(row, r, scratch);
      }
    }
    for (int r = first; outputs.needKeys() && r < first + rows; r++) {
      for (int i = r * k; i < (r + 1) * k; i++) {
        scratch.winnerKeys[i] = scratch.keys[scratch.columns[i] * lanes + start(r)];
      }
    }
  }

  /** Where a short row begins among the keys. */
  private int start(int r) {
    int lane = r % columnwise.lanes();
    return (r - lane) * n + lane;
  }

  /** Lists a row of which too few columns are marked, or too many, because keys are equal. */
  private void listMarked(long row, int r, SamplingScratch scratch) {
    int lanes = columnwise.lanes();
    float[] keys = scratch.keys;
    int[] columns = scratch.columns;
    int at = r * k;
    int end = columnwise.list(scratch.marks, n, r % lanes, columns, at);
    if (end - at < k) {
      throw keyMaker.tooFew(keys, start(r), lanes, row + r, k);
    }
    if (end - at > k) {
      SamplingThreshold.dropTies(keys, start(r), lanes, columns, at, end, k);
    }
  }

  private void count(long row, int rows, SamplingScratch scratch) {
    int greatest = keyMaker.make(row, rows, scratch);
    float[] keys = scratch.keys;
    int[] columns = scratch.columns;
    for (int r = 0; r < rows; r++) {
      int from = r * stride;
      if (greatest > SamplingKeys.INFINITY) {
        keyMaker.checkNotNan(keys, from, 1, row + r);
      }
      select(keys, from, row + r, r * k, scratch);
      for (int i = r * k; outputs.needKeys() && i < (r + 1) * k; i++) {
        scratch.winnerKeys[i] = keys[from + columns[i]];
      }
    }
  }

  /** Lists the columns of the k greatest of a row's keys. */
  private void select(float[] keys, int from, long row, int at, SamplingScratch scratch) {
    if (k == 0) {
      return;
    }
    float threshold = scratch.threshold.find(keys, from, n, k);
    threshold = Math.max(threshold, -Float.MAX_VALUE);
    int end = selection.list(keys, from, n, threshold, scratch.columns, at);
    if (end - at < k) {
      throw keyMaker.tooFew(keys, from, 1, row, k);
    }
    if (end - at > k) {
      SamplingThreshold.dropTies(keys, from, 1, scratch.columns, at, end, k);
    }
  }

  /** Draws rows that are not longer than a block. */
  private void filter(long row, int rows, SamplingScratch scratch) {
    keyMaker.prepare(row, rows, outputs, scratch);
    for (int r = 0; r < rows; r++) {
      float guess = scratch.guess.next();
      float least = winners(row + r, r * stride, guess, scratch);
      boolean below = least > guess;
      if (!below) {
        least = winners(row + r, r * stride, Float.NEGATIVE_INFINITY, scratch);
      }
      finish(row + r, r * k, least, below, scratch);
    }
  }

  /** The same in a batch, and alone those for which it fails. */
  private void filterBatch(long row, int rows, float guess, SamplingScratch scratch) {
    int alone = batch.draw(row, rows, guess, outputs, scratch);
    for (int r = 0; alone >> r != 0; r++) {
      if ((alone >> r & 1) != 0) {
        keyMaker.prepare(row + r, 1, outputs, scratch);
        float least = winners(row + r, 0, Float.NEGATIVE_INFINITY, scratch);
        finish(row + r, r * k, least, least > guess, scratch);
      }
    }
  }

  /** The winners among the columns whose key may be above a guess, and the least winner's key. */
  private float winners(long row, int from, float guess, SamplingScratch scratch) {
    SamplingCandidates candidates = scratch.candidates;
    candidates.start(row, n, k, beta, guess);
    keyMaker.filter(from, n, 0, scratch);
    return candidates.narrow();
  }

  /** Draws a row that is longer than a block. */
  private void stream(long row, SamplingScratch scratch) {
    float guess = scratch.guess.next();
    float least = streamAbove(row, 0, n, k, guess, scratch);
    boolean below = least > guess;
    if (!below) {
      least = streamAbove(row, 0, n, k, Float.NEGATIVE_INFINITY, scratch);
    }
    finish(row, 0, least, below, scratch);
  }

  /** Leaves so many of a part's greatest keys above a guess, and tells the least; clears masks. */
  private float streamAbove(
      long row, int from, int to, int most, float guess, SamplingScratch scratch) {
    SamplingCandidates candidates = scratch.candidates;
    candidates.start(row, to - from, most, beta, guess);
    for (int column = from; column < to; column += SamplingScratch.BLOCK) {
      int length = Math.min(SamplingScratch.BLOCK, to - column);
      keyMaker.preparePart(row, column, length, outputs, scratch);
      keyMaker.filter(0, length, column, scratch);
    }
    return candidates.narrow();
  }

  /** Into how many parts a row can be split for so many threads: 1 if it is not worth it. */
  int parts(int threads) {
    int most = n / (PART_BLOCKS * SamplingScratch.BLOCK);
    return regime == Regime.FILTERED ? Math.clamp(most, 1, PARTS_PER_THREAD * threads) : 1;
  }

  /** Where a part of a row begins. */
  private int partStart(int part, int parts) {
    int blocks = Math.ceilDiv(n, SamplingScratch.BLOCK);
    return Math.min(n, (int) ((long) blocks * part / parts) * SamplingScratch.BLOCK);
  }

  /**
   * How many of a part's greatest keys are kept at first: a share of k, and six deviations of what
   * parts of a row without order have. Were it k, more columns would pass the filter of a part, a
   * third of the time in all.
   */
  static int share(int k, int parts) {
    double even = (double) k / parts;
    return (int) Math.min(k, Math.ceil(even + 6 * Math.sqrt(even)));
  }

  /** Leaves so many of the greatest keys of a part of a row, and a threshold of all others. */
  void part(long row, int part, int parts, int most, SamplingScratch scratch) {
    int from = partStart(part, parts);
    int to = partStart(part + 1, parts);
    keyMaker.begin(null, scratch);
    scratch.threshold.begin(this);
    float least = streamAbove(row, from, to, most, Float.NEGATIVE_INFINITY, scratch);
    scratch.candidates.threshold = Math.max(scratch.candidates.threshold, least);
  }

  /**
   * Draws a row of which all parts have been worked on.
   *
   * @param most how many keys a part has left at most
   * @return false, and nothing is drawn, if a part may have had more winners than that
   */
  boolean join(long row, SamplingScratch[] parts, int most, SamplingScratch scratch) {
    scratch.threshold.begin(this);
    scratch.columns(k);
    scratch.winnerKeys(k);
    scratch.candidates.start(row, n, k, beta, Float.NEGATIVE_INFINITY);
    for (SamplingScratch part : parts) {
      scratch.candidates.addWinners(part.candidates);
    }
    float least = scratch.candidates.narrow();
    for (SamplingScratch part : parts) {
      if (most < k && part.candidates.threshold >= least) {
        return false;
      }
    }
    finish(row, 0, least, true, scratch);
    outputs.write(row, 1, scratch);
    return true;
  }

  private void finish(long row, int at, float least, boolean below, SamplingScratch scratch) {
    SamplingCandidates candidates = scratch.candidates;
    if (candidates.count < k) {
      throw InvalidLogitsException.tooFew(row, candidates.count, k);
    }
    System.arraycopy(candidates.lists.columns, 0, scratch.columns, at, k);
    System.arraycopy(candidates.lists.keys, 0, scratch.winnerKeys, at, k);
    scratch.guess.learn(least, below);
  }
}
