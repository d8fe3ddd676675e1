// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.sparse;

import io.github.kofn.Tensor;

/**
 * What the backward products need of a forward one: which matrix, with which pattern, met which
 * input. A pattern that was replaced in between is noticed, because its version has moved on.
 *
 * @param matrix the matrix
 * @param version the version of its pattern
 * @param x the input [batch, in]
 */
public record Forward(KofNMatrix matrix, long version, Tensor x) {}
