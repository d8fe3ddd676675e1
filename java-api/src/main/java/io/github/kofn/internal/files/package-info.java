// SPDX-License-Identifier: Apache-2.0
/** Reading and writing tensors as safetensors files. */
package io.github.kofn.internal.files;
