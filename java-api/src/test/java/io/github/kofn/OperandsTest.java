// SPDX-License-Identifier: Apache-2.0
package io.github.kofn;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.abort;

import io.github.kofn.sampling.DrawKey;
import io.github.kofn.sampling.GumbelTopK;
import io.github.kofn.sampling.InvalidLogitsException;
import io.github.kofn.sampling.RelaxedTopK;
import io.github.kofn.sampling.Selection;
import io.github.kofn.sparse.Epilogue;
import io.github.kofn.sparse.KofNLayout;
import io.github.kofn.sparse.KofNMatrix;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What an operation cannot use is refused before anything runs, alike on every backend. */
class OperandsTest {
  private static final GumbelTopK TOP_3 = GumbelTopK.of(3);
  private static final RelaxedTopK RELAXED = RelaxedTopK.of(1);
  private static final DrawKey KEY = DrawKey.of(1, 2);

  private static Device open(Backend backend) {
    Device.unavailableReason(backend).ifPresent(reason -> abort(backend.label() + ": " + reason));
    return Device.open(backend);
  }

  private static <T extends RuntimeException> void refused(
      Class<T> type, String part, Runnable call) {
    String message = assertThrows(type, call::run).getMessage();
    assertTrue(message.contains(part), message);
  }

  private static void refused(String part, Runnable call) {
    refused(IllegalArgumentException.class, part, call);
  }

  @ParameterizedTest
  @EnumSource
  void draws(Backend backend) {
    try (Device device = open(backend);
        Device other = Device.open(Backend.REFERENCE);
        Tensor logits = device.zeros(DType.F32, 4, 9);
        Tensor small = device.zeros(DType.F32, 4, 2);
        Tensor more = device.zeros(DType.F32, 5, 9);
        Tensor bytes = device.zeros(DType.I8, 4, 9);
        Tensor elsewhere = other.zeros(DType.F32, 4, 9);
        Selection drawn = TOP_3.draw(logits, KEY)) {
      refused("k is 3; allowed: 0 to 2", () -> TOP_3.draw(small, KEY));
      refused("allowed: row-major F32, BF16 or F16", () -> TOP_3.draw(bytes, KEY));
      refused("target holds 4 rows", () -> TOP_3.draw(more, KEY, drawn));
      refused(
          "belongs to another device (reference)", () -> RELAXED.relax(logits, drawn, elsewhere));
      refused(
          "belongs to another device (" + backend.label() + ")",
          () -> TOP_3.draw(elsewhere, KEY, drawn));
      refused("soft is Tensor F32[4, 2]", () -> RELAXED.relax(logits, drawn, small));
      refused("logits is null", () -> TOP_3.draw(null, KEY));
      refused("firstRow + rows is", () -> TOP_3.draw(logits, KEY.fromRow(0xffffffffL)));
    }
  }

  @ParameterizedTest
  @EnumSource
  void closedTensors(Backend backend) {
    try (Device device = open(backend);
        Tensor logits = device.zeros(DType.F32, 4, 9)) {
      Tensor closed = device.zeros(DType.F32, 4, 9);
      Selection drawn = TOP_3.draw(logits, KEY);
      closed.close();
      refused(IllegalStateException.class, "is closed", () -> TOP_3.draw(closed, KEY));
      refused(IllegalStateException.class, "is closed", () -> RELAXED.relax(logits, drawn, closed));
      refused(IllegalStateException.class, "is closed", closed::address);
      drawn.close();
      refused(IllegalStateException.class, "is closed", () -> TOP_3.draw(logits, KEY, drawn));
    }
  }

  @ParameterizedTest
  @EnumSource
  void logitsThatCannotBeDrawnFrom(Backend backend) {
    float[] values = new float[4 * 9];
    values[2 * 9 + 5] = Float.NaN;
    float[] few = new float[4 * 9];
    for (int c = 2; c < 9; c++) {
      few[9 + c] = Float.NEGATIVE_INFINITY;
    }
    try (Device device = open(backend);
        Tensor nan = device.tensorOf(values, 4, 9);
        Tensor tooFew = device.tensorOf(few, 4, 9)) {
      InvalidLogitsException thrown =
          assertThrows(InvalidLogitsException.class, () -> TOP_3.draw(nan, KEY));
      assertEquals("logit [2, 5] is NaN; allowed: numbers and infinities", thrown.getMessage());
      refused(
          InvalidLogitsException.class,
          "row 1 has 2 entries above -infinity; allowed: at least k = 3",
          () -> TOP_3.draw(tooFew, KEY));
    }
  }

  @ParameterizedTest
  @EnumSource
  void products(Backend backend) {
    KofNLayout layout = KofNLayout.weights(6, 8, 3);
    try (Device device = open(backend);
        Device other = Device.open(Backend.REFERENCE);
        Tensor weights = device.zeros(DType.F32, 6, 8);
        Tensor x = device.zeros(DType.F32, 5, 8);
        Tensor y = device.zeros(DType.F32, 5, 6);
        Tensor narrow = device.zeros(DType.F32, 5, 7);
        Tensor elsewhere = other.zeros(DType.F32, 5, 6);
        KofNMatrix matrix = KofNMatrix.inPlace(layout, weights)) {
      refused("x is Tensor F32[5, 7]", () -> matrix.multiply(narrow, y, Epilogue.NONE));
      refused("y is Tensor F32[5, 7]", () -> matrix.multiply(x, narrow, Epilogue.NONE));
      refused("belongs to another device", () -> matrix.multiply(x, elsewhere, Epilogue.NONE));
      refused(
          "belongs to another device",
          () -> matrix.multiply(x, y, Epilogue.NONE.withResidual(elsewhere)));
    }
  }
}
