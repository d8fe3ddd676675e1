// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.sparse;

import io.github.kofn.DType;
import io.github.kofn.Device;
import io.github.kofn.InvalidFileException;
import io.github.kofn.Tensor;
import io.github.kofn.internal.files.Json;
import io.github.kofn.internal.files.SafeTensors;
import io.github.kofn.internal.files.SafeTensors.Contents;
import io.github.kofn.internal.files.SafeTensors.Entry;
import io.github.kofn.sparse.SparseNetwork.Layer;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The files of {@link SparseNetwork}. Reading trusts no field: every one is checked first. */
final class NetworkFile {
  private static final String FORMAT = "kofn.format";
  private static final String FORMAT_VALUE = "sparse-network";
  private static final String VERSION = "kofn.version";
  private static final String WITHOUT_CONVOLUTIONS = "1";
  private static final String WITH_CONVOLUTIONS = "2";
  private static final String LAYERS = "kofn.layers";
  private static final Set<String> FIELDS =
      Set.of("name", "out", "in", "blockOut", "blockIn", "k", "activation", "bias");
  private static final Set<String> CONVOLUTION_FIELDS =
      Stream.concat(FIELDS.stream(), Stream.of("convolution", "pooling"))
          .collect(Collectors.toUnmodifiableSet());
  private static final Set<String> SIZES =
      Set.of(
          "inChannels",
          "height",
          "width",
          "outChannels",
          "kernelHeight",
          "kernelWidth",
          "stride",
          "padding");

  private final Device device;
  private final Path file;
  private final Map<String, Entry> tensors;
  private final Set<String> unused;
  private boolean convolutions;

  private NetworkFile(Device device, Path file, Map<String, Entry> tensors) {
    this.device = device;
    this.file = file;
    this.tensors = tensors;
    this.unused = new LinkedHashSet<>(tensors.keySet());
  }

  static void save(Path file, List<Layer> layers) {
    try (Arena arena = Arena.ofConfined()) {
      Map<String, Entry> tensors = new LinkedHashMap<>();
      List<Object> descriptions = new ArrayList<>();
      for (Layer layer : layers) {
        KofNMatrix weights = layer.weights();
        tensors.put(layer.name() + ".values", values(weights, arena));
        tensors.put(layer.name() + ".indices", SafeTensors.entry(weights.indices(), arena));
        if (layer.bias() != null) {
          tensors.put(layer.name() + ".bias", SafeTensors.entry(layer.bias(), arena));
        }
        descriptions.add(describe(layer));
      }
      Map<String, String> metadata = new LinkedHashMap<>();
      metadata.put(FORMAT, FORMAT_VALUE);
      boolean convolutions = layers.stream().anyMatch(layer -> layer.convolution() != null);
      metadata.put(VERSION, convolutions ? WITH_CONVOLUTIONS : WITHOUT_CONVOLUTIONS);
      metadata.put(LAYERS, Json.write(descriptions));
      SafeTensors.write(file, new Contents(metadata, tensors));
    }
  }

  /** The values in their file's shape, whatever shape their tensor has. */
  private static Entry values(KofNMatrix weights, Arena arena) {
    Entry entry = SafeTensors.entry(weights.values(), arena);
    return new Entry(entry.type(), valuesShape(weights.layout()), entry.elements());
  }

  private static List<Long> valuesShape(KofNLayout layout) {
    return List.of(
        (long) layout.blockRows(),
        (long) layout.k(),
        (long) layout.blockOut(),
        (long) layout.blockIn());
  }

  private static Map<String, Object> describe(Layer layer) {
    KofNLayout layout = layer.weights().layout();
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("name", layer.name());
    fields.put("out", layout.out());
    fields.put("in", layout.in());
    fields.put("blockOut", layout.blockOut());
    fields.put("blockIn", layout.blockIn());
    fields.put("k", layout.k());
    fields.put("activation", layer.activation().name());
    fields.put("bias", layer.bias() != null);
    if (layer.convolution() != null) {
      fields.put("convolution", describe(layer.convolution()));
      fields.put("pooling", layer.pooling());
    }
    return fields;
  }

  private static Map<String, Object> describe(Convolution shape) {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("inChannels", shape.inChannels());
    fields.put("height", shape.height());
    fields.put("width", shape.width());
    fields.put("outChannels", shape.outChannels());
    fields.put("kernelHeight", shape.kernelHeight());
    fields.put("kernelWidth", shape.kernelWidth());
    fields.put("stride", shape.stride());
    fields.put("padding", shape.padding());
    return fields;
  }

