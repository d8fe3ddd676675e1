// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.validation;

import io.github.kofn.DType;
import io.github.kofn.Device;
import io.github.kofn.Tensor;
import io.github.kofn.sampling.DrawKey;
import io.github.kofn.sampling.GumbelTopK;
import io.github.kofn.sampling.Order;
import io.github.kofn.sampling.Output;
import io.github.kofn.sampling.Selection;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;

/**
 * One draw in both orders, with every output, into new tensors and over an earlier draw; whole or
 * in two parts. Everything must be met in every bit.
 *
 * @param rows how many rows
 * @param n columns
 * @param k entries drawn from each row
 * @param logits their type
 * @param noiseScale beta
 * @param kind what the rows hold
 * @param gap elements between the rows; where there are some, the first row begins one element into
 *     the memory, which no vector access is aligned to
 * @param parts 1 for the whole tensor, 2 for two parts that must give what the whole would
 * @param firstRow the global index of the first row
 * @param seed what logits and draw are made from
 */
record SamplingCase(
    int rows,
    int n,
    int k,
    DType logits,
    float noiseScale,
    RowKind kind,
    int gap,
    int parts,
    long firstRow,
    long seed)
    implements Case {

  @Override
  public Op op() {
    return Op.SAMPLING;
  }

  @Override
  public String type() {
    return logits.toString();
  }

  @Override
  public String shape() {
    return "[%d, %d] k=%d %s beta=%s"
            .formatted(rows, n, k, kind.label(), Float.toString(noiseScale))
        + (gap == 0 ? "" : " gap " + gap)
        + (parts == 1 ? "" : " in " + parts + " parts")
        + (firstRow == 0 ? "" : " from row " + firstRow);
  }

  @Override
  public long work() {
    return 2L * rows * n;
  }

  /** The logits, row after row, as numbers of their type. */
  float[] values() {
    SplittableRandom random = new SplittableRandom(seed);
    float[] values = new float[rows * n];
    float[] row = new float[n];
    for (int r = 0; r < rows; r++) {
      kind.fill(row, k, random);
      for (int c = 0; c < n; c++) {
        values[r * n + c] = Numbers.round(logits, row[c]);
      }
    }
    return values;
  }

  /**
   * Rows on a device.
   *
   * @param logits the rows
   * @param memory what they lie in
   */
  record Rows(Tensor logits, Tensor memory) implements AutoCloseable {
    @Override
    public void close() {
      logits.close();
      memory.close();
    }
  }

  /** Puts rows of logits on a device, and NaN into their gaps. */
  Rows place(Device device, float[] values, int count) {
    if (gap == 0) {
      Tensor tensor = Numbers.tensor(device, logits, values, count, n);
      return new Rows(tensor, tensor);
    }
    int pitch = n + gap;
    float[] spaced = new float[1 + count * pitch];
    Arrays.fill(spaced, Float.NaN);
    for (int row = 0; row < count; row++) {
      System.arraycopy(values, row * n, spaced, 1 + row * pitch, n);
    }
    Tensor memory = Numbers.tensor(device, logits, spaced, spaced.length);
    long first = memory.address() + logits.bytes();
    return new Rows(device.tensorAt(first, logits, pitch, new long[] {count, n}), memory);
  }

  /** Which draw. */
  DrawKey key() {
    SplittableRandom random = new SplittableRandom(~seed);
    return new DrawKey(random.nextLong(), random.nextInt(), random.nextInt(), firstRow);
  }

  @Override
  public Check prepare() {
    float[] values = values();
    int cut = parts == 1 ? rows : rows / 3 + 1;
    List<Check> draws = new ArrayList<>();
    for (Order order : Order.values()) {
      draws.add(draw(values, 0, cut, order));
      if (cut < rows) {
        draws.add(draw(values, cut, rows, order));
      }
    }
    return (device, agreement) -> draws.forEach(draw -> draw.run(device, agreement));
  }

  private Check draw(float[] all, int from, int to, Order order) {
    float[] values = Arrays.copyOfRange(all, from * n, to * n);
    DrawKey key = key().fromRow(firstRow + from);
    GumbelTopK sampler = new GumbelTopK(k, noiseScale, order, Set.of(Output.values()));
    Drawn expected = Drawn.of(this, values, to - from, key, order);
    return (device, agreement) -> {
      try (Rows placed = place(device, values, to - from);
          Selection selection = sampler.draw(placed.logits(), key.atStep(key.step() + 1))) {
        // Drawn a second time into the same tensors: nothing of the first draw may remain.
        sampler.draw(placed.logits(), key, selection);
        expected.compare(selection, agreement);
      }
    };
  }

  /** What a draw must give. */
  private static final class Drawn {
    private final int[] indices;
    private final float[] keys;
    private final int[] bits;
    private final int[] bytes;
    private final float[] floats;

    private Drawn(int rows, int n, int k) {
      indices = new int[rows * k];
      keys = new float[rows * k];
      bits = new int[rows * Math.ceilDiv(n, 32)];
      bytes = new int[rows * n];
      floats = new float[rows * n];
    }

    static Drawn of(SamplingCase test, float[] values, int rows, DrawKey key, Order order) {
      int n = test.n();
      int k = test.k();
      int words = Math.ceilDiv(n, 32);
      Drawn drawn = new Drawn(rows, n, k);
      for (int row = 0; row < rows; row++) {
        float[] logits = Arrays.copyOfRange(values, row * n, (row + 1) * n);
        float[] keys = GumbelKeys.of(logits, test.noiseScale(), key, row);
        int[] columns = Arrays.copyOf(GumbelKeys.order(keys), k);
        if (order == Order.INDEX) {
          Arrays.sort(columns);
        }
        for (int i = 0; i < k; i++) {
          int column = columns[i];
          drawn.indices[row * k + i] = column;
          drawn.keys[row * k + i] = keys[column];
          drawn.bits[row * words + column / 32] |= 1 << column % 32;
          drawn.bytes[row * n + column] = 1;
          drawn.floats[row * n + column] = 1;
        }
      }
      return drawn;
    }

    void compare(Selection selection, Agreement agreement) {
      String order = " in " + selection.sampler().order() + " order";
      agreement.exactly("indices" + order, indices, Numbers.readInts(selection.indices()));
      agreement.sameBits("keys" + order, keys, Numbers.read(selection.get(Output.KEYS)));
      agreement.exactly("bit mask", bits, Numbers.readInts(selection.get(Output.BIT_MASK)));
      agreement.exactly("byte mask", bytes, Numbers.readInts(selection.get(Output.BYTE_MASK)));
      agreement.sameBits("float mask", floats, Numbers.read(selection.get(Output.FLOAT_MASK)));
    }
  }
}
