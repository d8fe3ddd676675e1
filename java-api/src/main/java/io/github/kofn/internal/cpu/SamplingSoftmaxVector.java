// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import static jdk.incubator.vector.VectorOperators.FMA;
import static jdk.incubator.vector.VectorOperators.GE;
import static jdk.incubator.vector.VectorOperators.GT;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LT;

import java.lang.invoke.MethodHandles;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorSpecies;

/**
 * Vectors; {@link Lanes#load defined} once a vector width. No method takes or gives vectors, as in
 * {@link SamplingNoiseVector}.
 */
final class SamplingSoftmaxVector implements SamplingSoftmax {
  private static final VectorSpecies<Float> F = Species.floats(MethodHandles.lookup());

  @Override
  public double weigh(
      float[] values,
      int from,
      int length,
      float top,
      float slope,
      float[] weights,
      float[] lanes) {
    FloatVector scale = FloatVector.broadcast(F, slope);
    FloatVector round = FloatVector.broadcast(F, ROUND);
    double sum = 0;
    for (int first = 0; first < length; first += TERMS * F.length()) {
      FloatVector part = FloatVector.zero(F);
      int end = Math.min(length, first + TERMS * F.length());
      for (int i = first; i < end; i += F.length()) {
        // 2^(d * slope) for d at most 0.
        FloatVector d = FloatVector.fromArray(F, values, from + i).sub(top);
        FloatVector rounded = d.fma(scale, round);
        FloatVector f = d.fma(scale, round.sub(rounded));
        FloatVector p =
            f.fma(0.00015353362f, 0.0013398875f)
                .lanewise(FMA, f, 0.009618437f)
                .lanewise(FMA, f, 0.055503324f)
                .lanewise(FMA, f, 0.24022648f)
                .lanewise(FMA, f, 0.6931472f)
                .lanewise(FMA, f, 1);
        IntVector shift = rounded.reinterpretAsInts().lanewise(LSHL, 23);
        FloatVector scaled = p.reinterpretAsInts().add(shift).reinterpretAsFloats();
        FloatVector w = FloatVector.zero(F).blend(scaled, rounded.compare(GE, ROUND - 126));
        w.intoArray(weights, from + i);
        part = part.add(w);
      }
      part.intoArray(lanes, 0);
      sum += sum(lanes);
    }
    return sum;
  }

  private static double sum(float[] lanes) {
    double sum = 0;
    for (int i = 0; i < F.length(); i++) {
      sum += lanes[i];
    }
    return sum;
  }

  @Override
  public double dot(float[] a, int from, float[] b, int fromB, int length, float[] lanes) {
    double sum = 0;
    for (int first = 0; first < length; first += TERMS * F.length()) {
      FloatVector part = FloatVector.zero(F);
      int end = Math.min(length, first + TERMS * F.length());
      for (int i = first; i < end; i += F.length()) {
        FloatVector w = FloatVector.fromArray(F, a, from + i);
        part = w.fma(FloatVector.fromArray(F, b, fromB + i), part);
      }
      part.intoArray(lanes, 0);
      sum += sum(lanes);
    }
    return sum;
  }

  @Override
  public void scale(float[] weights, int from, int length, float factor) {
    for (int i = from; i < from + length; i += F.length()) {
      FloatVector.fromArray(F, weights, i).mul(factor).intoArray(weights, i);
    }
  }

  @Override
  public void gradient(
      float[] weights,
      int from,
      float[] v,
      int fromV,
      int length,
      float slope,
      float level,
      float factor,
      float[] out) {
    FloatVector scale = FloatVector.broadcast(F, slope);
    FloatVector minusLevel = FloatVector.broadcast(F, -level);
    for (int i = 0; i < length; i += F.length()) {
      FloatVector w = FloatVector.fromArray(F, weights, from + i);
      FloatVector inner = FloatVector.fromArray(F, v, fromV + i).fma(scale, minusLevel);
      FloatVector g = w.mul(inner).mul(factor);
      FloatVector.zero(F).blend(g, w.compare(GT, 0)).intoArray(out, fromV + i);
    }
  }

  @Override
  public double distanceDot(
      float[] values, float[] weights, int from, int length, float top, float[] lanes) {
    double sum = 0;
    for (int first = 0; first < length; first += TERMS * F.length()) {
      FloatVector part = FloatVector.zero(F);
      int end = Math.min(length, first + TERMS * F.length());
      for (int i = first; i < end; i += F.length()) {
        FloatVector w = FloatVector.fromArray(F, weights, from + i);
        FloatVector product = w.mul(FloatVector.fromArray(F, values, from + i).sub(top));
        part = part.add(FloatVector.zero(F).blend(product, w.compare(GT, 0)));
      }
      part.intoArray(lanes, 0);
      sum += sum(lanes);
    }
    return sum;
  }

  @Override
  public void addEntropyGradient(
      float[] values,
      float[] weights,
      int from,
      int length,
      float top,
      float mean,
      float factor,
      float[] gradient) {
    FloatVector means = FloatVector.broadcast(F, mean);
    for (int i = 0; i < length; i += F.length()) {
      FloatVector w = FloatVector.fromArray(F, weights, from + i);
      FloatVector inner = means.sub(FloatVector.fromArray(F, values, from + i).sub(top));
      FloatVector old = FloatVector.fromArray(F, gradient, from + i);
      VectorMask<Float> positive = w.compare(GT, 0);
      old.blend(w.mul(factor).fma(inner, old), positive).intoArray(gradient, from + i);
    }
  }

  @Override
  public float greatestFinite(float[] values, int from, int length) {
    FloatVector greatest = FloatVector.broadcast(F, Float.NEGATIVE_INFINITY);
    for (int i = from; i < from + length; i += F.length()) {
      FloatVector v = FloatVector.fromArray(F, values, i);
      VectorMask<Float> larger =
          v.compare(GT, greatest).and(v.compare(LT, Float.POSITIVE_INFINITY));
      greatest = greatest.blend(v, larger);
    }
    float[] lanes = new float[F.length()];
    greatest.intoArray(lanes, 0);
    float top = lanes[0];
    for (float lane : lanes) {
      top = Math.max(top, lane);
    }
    return top;
  }
}