  static SparseNetwork load(Device device, Path file) {
    try (Arena arena = Arena.ofConfined()) {
      Contents contents = SafeTensors.read(file, arena);
      NetworkFile reader = new NetworkFile(device, file, contents.tensors());
      reader.require(FORMAT, contents.metadata().get(FORMAT), FORMAT_VALUE);
      reader.requireVersion(contents.metadata().get(VERSION));
      return reader.network(contents.metadata().get(LAYERS));
    }
  }

  private void require(String field, String value, String allowed) {
    if (!allowed.equals(value)) {
      throw wrong("metadata \"" + field + "\"", "is " + value + "; allowed: " + allowed);
    }
  }

  private void requireVersion(String version) {
    convolutions = WITH_CONVOLUTIONS.equals(version);
    if (!convolutions && !WITHOUT_CONVOLUTIONS.equals(version)) {
      throw wrong(
          "metadata \"" + VERSION + "\"",
          "is " + version + "; allowed: " + WITHOUT_CONVOLUTIONS + " or " + WITH_CONVOLUTIONS);
    }
  }

  private SparseNetwork network(String descriptions) {
    List<Layer> layers = new ArrayList<>();
    try {
      for (Object description : parse(descriptions)) {
        layers.add(layer(description));
      }
      if (!unused.isEmpty()) {
        throw wrong("tensor \"" + unused.iterator().next() + "\"", "belongs to no layer");
      }
      return SparseNetwork.of(layers);
    } catch (RuntimeException e) {
      layers.forEach(Layer::close);
      throw e instanceof IllegalArgumentException ? wrong("layers", e) : e;
    }
  }

  private List<?> parse(String descriptions) {
    String field = "metadata \"" + LAYERS + "\"";
    try {
      if (descriptions != null && Json.parse(descriptions) instanceof List<?> list) {
        return list;
      }
    } catch (Json.SyntaxException e) {
      throw wrong(field, "is not JSON: " + e.getMessage());
    }
    throw wrong(field, "is " + descriptions + "; allowed: an array of layers");
  }

  private Layer layer(Object description) {
    if (!(description instanceof Map<?, ?> fields)
        || !(fields.keySet().equals(FIELDS)
            || (convolutions && fields.keySet().equals(CONVOLUTION_FIELDS)))
        || !(fields.get("name") instanceof String name)) {
      throw wrong(
          "layer " + description,
          "has other fields; allowed: " + (convolutions ? CONVOLUTION_FIELDS : FIELDS));
    }
    String field = "layer \"" + name + "\"";
    KofNLayout layout = layout(field, fields);
    Activation activation = activation(field, fields.get("activation"));
    Entry values = tensor(name + ".values", valuesShape(layout));
    if (!values.type().isFloating()) {
      throw wrong(
          "tensor \"" + name + ".values\"", "is " + values.type() + "; allowed: F32, BF16 or F16");
    }
    int[] indices = indices(name + ".indices", layout);
    Entry bias = null;
    if (Boolean.TRUE.equals(fields.get("bias"))) {
      bias = tensor(name + ".bias", List.of((long) layout.out()));
      requireType(name + ".bias", bias, DType.F32);
    } else if (!Boolean.FALSE.equals(fields.get("bias"))) {
      throw wrong(field + " bias", "is " + fields.get("bias") + "; allowed: true or false");
    }
    Convolution convolution = null;
    int pooling = 1;
    if (fields.containsKey("convolution")) {
      convolution = convolution(field + " convolution", fields.get("convolution"));
      pooling = size(field, fields, "pooling");
    }
    return upload(name, layout, values, indices, bias, activation, convolution, pooling);
  }

  private Convolution convolution(String field, Object description) {
    if (!(description instanceof Map<?, ?> fields) || !fields.keySet().equals(SIZES)) {
      throw wrong(field, "is " + description + "; allowed: an object with " + SIZES);
    }
    try {
      return new Convolution(
          size(field, fields, "inChannels"),
          size(field, fields, "height"),
          size(field, fields, "width"),
          size(field, fields, "outChannels"),
          size(field, fields, "kernelHeight"),
          size(field, fields, "kernelWidth"),
          size(field, fields, "stride"),
          size(field, fields, "padding"));
    } catch (IllegalArgumentException e) {
      throw wrong(field, e);
    }
  }

