// SPDX-License-Identifier: Apache-2.0
/** What a user holds: devices and tensors. */
package io.github.kofn;
