// SPDX-License-Identifier: Apache-2.0
/** The command line behind the launcher: one class a subcommand. */
package io.github.kofn.cli;
