// SPDX-License-Identifier: Apache-2.0
/** Drawing exactly k of n: batched Gumbel top-k sampling and its relaxation. */
package io.github.kofn.sampling;
