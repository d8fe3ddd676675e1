// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.kofn.Backend;
import io.github.kofn.DType;
import io.github.kofn.Device;
import io.github.kofn.Tensor;
import io.github.kofn.sparse.KofNLayout;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * A convolution's gradients on the device against finite differences of the loss {@code L = sum dY
 * * Y} of the reference's forward operation. L is linear in x, in the weights and in the mask, and
 * operands are small whole numbers, so both sides are exact.
 */
class ConvolutionGradientTest {
  private static final int BATCH = 2;
  private static final int DX = 2;
  private static final int DW = 3;
  private static final int DMASK = 4;

  @ParameterizedTest
  @CsvSource({
    "3 5 4 4 3 3 1 1, 1, 0, F32",
    "2 6 7 3 5 4 1 2, 1, 0, F32",
    "3 7 6 2 3 3 2 1, 1, 0, BF16",
    "2 7 8 3 3 3 3 2, 1, 0, F32",
    "4 5 5 3 1 1 1 0, 1, 0, F32",
    "4 5 4 3 1 1 1 0, 1, 1, BF16",
    "3 5 4 4 3 3 1 1, 1, 1, F32",
    "3 6 5 2 3 2 2 1, 1, 1, F32",
    "3 4 5 5 3 3 1 0, 2, 4, F32"
  })
  void gradientsAreDifferencesOfTheReferencesLoss(
      String sizes, int blockOut, int blockIn, DType type) {
    ConvolutionProblem problem = ConvolutionProblem.of(sizes, blockOut, blockIn, type);
    List<float[]> gradients = gradients(problem);
    try (Device reference = Device.open(Backend.REFERENCE);
        ConvolutionOperands operands = operands(reference, problem)) {
      operands.fill(3);
      float[] dx = gradients.get(DX);
      float[] byInput = differences(operands, operands.x());
      for (int i = 0; i < dx.length; i++) {
        assertEquals(byInput[i], dx[i], "dX " + i);
      }
      float[] dw = gradients.get(DW);
      float[] byWeight = differences(operands, operands.weights());
      int kept = 0;
      for (int i = 0; i < dw.length; i++) {
        boolean touched = dw[i] != ConvolutionOperands.UNTOUCHED;
        assertEquals(byWeight[i], touched ? dw[i] : 0, "dW " + i);
        kept += touched ? 1 : 0;
      }
      assertTrue(kept > 0 && kept < dw.length, kept + " of " + dw.length + " have a gradient");
    }
    checkMask(problem, gradients.get(DMASK));
  }

  private static ConvolutionOperands operands(Device device, ConvolutionProblem problem) {
    return new ConvolutionOperands(device, problem, BATCH, ConvolutionOperands.WHOLE);
  }

  private static List<float[]> gradients(ConvolutionProblem problem) {
    try (Device device = SimulatedDevice.open();
        ConvolutionOperands operands = operands(device, problem)) {
      operands.fill(3);
      operands.run();
      assertEquals(List.of(), SimulatedDevice.reports());
      return operands.results();
    }
  }

  /** By how much the loss grows with each element of a tensor. */
  private static float[] differences(ConvolutionOperands operands, Tensor tensor) {
    double base = operands.loss();
    float[] values = operands.read(tensor);
    float[] differences = new float[values.length];
    for (int i = 0; i < values.length; i++) {
      float[] more = values.clone();
      more[i]++;
      operands.load(tensor, more);
      differences[i] = (float) (operands.loss() - base);
    }
    operands.load(tensor, values);
    return differences;
  }

  /** Of every candidate: by how much the loss grows if all are kept and one block is doubled. */
  private static void checkMask(ConvolutionProblem problem, float[] dMask) {
    KofNLayout some = problem.layout();
    KofNLayout all =
        new KofNLayout(some.out(), some.in(), some.blockOut(), some.blockIn(), some.blockColumns());
    ConvolutionProblem whole = new ConvolutionProblem(problem.shape(), all, problem.type());
    try (Device reference = Device.open(Backend.REFERENCE);
        ConvolutionOperands operands = operands(reference, whole)) {
      operands.fill(3);
      double base = operands.loss();
      float[] weights = operands.read(operands.weights());
      for (int block = 0; block < dMask.length; block++) {
        int row = block / all.blockColumns();
        int column = block % all.blockColumns();
        float[] doubled = weights.clone();
        for (int i = 0; i < doubled.length; i++) {
          boolean inBlock =
              i / all.in() / all.blockOut() == row && i % all.in() / all.blockIn() == column;
          doubled[i] *= inBlock ? 2 : 1;
        }
        operands.load(operands.weights(), doubled);
        assertEquals(operands.loss() - base, dMask[block], "dMask " + block);
      }
    }
  }
}
