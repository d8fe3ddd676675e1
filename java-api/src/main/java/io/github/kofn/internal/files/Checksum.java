// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.files;

import io.github.kofn.InvalidFileException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;

/** The SHA-256 of a file that holds it, see {@link SafeTensors}. */
final class Checksum {
  /** What stands in the checksum's place while it is computed. */
  static final String ZEROS = "0".repeat(64);

  private Checksum() {}

  static String of(List<MemorySegment> parts) {
    MessageDigest digest;
    try {
      digest = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every Java platform has SHA-256", e);
    }
    for (MemorySegment part : parts) {
      Whole.slices(part).forEach(digest::update);
    }
    return HexFormat.of().formatHex(digest.digest());
  }

  /** Compares a file in two parts with the checksum that its header claims. */
  static void verify(Path file, String claimed, MemorySegment head, MemorySegment data) {
    String field = "metadata \"" + SafeTensors.CHECKSUM + "\"";
    if (claimed == null || !claimed.matches("[0-9a-f]{64}")) {
      throw new InvalidFileException(
          file, field, "is " + claimed + "; allowed: 64 hexadecimal digits, as kofn writes them");
    }
    byte[] bytes = head.toArray(ValueLayout.JAVA_BYTE);
    // One character a byte: positions in the text are positions in the file.
    int position = new String(bytes, StandardCharsets.ISO_8859_1).indexOf(claimed);
    if (position < 0) {
      throw new InvalidFileException(file, field, "is escaped; allowed: plain digits");
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment zeroed = arena.allocate(bytes.length).copyFrom(head);
      zeroed.asSlice(position, ZEROS.length()).fill((byte) '0');
      String actual = of(List.of(zeroed, data));
      if (!actual.equals(claimed)) {
        throw new InvalidFileException(
            file,
            field,
            "is " + claimed + " and the contents have " + actual + ": the file was altered");
      }
    }
  }
}
