// SPDX-License-Identifier: Apache-2.0

/** Training pruned networks with kofn: code to read, run and copy. */
module io.github.kofn.examples {
  requires com.fasterxml.jackson.jr.ob;
  requires transitive io.github.kofn;

  exports io.github.kofn.examples;
}
