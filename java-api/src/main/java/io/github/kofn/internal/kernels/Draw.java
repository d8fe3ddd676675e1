// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.kernels;

/**
 * What a row's keys are made of, apart from its logits. The Gumbel noise of column c in row r is a
 * function of (seed, stream, step, firstRow + r, c) and of nothing else.
 *
 * @param noiseScale beta, finite and at least 0; 0 draws no noise
 * @param seed the Philox key
 * @param stream names the layer
 * @param step the draw
 * @param firstRow the global index of the view's first row; firstRow + rows is at most 2^32
 */
public record Draw(float noiseScale, long seed, int stream, int step, long firstRow) {}
