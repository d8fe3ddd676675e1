// SPDX-License-Identifier: Apache-2.0
/** Products with a matrix that keeps k of n blocks, and their gradients. */
package io.github.kofn.bench.matmul;