  private KofNLayout layout(String field, Map<?, ?> fields) {
    try {
      return new KofNLayout(
          size(field, fields, "out"),
          size(field, fields, "in"),
          size(field, fields, "blockOut"),
          size(field, fields, "blockIn"),
          size(field, fields, "k"));
    } catch (IllegalArgumentException e) {
      throw wrong(field, e);
    }
  }

  private int size(String field, Map<?, ?> fields, String name) {
    if (fields.get(name) instanceof Long value && value >= 0 && value <= Integer.MAX_VALUE) {
      return value.intValue();
    }
    throw wrong(
        field + " " + name, "is " + fields.get(name) + "; allowed: 0 to " + Integer.MAX_VALUE);
  }

  private Activation activation(String field, Object value) {
    for (Activation activation : Activation.values()) {
      if (activation.name().equals(value)) {
        return activation;
      }
    }
    throw wrong(
        field + " activation", "is " + value + "; allowed: " + List.of(Activation.values()));
  }

  private Entry tensor(String name, List<Long> shape) {
    Entry entry = tensors.get(name);
    if (entry == null || !unused.remove(name)) {
      throw wrong("tensor \"" + name + "\"", "is absent");
    }
    if (!entry.shape().equals(shape)) {
      throw wrong("tensor \"" + name + "\" shape", "is " + entry.shape() + "; allowed: " + shape);
    }
    return entry;
  }

  private void requireType(String name, Entry entry, DType type) {
    if (entry.type() != type) {
      throw wrong("tensor \"" + name + "\" dtype", "is " + entry.type() + "; allowed: " + type);
    }
  }

  /** The indices, ascending in every row and in range. */
  private int[] indices(String name, KofNLayout layout) {
    Entry entry = tensor(name, List.of((long) layout.blockRows(), (long) layout.k()));
    requireType(name, entry, layout.indexType());
    MemorySegment elements = entry.elements();
    int[] indices = new int[layout.blockRows() * layout.k()];
    for (int i = 0; i < indices.length; i++) {
      indices[i] =
          entry.type() == DType.U16
              ? elements.getAtIndex(ValueLayout.JAVA_CHAR_UNALIGNED, i)
              : elements.getAtIndex(ValueLayout.JAVA_INT_UNALIGNED, i);
      int slot = i % layout.k();
      int least = slot == 0 ? 0 : indices[i - 1] + 1;
      if (indices[i] < least || indices[i] >= layout.blockColumns()) {
        throw wrong(
            "tensor \"" + name + "\" [" + i / layout.k() + ", " + slot + "]",
            "is "
                + indices[i]
                + "; allowed: "
                + least
                + " to "
                + (layout.blockColumns() - 1)
                + ", ascending in the row");
      }
    }
    return indices;
  }

  private Layer upload(
      String name,
      KofNLayout layout,
      Entry values,
      int[] indices,
      Entry bias,
      Activation activation,
      Convolution convolution,
      int pooling) {
    List<Runnable> made = new ArrayList<>();
    try (Tensor columns = device.tensorOf(indices, layout.blockRows(), layout.k())) {
      Tensor blocks = device.tensorOf(values.elements(), values.type(), shape(values));
      made.add(blocks::close);
      KofNMatrix weights = KofNMatrix.packed(layout, blocks, columns);
      made.add(weights::close);
      Tensor offsets =
          bias == null ? null : device.tensorOf(bias.elements(), bias.type(), shape(bias));
      if (offsets != null) {
        made.add(offsets::close);
      }
      return new Layer(name, weights, offsets, activation, convolution, pooling);
    } catch (RuntimeException e) {
      made.forEach(Runnable::run);
      throw e instanceof IllegalArgumentException ? wrong("layer \"" + name + "\"", e) : e;
    }
  }

  private static long[] shape(Entry entry) {
    return entry.shape().stream().mapToLong(Long::longValue).toArray();
  }

  private InvalidFileException wrong(String field, String problem) {
    return new InvalidFileException(file, field, problem);
  }

  private InvalidFileException wrong(String field, RuntimeException e) {
    return wrong(field, "do not fit: " + e.getMessage());
  }
}
