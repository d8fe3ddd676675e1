// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.reference;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.kofn.DType;
import io.github.kofn.Layout;
import io.github.kofn.internal.kernels.Buffer;
import io.github.kofn.internal.kernels.ProductKernels;
import io.github.kofn.internal.kernels.View;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

/** Elements of every type, widened, narrowed, and copied between layouts. */
class ConversionTest {
  private static final int PATTERNS = 1 << 16;
  private final ProductKernels kernels = new ReferenceProducts();

  private static double get(View view) {
    return new Elements(view).get(0, 0);
  }

  private double converted(DType from, double value, DType to) {
    View source = Matrices.zeros(from, 1, 1);
    new Elements(source).set(0, 0, value);
    View target = Matrices.zeros(to, 1, 1);
    kernels.convert(source, target);
    return get(target);
  }

  private static View patterns(DType type) {
    short[] all = new short[PATTERNS];
    for (int i = 0; i < PATTERNS; i++) {
      all[i] = (short) i;
    }
    Buffer buffer = Buffer.ofHost(MemorySegment.ofArray(all));
    return new View(buffer, 0, type, 1, PATTERNS, PATTERNS, Layout.ROW_MAJOR);
  }

  /** The value of a 16-bit pattern, from its definition. */
  private static double value(int pattern, int mantissaBits, int bias) {
    int exponentBits = 15 - mantissaBits;
    int exponent = (pattern & 0x7fff) >> mantissaBits;
    double mantissa = (pattern & ((1 << mantissaBits) - 1)) / (double) (1 << mantissaBits);
    double sign = (pattern & 0x8000) == 0 ? 1 : -1;
    if (exponent == (1 << exponentBits) - 1) {
      return mantissa == 0 ? sign * Double.POSITIVE_INFINITY : Double.NaN;
    }
    return sign
        * (exponent == 0
            ? Math.scalb(mantissa, 1 - bias)
            : Math.scalb(1 + mantissa, exponent - bias));
  }

  @Test
  void allPatternsWidenExactlyAndComeBack() {
    for (DType type : new DType[] {DType.BF16, DType.F16}) {
      View source = patterns(type);
      View floats = Matrices.zeros(DType.F32, 1, PATTERNS);
      kernels.convert(source, floats);
      View back = patterns(type);
      back.segment().fill((byte) 0);
      kernels.convert(floats, back);
      for (int i = 0; i < PATTERNS; i++) {
        double value = type == DType.BF16 ? value(i, 7, 127) : value(i, 10, 15);
        assertEquals(value, new Elements(floats).get(0, i));
        short bits = back.segment().getAtIndex(ValueLayout.JAVA_SHORT, i);
        assertTrue(
            Double.isNaN(value) ? Double.isNaN(new Elements(back).get(0, i)) : bits == (short) i);
      }
    }
  }

  /**
   * Values at, and a hair beside, the midpoint of neighbouring patterns: nearest wins, ties go to
   * the even pattern. The hair is far below what a float resolves, so rounding to float first would
   * give wrong answers.
   */
  @Test
  void narrowingRoundsOnceToNearestEven() {
    for (DType type : new DType[] {DType.BF16, DType.F16}) {
      int infinity = type == DType.BF16 ? 0x7f80 : 0x7c00;
      View values = patterns(type);
      Elements patterns = new Elements(values);
      for (int i = 0; i + 1 < infinity; i++) {
        double lower = patterns.get(0, i);
        double upper = patterns.get(0, i + 1);
        double middle = (lower + upper) / 2;
        double even = i % 2 == 0 ? lower : upper;
        assertNarrowed(type, even, middle);
        assertNarrowed(type, lower, Math.nextDown(middle));
        assertNarrowed(type, upper, Math.nextUp(middle));
      }
      double greatest = patterns.get(0, infinity - 1);
      double step = greatest - patterns.get(0, infinity - 2);
      assertNarrowed(type, Double.POSITIVE_INFINITY, greatest + step / 2);
      assertNarrowed(type, greatest, Math.nextDown(greatest + step / 2));
      assertNarrowed(type, Double.POSITIVE_INFINITY, Double.MAX_VALUE);
    }
  }

  private static void assertNarrowed(DType type, double expected, double value) {
    View view = Matrices.dense(type, 1, 1);
    new Elements(view).set(0, 0, value);
    assertEquals(expected, get(view));
    new Elements(view).set(0, 0, -value);
    assertEquals(-expected, get(view));
  }

  @Test
  void integersRoundToEvenAndSaturate() {
    double inf = Double.POSITIVE_INFINITY;
    double[] values = {0.5, 1.5, -0.5, -1.5, 2.4999, 126.5, 127.5, 200, 255.5, -129, inf, -inf};
    double[] signed = {0, 2, 0, -2, 2, 126, 127, 127, 127, -128, 127, -128};
    double[] unsigned = {0, 2, 0, 0, 2, 126, 128, 200, 255, 0, 255, 0};
    for (int i = 0; i < values.length; i++) {
      assertEquals(signed[i], converted(DType.F32, values[i], DType.I8));
      assertEquals(unsigned[i], converted(DType.F32, values[i], DType.U8));
    }
    assertEquals(0, converted(DType.F32, Double.NaN, DType.I8));
    assertEquals(65535, converted(DType.F32, 1e9, DType.U16));
    assertEquals(Integer.MAX_VALUE, converted(DType.F32, 1e30, DType.I32));
    assertEquals(Integer.MIN_VALUE, converted(DType.F32, -inf, DType.I32));
    assertEquals(65535, converted(DType.U16, 65535, DType.I32));
    assertEquals(255, converted(DType.U8, 255, DType.I32));
    assertEquals(127, converted(DType.I32, 300, DType.I8));
    assertEquals(-5, converted(DType.I8, -5, DType.BF16));
  }

  @Test
  void wideIntegersKeepAllBits() {
    long value = 0x7fffffff_fffffff1L;
    View source = Matrices.zeros(DType.I64, 1, 1);
    source.segment().set(ValueLayout.JAVA_LONG_UNALIGNED, 0, value);
    View target = Matrices.zeros(DType.I64, 1, 1);
    kernels.convert(source, target);
    assertEquals(value, target.segment().get(ValueLayout.JAVA_LONG_UNALIGNED, 0));
  }

  /** Panels by their definition: full ones of 64 examples, then the rest. */
  @Property(tries = 100)
  void layoutsHoldTheSameElements(
      @ForAll @IntRange(max = 200) int rows,
      @ForAll @IntRange(max = 9) int columns,
      @ForAll long seed) {
    Random random = new Random(seed);
    double[][] values = new double[rows][];
    for (int row = 0; row < rows; row++) {
      values[row] = random.ints(columns, -9, 9).asDoubleStream().toArray();
    }
    View source = Matrices.of(DType.F32, Layout.ROW_MAJOR, values, columns);
    View panels = Matrices.zeros(DType.BF16, Layout.PANELS, rows, columns);
    kernels.convert(source, panels);
    Elements flat = new Elements(panels);
    long position = 0;
    for (int first = 0; first < rows; first += 64) {
      for (int column = 0; column < columns; column++) {
        for (int row = first; row < Math.min(first + 64, rows); row++) {
          assertEquals(values[row][column], flat.at(position++));
        }
      }
    }
    View back = Matrices.zeros(DType.I8, rows, columns);
    kernels.convert(panels, back);
    assertArrayEquals(values, Matrices.values(back));
  }
}
