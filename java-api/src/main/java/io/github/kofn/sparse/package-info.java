// SPDX-License-Identifier: Apache-2.0
/** k-of-n matrices: storage, the three products, and epilogues. */
package io.github.kofn.sparse;
