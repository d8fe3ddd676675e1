// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.sampling;

/**
 * The map from a random word to standard Gumbel noise, {@code G = -ln(-ln(1 - u))} with {@code u =
 * (h + 0.5) / 2^31} and h the upper 31 bits of the word.
 *
 * <p>It is made of integer operations, exact conversions and single-rounded fp32 multiplications,
 * additions and fused multiply-adds, so the same word gives the same bits in scalar Java, in
 * vectors and on every GPU; no mathematical library takes part. Properties:
 *
 * <ul>
 *   <li>Every word gives a normal, finite number: u is never 0 or 1, nothing is clamped.
 *   <li>G lies in [-3.099223, 22.180710].
 *   <li>The exponential variate {@code E = -ln(1 - u)} has a relative error of at most 2.98 *
 *       2^-24, G an absolute error of at most 9.9e-7.
 *   <li>Large G come from small h, where u is represented exactly: the tail that wins draws is
 *       resolved down to u = 2^-32.
 *   <li>G never rises with h, but for a single step of one unit in the last place.
 * </ul>
 *
 * <p>These figures were taken over all 2^31 values of h.
 *
 * <p>Both logarithms write their argument as {@code 2^k (1 + f)} with {@code 1 + f} in [2/3, 4/3)
 * and use {@code ln(1 + f) = f - f^2 / 2 + f^3 P(f)}, P being a polynomial of degree 7 fitted to
 * that interval.
 */
public final class Gumbel {
  /** The least h with u at least 1/3: below, 1 - u needs no exponent and keeps all bits of u. */
  private static final int ONE_THIRD = 715827883;

  /** The bits of the greatest float below 2/3 plus one: where a significand's interval begins. */
  private static final int TWO_THIRDS = 0x3f2aaaab;

  private static final float LN_2 = 0.6931472f;

  private Gumbel() {}

  /**
   * The noise of one random word.
   *
   * @param word 32 uniformly distributed bits, as from {@link Philox}; the lowest is not used
   * @return a sample of the standard Gumbel distribution
   */
  public static float of(int word) {
    int h = word >>> 1;
    float exponential =
        h < ONE_THIRD
            ? -log1p(-Math.fma((float) h, 0x1p-31f, 0x1p-32f))
            : -log(Math.fma((float) (Integer.MAX_VALUE - h), 0x1p-31f, 0x1p-32f));
    return -log(exponential);
  }

  /** The natural logarithm of a positive normal number. */
  private static float log(float v) {
    int bits = Float.floatToRawIntBits(v);
    int exponent = (bits - TWO_THIRDS) >> 23;
    float f = Float.intBitsToFloat(bits - (exponent << 23)) - 1;
    return Math.fma((float) exponent, LN_2, log1p(f));
  }

  /** The natural logarithm of 1 + f, for f from -1/3 to 1/3. */
  private static float log1p(float f) {
    float p = -0.1264119f;
    p = Math.fma(p, f, 0.14003551f);
    p = Math.fma(p, f, -0.122422084f);
    p = Math.fma(p, f, 0.14001307f);
    p = Math.fma(p, f, -0.1667629f);
    p = Math.fma(p, f, 0.2001075f);
    p = Math.fma(p, f, -0.2499989f);
    p = Math.fma(p, f, 0.3333321f);
    return Math.fma(Math.fma(p, f, -0.5f), f * f, f);
  }
}
