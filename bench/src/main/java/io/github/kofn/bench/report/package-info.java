// SPDX-License-Identifier: Apache-2.0
/** Tables and plots of what was measured. */
package io.github.kofn.bench.report;
