// SPDX-License-Identifier: Apache-2.0
/** What kofn is compared with, and why a peer may be missing on this machine. */
package io.github.kofn.bench.peers;
