// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import io.github.kofn.internal.kernels.Draw;
import io.github.kofn.sampling.Gumbel;
import io.github.kofn.sampling.Philox;

/** One element after the other. */
final class SamplingNoiseScalar implements SamplingNoise {
  @Override
  public void words(
      long[] groups,
      long[] rows,
      int counters,
      long firstGroup,
      long firstRow,
      Draw draw,
      long[] state,
      int[] words) {
    int[] four = new int[4];
    for (int i = 0; i < counters; i++) {
      int group = (int) (firstGroup + groups[i]);
      int row = (int) (firstRow + rows[i]);
      Philox.words(draw.seed(), group, row, draw.stream(), draw.step(), four);
      for (int j = 0; j < 4; j++) {
        words[4 * i + j] = four[j] >>> 1;
      }
    }
  }

  @Override
  public int addNoise(int[] words, int word, float beta, float[] keys, int from, int length) {
    int greatest = 0;
    for (int i = 0; i < length; i++) {
      float key = Math.fma(beta, Gumbel.of(words[word + i] << 1), keys[from + i]);
      keys[from + i] = key;
      greatest = Math.max(greatest, Float.floatToRawIntBits(key) & Integer.MAX_VALUE);
    }
    return greatest;
  }

  @Override
  public int greatestMagnitude(float[] keys, int from, int length) {
    int greatest = 0;
    for (int i = from; i < from + length; i++) {
      greatest = Math.max(greatest, Float.floatToRawIntBits(keys[i]) & Integer.MAX_VALUE);
    }
    return greatest;
  }

  @Override
  public void filter(
      int[] words,
      float[] logits,
      int length,
      float beta,
      int firstColumn,
      SamplingCandidates candidates) {
    float slope = SamplingNoise.filterSlope(beta);
    float offset = SamplingNoise.filterOffset();
    float threshold = candidates.threshold;
    int end = candidates.count;
    for (int i = 0; i < length; i++) {
      float log = Float.floatToRawIntBits((float) words[i]);
      if (log <= Math.fma(logits[i] - threshold, slope, offset)) {
        candidates.columns[end] = firstColumn + i;
        candidates.words[end] = words[i];
        candidates.keys[end] = logits[i];
        end++;
      }
    }
    candidates.count = end;
  }

  @Override
  public void filterLogits(
      float[] logits, int length, int firstColumn, SamplingCandidates candidates) {
    float threshold = candidates.threshold;
    int end = candidates.count;
    for (int i = 0; i < length; i++) {
      if (logits[i] > threshold) {
        candidates.columns[end] = firstColumn + i;
        candidates.keys[end] = logits[i];
        end++;
      }
    }
    candidates.count = end;
  }
}
