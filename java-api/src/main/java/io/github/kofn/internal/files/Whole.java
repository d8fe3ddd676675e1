// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.files;

import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;

/** Files that are read whole and written whole or not at all. */
final class Whole {
  /** The most that one buffer takes. */
  private static final long SLICE = 1 << 30;

  private Whole() {}

  static MemorySegment read(Path file, Arena arena) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      MemorySegment all = arena.allocate(channel.size(), 8);
      for (ByteBuffer slice : slices(all)) {
        while (slice.hasRemaining()) {
          if (channel.read(slice) < 0) {
            throw new EOFException("the file became shorter while it was read");
          }
        }
      }
      return all;
    }
  }

  /** Writes to a temporary file beside the target, which then takes the target's place. */
  static void write(Path file, List<MemorySegment> parts) throws IOException {
    Path target = file.toAbsolutePath();
    Path temporary =
        target.resolveSibling("." + target.getFileName() + "." + UUID.randomUUID() + ".tmp");
    try {
      writeNew(temporary, parts);
      try {
        Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE);
      } catch (AtomicMoveNotSupportedException e) {
        Files.move(temporary, target, StandardCopyOption.REPLACE_EXISTING);
      }
    } finally {
      Files.deleteIfExists(temporary);
    }
  }

  private static void writeNew(Path file, List<MemorySegment> parts) throws IOException {
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.WRITE, StandardOpenOption.CREATE_NEW)) {
      for (MemorySegment part : parts) {
        for (ByteBuffer slice : slices(part)) {
          while (slice.hasRemaining()) {
            channel.write(slice);
          }
        }
      }
      channel.force(true);
    }
  }

  /** Memory of any size as buffers. */
  static List<ByteBuffer> slices(MemorySegment memory) {
    List<ByteBuffer> slices = new ArrayList<>();
    for (long offset = 0; offset < memory.byteSize(); offset += SLICE) {
      long size = Math.min(SLICE, memory.byteSize() - offset);
      slices.add(memory.asSlice(offset, size).asByteBuffer());
    }
    return slices;
  }
}
