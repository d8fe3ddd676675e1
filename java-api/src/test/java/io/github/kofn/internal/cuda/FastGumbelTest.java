// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.kofn.sampling.Gumbel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

/**
 * The bound of cuda-kernels/common/fast_gumbel.cuh: how far the approximate Gumbel map lies from
 * the exact one at most, when both of its logarithms err as far as the PTX manual allows of {@code
 * lg2.approx.ftz.f32}, either way. Every 4099th of the 2^31 random integers and both ends here;
 * {@code -Dkofn.test.full=true} takes all of them, in a few minutes.
 */
class FastGumbelTest {
  private static final Path SOURCE = Path.of("..", "cuda-kernels", "common", "fast_gumbel.cuh");
  private static final double LN_2 = Math.log(2);
  private static final double PROMISED = 0x1p-22;
  private static final float SHIFT = 0.36651292f;

  @Test
  void theApproximateMapKeepsItsBound() throws IOException {
    double bound = constant("kFastGumbelError");
    assertEquals(SHIFT, (float) constant("kGumbelShift"));
    long step = Boolean.getBoolean("kofn.test.full") ? 1 : 4099;
    double worst =
        LongStream.rangeClosed(0, 0x7fffffffL / step)
            .parallel()
            .mapToDouble(i -> worst((int) (i * step)))
            .max()
            .orElseThrow();
    for (int h : new int[] {0, 1, 2, (1 << 26) - 1, 1 << 26, 0x7ffffffe, 0x7fffffff}) {
      worst = Math.max(worst, worst(h));
    }
    assertTrue(worst <= bound, "error " + worst + ", bound " + bound);
    assertTrue(worst >= 0.7 * bound, "the bound " + bound + " is loose: error " + worst);
  }

  /** The greatest distance from the exact map that the two logarithms' errors can cause. */
  private static double worst(int h) {
    double exact = Gumbel.of(h << 1);
    float v = Math.fma((float) (h < 1 << 26 ? h : h ^ 0x7fffffff), 0x1p-31f, 0x1p-32f);
    float low;
    float high;
    if (h < 1 << 26) {
      low = -(v * Math.fma(v, Math.fma(v, -0.49829337f, -0.72114205f), -1.4426954f));
      high = low;
    } else {
      low = (float) -(log2(v) + error(v));
      high = (float) -(log2(v) - error(v));
    }
    return Math.max(distance(low, exact), distance(high, exact));
  }

  private static double distance(float exponential, double exact) {
    double worst = 0;
    for (int sign = -1; sign <= 1; sign += 2) {
      double log = log2(exponential) + sign * error(exponential);
      double gumbel = SHIFT - LN_2 * log;
      // The kernel's product beta * ln 2 is rounded twice.
      worst = Math.max(worst, Math.abs(gumbel - exact) + 0x1.8p-24 * Math.abs(LN_2 * log));
    }
    return worst;
  }

  private static double error(float x) {
    return x > 0.5f && x < 2 ? PROMISED : PROMISED * Math.abs(log2(x));
  }

  private static double log2(float x) {
    return Math.log(x) / LN_2;
  }

  private static double constant(String name) throws IOException {
    Matcher m =
        Pattern.compile("constexpr float " + name + " = ([0-9.e-]+)f;")
            .matcher(Files.readString(SOURCE));
    assertTrue(m.find(), name);
    return Double.parseDouble(m.group(1));
  }
}
