// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.validation;

import io.github.kofn.Backend;
import java.util.Set;

/**
 * What is to be validated.
 *
 * @param backends whose paths run
 * @param ops which parts of the contract
 * @param seed what all inputs are made from
 * @param cases how many
 */
public record Plan(Set<Backend> backends, Set<Op> ops, long seed, CaseSet cases) {

  /** Copies the sets. */
  public Plan {
    backends = Set.copyOf(backends);
    ops = Set.copyOf(ops);
  }

  /** The command that repeats a part of this plan: the inputs depend on the seed alone. */
  String repeat(Backend backend, Op op) {
    return "./kofn validate --backend %s --op %s --seed %d --cases %s"
        .formatted(backend.label(), op.label(), seed, cases.label());
  }
}
