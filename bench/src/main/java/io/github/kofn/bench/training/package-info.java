// SPDX-License-Identifier: Apache-2.0
/** Whole steps of training: draw masks, forward, backward, update. */
package io.github.kofn.bench.training;
