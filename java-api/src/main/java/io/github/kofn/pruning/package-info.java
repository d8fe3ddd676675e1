// SPDX-License-Identifier: Apache-2.0
/**
 * Dynamic probabilistic pruning: masks that are drawn anew each step and trained through the
 * relaxation.
 */
package io.github.kofn.pruning;
