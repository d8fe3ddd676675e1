// SPDX-License-Identifier: Apache-2.0
/** The contract suite: {@link io.github.kofn.validation.ContractSuite} runs it. */
package io.github.kofn.validation;
