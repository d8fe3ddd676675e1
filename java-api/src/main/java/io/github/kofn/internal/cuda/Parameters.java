// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cuda;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * A launch's parameters, written into the same native block every time: an array of pointers, and
 * the structs they point to. Fields are written in the order of the CUDA struct, each aligned to
 * its own size, as the C++ compiler lays them out.
 */
final class Parameters {
  private static final int MAX = 4;
  private static final long STRUCTS = 8L * MAX;

  private final MemorySegment block;
  private int count;
  private long at;

  Parameters(Arena arena) {
    block = arena.allocate(1024, 16);
  }

  /** Forgets everything. */
  Parameters begin() {
    count = 0;
    at = STRUCTS;
    return this;
  }

  /** Begins a struct. */
  Parameters struct() {
    at = (at + 15) / 16 * 16;
    block.setAtIndex(JAVA_LONG, count++, block.address() + at);
    return this;
  }

  Parameters putLong(long value) {
    at = (at + 7) / 8 * 8;
    block.set(JAVA_LONG, at, value);
    at += 8;
    return this;
  }

  Parameters putInt(int value) {
    block.set(JAVA_INT, at, value);
    at += 4;
    return this;
  }

  Parameters putFloat(float value) {
    block.set(JAVA_FLOAT, at, value);
    at += 4;
    return this;
  }

  /** The address of the array of pointers. */
  long address() {
    return block.address();
  }
}
