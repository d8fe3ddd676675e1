// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * Groups of outputs, each with the list of inputs that it shares and the weights in the order in
 * which {@link SumKernels} and {@link GroupKernels} read them; in arrays that are used again.
 */
final class TermLists {
  private static final int FIELDS = 5;
  private static final int TILE_SLOT = 2;

  private final Scratch scratch;
  private int[] slots = new int[0];
  private int[] positions = new int[0];
  private int[] table = new int[64];
  private int most;
  int[] input;
  float[] weight;
  int groups;
  int inputs;
  private int weights;

  TermLists(Scratch scratch) {
    this.scratch = scratch;
  }

  /** Empties the lists; groups will have so many outputs at most. */
  void clear(int mostOutputs) {
    most = mostOutputs;
    input = scratch.features(64);
    weight = scratch.weights(64);
    groups = 0;
    inputs = 0;
    weights = 0;
  }

  int firstOutput(int group) {
    return table[FIELDS * group];
  }

  int outputs(int group) {
    return table[FIELDS * group + 1];
  }

  int inputsAt(int group) {
    return table[FIELDS * group + 2];
  }

  int length(int group) {
    return table[FIELDS * group + 3];
  }

  int weightsAt(int group) {
    return table[FIELDS * group + 4];
  }

  /** How many weights have been given room. */
  int weights() {
    return weights;
  }

  /** Where the weight of an output's term lies. */
  int at(int group, int output, int term) {
    return weightsAt(group) + term * pitch(group) + output - firstOutput(group);
  }

  /** How many weights stand side by side for each input: 1, 4 or 6. */
  int pitch(int group) {
    return room(outputs(group));
  }

  /** For how many outputs a group of so many has room. */
  private static int room(int outputs) {
    if (outputs == 1) {
      return 1;
    }
    return outputs <= GroupKernels.FOUR ? GroupKernels.FOUR : GroupKernels.SIX;
  }

  /**
   * Adds groups for outputs [from, to), whose inputs are listed already.
   *
   * @return the first of the groups
   */
  int group(int from, int to, int inputsAt, int length) {
    int first = groups;
    for (int o = from; o < to; o += most) {
      add(o, Math.min(most, to - o), inputsAt, length);
    }
    return first;
  }

  private void add(int first, int count, int inputsAt, int length) {
    int at = FIELDS * groups++;
    if (table.length < at + FIELDS) {
      table = Arrays.copyOf(table, 2 * table.length);
    }
    table[at] = first;
    table[at + 1] = count;
    table[at + 2] = inputsAt;
    table[at + 3] = length;
    table[at + 4] = weights;
    int room = room(count);
    int size = Math.multiplyExact(length, room);
    weight = scratch.weights(Math.addExact(weights, size + BlockWeights.ROOM));
    if (count < room) {
      Arrays.fill(weight, weights, weights + size, 0);
    }
    weights += size;
  }

  /** Makes room for so many more inputs. */
  int[] inputs(int more) {
    input = scratch.features(Math.addExact(inputs, more));
    return input;
  }

  /** Lists neighbouring inputs. */
  void listInputs(int from, int to) {
    int[] target = inputs(Math.max(0, to - from));
    for (int i = from; i < to; i++) {
      target[inputs++] = i;
    }
  }

  int[] positions(int size) {
    positions = positions.length >= size ? positions : new int[size + size / 4];
    return positions;
  }

  int[] slots(int size) {
    slots = slots.length >= size ? slots : new int[size + size / 4];
    return slots;
  }

  /** The scratch that holds these lists. */
  Scratch scratch() {
    return scratch;
  }

  /**
   * The weights of a group out of rows that lie {@code distance} apart, the first output's at
   * {@code first}: for each run of {@code run} inputs as many elements, and the next run {@code
   * step} elements further on.
   */
  void weights(int group, float[] from, int first, int distance, int run, int step) {
    int length = length(group);
    int pitch = pitch(group);
    int at = weightsAt(group);
    if (pitch == 1 && run == step) {
      System.arraycopy(from, first, weight, at, length);
      return;
    }
    for (int j = 0, source = first; j < length; j += run, source += step) {
      int count = Math.min(run, length - j);
      if (outputs(group) == GroupKernels.SIX) {
        turnSix(from, source, distance, count, at + j * pitch);
      } else {
        turn(from, source, distance, count, at + j * pitch, pitch, outputs(group));
      }
    }
  }

  private void turn(float[] from, int first, int distance, int count, int at, int pitch, int outs) {
    for (int o = 0; o < outs; o++) {
      for (int i = 0; i < count; i++) {
        weight[at + o + i * pitch] = from[first + o * distance + i];
      }
    }
  }

  /** All outputs at once: a load and a store a weight. */
  private void turnSix(float[] from, int first, int distance, int count, int at) {
    float[] target = weight;
    for (int i = 0; i < count; i++) {
      int source = first + i;
      int to = at + GroupKernels.SIX * i;
      target[to] = from[source];
      target[to + 1] = from[source + distance];
      target[to + 2] = from[source + 2 * distance];
      target[to + 3] = from[source + 3 * distance];
      target[to + 4] = from[source + 4 * distance];
      target[to + 5] = from[source + 5 * distance];
    }
  }

  /** The weights of a group out of its whole rows, one behind the other. */
  void weightsOfInputs(int group, float[] rows, int width) {
    int pitch = pitch(group);
    int from = inputsAt(group);
    int length = length(group);
    for (int o = 0; o < outputs(group); o++) {
      int at = weightsAt(group) + o;
      int row = o * width;
      for (int j = 0; j < length; j++) {
        weight[at + j * pitch] = rows[row + input[from + j]];
      }
    }
  }

  /** The weights of one term of all groups from the given one. */
  void weightsOfTerm(int firstGroup, int term, float[] line, int count) {
    for (int g = firstGroup, i = 0; i < count; g++) {
      int outs = outputs(g);
      System.arraycopy(line, i, weight, at(g, firstOutput(g), term), outs);
      i += outs;
    }
  }

  /**
   * Computes the outputs of a group; where it has fewer than its kernel computes, by way of working
   * memory.
   */
  void sum(
      int group,
      SumKernels single,
      GroupKernels several,
      MemorySegment x,
      int stride,
      MemorySegment y,
      long yAt,
      Scratch scratch) {
    int from = inputsAt(group);
    int to = from + length(group);
    int at = weightsAt(group);
    int outs = outputs(group);
    int pitch = pitch(group);
    boolean whole = outs == pitch;
    MemorySegment rows = whole ? y : scratch.floats(TILE_SLOT, GroupKernels.TILE);
    long rowsAt = whole ? yAt : 0;
    if (pitch == 1) {
      single.one(x, 0, stride, input, from, to, weight, at, y, yAt);
    } else if (pitch == GroupKernels.FOUR) {
      several.four(x, stride, input, from, to, weight, at, rows, rowsAt);
    } else {
      several.six(x, stride, input, from, to, weight, at, rows, rowsAt);
    }
    if (!whole) {
      MemorySegment.copy(rows, 0, y, yAt, 4L * outs * stride);
    }
  }
}
