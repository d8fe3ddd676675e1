// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.files;

import io.github.kofn.DType;
import io.github.kofn.InvalidFileException;
import io.github.kofn.internal.files.SafeTensors.Entry;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Reads a safetensors header and believes nothing. */
final class HeaderReader {
  private static final Set<String> FIELDS = Set.of("dtype", "shape", "data_offsets");

  private final Path file;
  private final Map<?, ?> top;

  HeaderReader(Path file, MemorySegment header) {
    this.file = file;
    try {
      ByteBuffer bytes = ByteBuffer.wrap(header.toArray(ValueLayout.JAVA_BYTE));
      String text = StandardCharsets.UTF_8.newDecoder().decode(bytes).toString();
      if (!text.startsWith("{")) {
        throw wrong("header", "does not begin with '{'");
      }
      this.top = (Map<?, ?>) Json.parse(text);
    } catch (CharacterCodingException e) {
      throw wrong("header", "is not UTF-8");
    } catch (Json.SyntaxException e) {
      throw wrong("header", "is not JSON: " + e.getMessage());
    }
  }

  Map<String, String> metadata() {
    Map<String, String> metadata = new LinkedHashMap<>();
    if (top.get(SafeTensors.METADATA) instanceof Map<?, ?> map) {
      map.forEach(
          (name, value) -> {
            if (!(value instanceof String text)) {
              throw wrong("metadata \"" + name + "\"", "is " + value + "; allowed: a string");
            }
            metadata.put((String) name, text);
          });
      return metadata;
    }
    throw wrong("metadata", "is absent or no object");
  }

  /** The tensors, whose places in the data neither overlap nor leave gaps. */
  Map<String, Entry> tensors(MemorySegment data) {
    Map<String, long[]> places = new LinkedHashMap<>();
    Map<String, Entry> tensors = new LinkedHashMap<>();
    top.forEach(
        (key, value) -> {
          String name = (String) key;
          if (!name.equals(SafeTensors.METADATA)) {
            places.put(name, tensor(name, value, data, tensors));
          }
        });
    checkPlaces(places, data.byteSize());
    return tensors;
  }

  private long[] tensor(String name, Object value, MemorySegment data, Map<String, Entry> tensors) {
    String field = "tensor \"" + name + "\"";
    if (!(value instanceof Map<?, ?> fields) || !fields.keySet().equals(FIELDS)) {
      throw wrong(field, "is " + value + "; allowed: an object with dtype, shape, data_offsets");
    }
    DType type = type(field, fields.get("dtype"));
    List<Long> shape = numbers(field + " shape", fields.get("shape"));
    List<Long> offsets = numbers(field + " data_offsets", fields.get("data_offsets"));
    if (offsets.size() != 2
        || offsets.get(0) > offsets.get(1)
        || offsets.get(1) > data.byteSize()) {
      throw wrong(
          field + " data_offsets",
          "is " + offsets + "; allowed: begin and end within " + data.byteSize() + " bytes");
    }
    long begin = offsets.get(0);
    long bytes = offsets.get(1) - begin;
    if (shape.isEmpty() || bytes(shape, type) != bytes) {
      throw wrong(
          field + " shape",
          "is " + shape + " of " + type + "; allowed: what " + bytes + " bytes hold");
    }
    tensors.put(name, new Entry(type, shape, data.asSlice(begin, bytes)));
    return new long[] {begin, begin + bytes};
  }

  private DType type(String field, Object value) {
    for (DType type : DType.values()) {
      if (type.name().equals(value)) {
        return type;
      }
    }
    throw wrong(field + " dtype", "is " + value + "; allowed: " + Arrays.toString(DType.values()));
  }

  private List<Long> numbers(String field, Object value) {
    if (value instanceof List<?> list
        && list.stream().allMatch(e -> e instanceof Long number && number >= 0)) {
      return list.stream().map(Long.class::cast).toList();
    }
    throw wrong(field, "is " + value + "; allowed: whole numbers of at least 0");
  }

  /** The size of a shape, or -1 if it is beyond 64 bits. */
  private static long bytes(List<Long> shape, DType type) {
    try {
      long product = type.bytes();
      for (long dimension : shape) {
        product = Math.multiplyExact(product, dimension);
      }
      return product;
    } catch (ArithmeticException e) {
      return -1;
    }
  }

  private void checkPlaces(Map<String, long[]> places, long size) {
    List<Map.Entry<String, long[]>> sorted = new ArrayList<>(places.entrySet());
    sorted.sort(
        Comparator.<Map.Entry<String, long[]>>comparingLong(e -> e.getValue()[0])
            .thenComparingLong(e -> e.getValue()[1]));
    long end = 0;
    for (Map.Entry<String, long[]> place : sorted) {
      if (place.getValue()[0] != end) {
        throw wrong(
            "tensor \"" + place.getKey() + "\" data_offsets",
            "begins at "
                + place.getValue()[0]
                + "; allowed: "
                + end
                + ", where the one before ends");
      }
      end = place.getValue()[1];
    }
    if (end != size) {
      throw wrong(
          "data", "is " + size + " bytes; allowed: " + end + ", where the last tensor ends");
    }
  }

  private InvalidFileException wrong(String field, String problem) {
    return new InvalidFileException(file, field, problem);
  }
}
