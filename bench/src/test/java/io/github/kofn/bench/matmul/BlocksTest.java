// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.bench.matmul;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BlocksTest {
  @ParameterizedTest
  @CsvSource({"12, 1x1, 60", "12, 1x1, 0", "32, 4x4, 75", "64, 16x16, 50"})
  void turnsWhatIsKept(int n, String block, int sparsity) {
    Problem problem = Problem.of(n, 3, block, sparsity);
    int side = problem.blockIn();
    Blocks w = Blocks.of(problem);
    assertArrayEquals(problem.masked(), dense(w, n, side));
    assertArrayEquals(Problem.turned(problem.masked(), n), dense(w.turned(), n, side));
  }

  private static float[] dense(Blocks w, int n, int side) {
    float[] dense = new float[n * n];
    for (int row = 0; row < w.rows(); row++) {
      for (int block = w.starts()[row]; block < w.starts()[row + 1]; block++) {
        for (int i = 0; i < side * side; i++) {
          int at = (row * side + i / side) * n + w.columns()[block] * side + i % side;
          dense[at] = w.values()[block * side * side + i];
        }
      }
    }
    return dense;
  }
}
