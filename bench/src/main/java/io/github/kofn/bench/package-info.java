// SPDX-License-Identifier: Apache-2.0
/** Measures kofn in one run with what a Java user would pick instead. */
package io.github.kofn.bench;
