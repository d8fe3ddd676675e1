// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.examples;

/**
 * A data set's three parts.
 *
 * @param train what weights and masks are learned from
 * @param validation what settings are chosen by
 * @param test what the result is measured on, once
 * @param classes number of classes
 */
record Splits(Examples train, Examples validation, Examples test, int classes) {}
