// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.files;

import io.github.kofn.DType;
import io.github.kofn.InvalidFileException;
import io.github.kofn.KofnException;
import io.github.kofn.Tensor;
import io.github.kofn.internal.Check;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The safetensors format: eight bytes with the header's length (unsigned, little-endian), a JSON
 * header, and the tensors' elements, row-major and little-endian, one after the other without gaps.
 *
 * <p>kofn's files carry a checksum in their metadata: the SHA-256, in hexadecimal, of the whole
 * file with the checksum's own digits replaced by zeros. A file without one is refused, so no bit
 * of a file can change unnoticed.
 */
public final class SafeTensors {
  static final String METADATA = "__metadata__";
  static final String CHECKSUM = "kofn.sha256";
  private static final long LENGTH_BYTES = 8;

  /** The largest header that the format's own library reads. */
  private static final long MAX_HEADER = 100_000_000;

  private static final ValueLayout.OfLong LENGTH =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  /**
   * A tensor in host memory.
   *
   * @param type the element type
   * @param shape the dimensions
   * @param elements row-major, little-endian
   */
  public record Entry(DType type, List<Long> shape, MemorySegment elements) {}

  /**
   * A file's contents.
   *
   * @param metadata the metadata, without the checksum
   * @param tensors the tensors by name
   */
  public record Contents(Map<String, String> metadata, Map<String, Entry> tensors) {}

  private SafeTensors() {}

  /** A copy of a tensor, in memory of the arena. */
  public static Entry entry(Tensor tensor, Arena arena) {
    requireLittleEndian();
    MemorySegment elements = arena.allocate(tensor.size() * tensor.type().bytes(), 8);
    tensor.copyTo(elements);
    return new Entry(tensor.type(), Arrays.stream(tensor.shape()).boxed().toList(), elements);
  }

  /** Writes a file; whoever reads the path meanwhile sees the old one or the new one, whole. */
  public static void write(Path file, Contents contents) {
    Check.that(
        !contents.tensors().containsKey(METADATA),
        "a tensor's name is %s; allowed: any other",
        METADATA);
    Check.that(
        !contents.metadata().containsKey(CHECKSUM),
        "metadata holds %s; allowed: any other name",
        CHECKSUM);
    List<Map.Entry<String, Entry>> ordered = new ArrayList<>(contents.tensors().entrySet());
    // Large elements first: then every tensor is aligned to its element size.
    ordered.sort(Comparator.comparing(e -> -e.getValue().type().bytes()));
    byte[] header = header(contents.metadata(), ordered);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment head = arena.allocate(LENGTH_BYTES + header.length);
      head.set(LENGTH, 0, header.length);
      MemorySegment.copy(header, 0, head, ValueLayout.JAVA_BYTE, LENGTH_BYTES, header.length);
      List<MemorySegment> parts = new ArrayList<>();
      parts.add(head);
      ordered.forEach(e -> parts.add(e.getValue().elements()));
      int digits = new String(header, StandardCharsets.UTF_8).indexOf(Checksum.ZEROS);
      byte[] sum = Checksum.of(parts).getBytes(StandardCharsets.US_ASCII);
      MemorySegment.copy(sum, 0, head, ValueLayout.JAVA_BYTE, LENGTH_BYTES + digits, sum.length);
      Whole.write(file, parts);
    } catch (IOException e) {
      throw new KofnException("cannot write " + file + ": " + e, e);
    }
  }

  private static byte[] header(
      Map<String, String> metadata, List<Map.Entry<String, Entry>> tensors) {
    Map<String, Object> top = new LinkedHashMap<>();
    Map<String, String> all = new LinkedHashMap<>();
    all.put(CHECKSUM, Checksum.ZEROS); // first, where nothing before it can hold as many zeros
    all.putAll(metadata);
    top.put(METADATA, all);
    long offset = 0;
    for (Map.Entry<String, Entry> named : tensors) {
      Entry tensor = named.getValue();
      long end = offset + tensor.elements().byteSize();
      Map<String, Object> fields = new LinkedHashMap<>();
      fields.put("dtype", tensor.type().name());
      fields.put("shape", tensor.shape());
      fields.put("data_offsets", List.of(offset, end));
      top.put(named.getKey(), fields);
      offset = end;
    }
    String json = Json.write(top);
    int length = json.getBytes(StandardCharsets.UTF_8).length;
    int padding = -length & 7; // The elements begin at a multiple of eight bytes.
    return (json + " ".repeat(padding)).getBytes(StandardCharsets.UTF_8);
  }

  /**
   * Reads a file into memory of the arena.
   *
   * @throws InvalidFileException if the file was cut off or altered
   * @throws KofnException if it cannot be read
   */
  public static Contents read(Path file, Arena arena) {
    requireLittleEndian();
    MemorySegment all;
    try {
      all = Whole.read(file, arena);
    } catch (IOException e) {
      throw new KofnException("cannot read " + file + ": " + e, e);
    }
    long size = all.byteSize();
    if (size < LENGTH_BYTES + 2) {
      throw new InvalidFileException(file, "size", "is " + size + " bytes; allowed: at least 10");
    }
    long length = all.get(LENGTH, 0);
    long most = Math.min(MAX_HEADER, size - LENGTH_BYTES);
    if (length < 2 || length > most) {
      throw new InvalidFileException(
          file,
          "header length",
          "is " + Long.toUnsignedString(length) + " bytes; allowed here: 2 to " + most);
    }
    MemorySegment head = all.asSlice(0, LENGTH_BYTES + length);
    MemorySegment data = all.asSlice(LENGTH_BYTES + length);
    HeaderReader header = new HeaderReader(file, head.asSlice(LENGTH_BYTES));
    Map<String, Entry> tensors = header.tensors(data);
    Map<String, String> metadata = header.metadata();
    Checksum.verify(file, metadata.remove(CHECKSUM), head, data);
    return new Contents(metadata, tensors);
  }

  /** The file's byte order is then the memory's. */
  private static void requireLittleEndian() {
    if (ByteOrder.nativeOrder() != ByteOrder.LITTLE_ENDIAN) {
      throw new KofnException(
          "this machine is " + ByteOrder.nativeOrder() + "; files need LITTLE_ENDIAN memory");
    }
  }
}
