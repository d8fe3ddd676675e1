// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cuda;

/**
 * What plans know of a device.
 *
 * @param multiprocessors how many
 * @param l2Bytes the size of its L2 cache
 */
record DeviceLimits(int multiprocessors, long l2Bytes) {}
