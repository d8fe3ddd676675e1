// SPDX-License-Identifier: Apache-2.0
/** Sampling: k of n by Gumbel top-k, with a mask, the relaxation, and its gradient. */
package io.github.kofn.bench.sampling;
