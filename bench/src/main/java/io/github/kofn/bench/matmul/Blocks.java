// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.bench.matmul;

/**
 * A square sparse matrix of square blocks, as libraries take it: block row after block row, a
 * block's elements row-major. Blocks of 1 x 1 are compressed sparse rows.
 */
final class Blocks {
  private final int[] starts;
  private final int[] columns;
  private final float[] values;

  private Blocks(int[] starts, int[] columns, float[] values) {
    this.starts = starts;
    this.columns = columns;
    this.values = values;
  }

  /** Where each block row begins among the blocks, and the end. */
  int[] starts() {
    return starts;
  }

  /** The blocks' columns, ascending within a block row. */
  int[] columns() {
    return columns;
  }

  /** The blocks' elements, one behind the other. */
  float[] values() {
    return values;
  }

  /** What a problem keeps of W. */
  static Blocks of(Problem p) {
    return new Blocks(p.starts(), p.indices(), p.packed());
  }

  /** Rows of blocks, as many as columns. */
  int rows() {
    return starts.length - 1;
  }

  /** The transpose. */
  Blocks turned() {
    int[] ends = new int[starts.length];
    for (int column : columns) {
      ends[column + 1]++;
    }
    for (int row = 0; row < rows(); row++) {
      ends[row + 1] += ends[row];
    }
    int[] turnedStarts = ends.clone();
    int[] turnedColumns = new int[columns.length];
    float[] turnedValues = new float[values.length];
    int size = columns.length == 0 ? 0 : values.length / columns.length;
    int side = (int) Math.round(Math.sqrt(size));
    for (int row = 0; row < rows(); row++) {
      for (int block = starts[row]; block < starts[row + 1]; block++) {
        int to = ends[columns[block]]++;
        turnedColumns[to] = row;
        for (int i = 0; i < size; i++) {
          turnedValues[to * size + i % side * side + i / side] = values[block * size + i];
        }
      }
    }
    return new Blocks(turnedStarts, turnedColumns, turnedValues);
  }
}
