// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.validation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class AgreementTest {
  private final Agreement agreement = new Agreement();

  @Test
  void nothingComparedIsOk() {
    assertTrue(agreement.ok());
  }

  @Test
  void aSignOfZeroIsADifferentBit() {
    agreement.sameBits("keys", new float[] {1, 0.0f}, new float[] {1, -0.0f});

    assertFalse(agreement.ok());
    assertEquals(1, agreement.error());
    assertEquals("keys[1] is -0.0 (0x80000000); expected 0.0 (0x0)", agreement.detail());
  }

  @Test
  void theLastBitIsADifferentBit() {
    agreement.sameBits("keys", new float[] {1}, new float[] {Math.nextUp(1f)});

    assertFalse(agreement.ok());
  }

  @Test
  void keepsWhatIsWorstInRelationToItsBound() {
    agreement.within(
        "y", new double[] {1, 100, 3}, new double[] {0.5, 50, 0.5}, new float[] {1.25f, 110, 3});

    assertTrue(agreement.ok());
    assertEquals(0.25, agreement.error());
    assertEquals(0.5, agreement.bound());
  }

  @Test
  void failsJustBeyondABound() {
    agreement.within("y", new double[] {1}, new double[] {0x1p-24}, new float[] {1 + 0x1p-23f});

    assertFalse(agreement.ok());
  }

  @Test
  void failsWithoutABoundUnlessExact() {
    agreement.within("y", new double[] {1, 2}, new double[] {0, 0}, new float[] {1, 2});
    assertTrue(agreement.ok());
    agreement.within("y", new double[] {1}, new double[] {0}, new float[] {Math.nextUp(1f)});
    assertFalse(agreement.ok());
  }

  @Test
  void nanIsOnlyNan() {
    double[] bound = {1e9};
    agreement.within("y", new double[] {Double.NaN}, bound, new float[] {Float.NaN});
    assertTrue(agreement.ok());
    agreement.within("y", new double[] {0}, bound, new float[] {Float.NaN});
    assertFalse(agreement.ok());
  }

  @Test
  void aNumberIsNoNan() {
    agreement.within("y", new double[] {Double.NaN}, new double[] {1e9}, new float[] {0});

    assertFalse(agreement.ok());
  }

  @Test
  void infinitiesAreMetWithTheirSign() {
    agreement.within(
        "y",
        new double[] {Double.POSITIVE_INFINITY},
        new double[] {Double.POSITIVE_INFINITY},
        new float[] {Float.NEGATIVE_INFINITY});

    assertFalse(agreement.ok());
  }

  @Test
  void aMissingElementFails() {
    agreement.exactly("indices", new int[] {1, 2}, new int[] {1});

    assertEquals("indices has 1 elements; expected 2", agreement.detail());
    assertFalse(agreement.ok());
  }

  @Test
  void theFingerprintSeesEveryBit() {
    Agreement other = new Agreement();
    agreement.within("y", new double[] {1}, new double[] {1}, new float[] {1});
    other.within("y", new double[] {1}, new double[] {1}, new float[] {Math.nextUp(1f)});

    assertNotEquals(agreement.fingerprint(), other.fingerprint());
  }
}
