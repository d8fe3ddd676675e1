// SPDX-License-Identifier: Apache-2.0
/** Training pruned networks with kofn: code to read, run and copy. */
package io.github.kofn.examples;
