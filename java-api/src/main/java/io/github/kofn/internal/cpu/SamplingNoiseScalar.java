// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cpu;

import io.github.kofn.internal.kernels.Draw;
import io.github.kofn.sampling.Gumbel;
import io.github.kofn.sampling.Philox;

/** One element after the other. */
final class SamplingNoiseScalar implements SamplingNoise {
  @Override
  public int lanes() {
    return 1;
  }

  @Override
  public void words(
      SamplingCounters counters,
      int from,
      int to,
      int firstGroup,
      int firstRow,
      Draw draw,
      int[] words) {
    int[] four = new int[SamplingCipher.WORDS];
    for (int i = from; i < to; i++) {
      int group = firstGroup + counters.groups[i];
      int row = firstRow + counters.rows[i];
      Philox.words(draw.seed(), group, row, draw.stream(), draw.step(), four);
      for (int j = 0; j < four.length; j++) {
        words[four.length * i + j] = four[j] >>> 1;
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
  public int filter(
      int[] words,
      float[] logits,
      int from,
      int length,
      float beta,
      float threshold,
      int column,
      boolean sparse,
      SamplingLists lists,
      int at) {
    float slope = SamplingNoise.filterSlope(beta, threshold);
    float offset = SamplingNoise.filterOffset(slope, threshold);
    int end = at;
    for (int i = 0; i < length; i++) {
      float logit = logits[from + i];
      float log = Float.floatToRawIntBits((float) words[from + i]);
      lists.columns[end] = column + i;
      lists.words[end] = words[from + i];
      lists.keys[end] = logit;
      end += log > Math.fma(logit, slope, offset) ? 0 : 1;
    }
    return end;
  }

  @Override
  public int filterRows(
      int[] words,
      float[] logits,
      int rows,
      int stride,
      float beta,
      float threshold,
      SamplingLists lists,
      int at) {
    int end = at;
    for (int r = 0; r < rows; r++) {
      lists.begins[lists.rows] = end;
      end = filter(words, logits, r * stride, stride, beta, threshold, 0, false, lists, end);
      lists.ends[lists.rows++] = end;
    }
    return end;
  }

  @Override
  public int filterLogits(
      float[] logits,
      int from,
      int length,
      float threshold,
      int column,
      SamplingLists lists,
      int at) {
    int end = at;
    for (int i = 0; i < length; i++) {
      lists.columns[end] = column + i;
      lists.keys[end] = logits[from + i];
      end += logits[from + i] <= threshold ? 0 : 1;
    }
    return end;
  }
}
