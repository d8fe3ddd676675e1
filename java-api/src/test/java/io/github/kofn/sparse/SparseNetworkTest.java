// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.sparse;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.kofn.Backend;
import io.github.kofn.DType;
import io.github.kofn.Device;
import io.github.kofn.InvalidFileException;
import io.github.kofn.KofnException;
import io.github.kofn.Tensor;
import io.github.kofn.internal.files.SafeTensors;
import io.github.kofn.internal.files.SafeTensors.Contents;
import io.github.kofn.internal.files.SafeTensors.Entry;
import io.github.kofn.sampling.DrawKey;
import io.github.kofn.sampling.GumbelTopK;
import io.github.kofn.sampling.Selection;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.lang.reflect.Field;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.function.BiFunction;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SparseNetworkTest {
  private static final int IN = 11;
  private static final int BATCH = 5;

  @TempDir private Path folder;
  private final Device device = Device.open(Backend.REFERENCE);
  private final Random random = new Random(5);

  @AfterEach
  void close() {
    device.close();
  }

  /** 11 -> 7 (weights) -> 6 (blocks with cut-off edges, no bias) -> 3 (dense). */
  private SparseNetwork network() {
    return SparseNetwork.of(
        List.of(
            layer("hidden1", KofNLayout.weights(7, IN, 4), true, Activation.RELU),
            layer("hidden2", new KofNLayout(6, 7, 4, 3, 2), false, Activation.SILU),
            layer("out", KofNLayout.dense(3, 6), true, Activation.IDENTITY)));
  }

  private SparseNetwork.Layer layer(
      String name, KofNLayout layout, boolean bias, Activation activation) {
    GumbelTopK topK = GumbelTopK.of(layout.k());
    try (Tensor dense =
            device.tensorOf(noise(layout.out() * layout.in()), layout.out(), layout.in());
        Tensor logits = device.zeros(DType.F32, layout.blockRows(), layout.blockColumns());
        KofNMatrix inPlace = KofNMatrix.inPlace(layout, dense);
        Selection drawn = topK.draw(logits, DrawKey.of(9, 0))) {
      inPlace.select(drawn);
      Tensor offsets = bias ? device.tensorOf(noise(layout.out()), layout.out()) : null;
      return new SparseNetwork.Layer(name, inPlace.pack(), offsets, activation);
    }
  }

  private float[] noise(int size) {
    float[] values = new float[size];
    for (int i = 0; i < size; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }

  @Test
  void appliesItsLayersOneAfterTheOther() {
    float[] x = noise(BATCH * IN);
    try (SparseNetwork network = network();
        Tensor input = device.tensorOf(x, BATCH, IN);
        Tensor y = network.forward(input)) {
      double[][] expected = new double[BATCH][];
      for (int b = 0; b < BATCH; b++) {
        expected[b] = new double[IN];
        for (int i = 0; i < IN; i++) {
          expected[b][i] = x[b * IN + i];
        }
        for (SparseNetwork.Layer layer : network.layers()) {
          expected[b] = apply(layer, expected[b]);
        }
      }
      float[] actual = y.toFloats();
      for (int i = 0; i < actual.length; i++) {
        // Three layers of at most 11 terms below 30, each rounded to fp32 a few times.
        assertEquals(expected[i / 3][i % 3], actual[i], 30 * 40 * 0x1p-24, "output " + i);
      }
    }
  }

  private static double[] apply(SparseNetwork.Layer layer, double[] x) {
    double[] y = new double[layer.weights().layout().out()];
    float[] bias = layer.bias() == null ? new float[y.length] : layer.bias().toFloats();
    try (Tensor dense = layer.weights().toDense()) {
      float[] w = dense.toFloats();
      for (int o = 0; o < y.length; o++) {
        double z = bias[o];
        for (int i = 0; i < x.length; i++) {
          z += w[o * x.length + i] * x[i];
        }
        y[o] =
            switch (layer.activation()) {
              case RELU -> Math.max(z, 0);
              case SILU -> z / (1 + Math.exp(-z));
              default -> z;
            };
      }
    }
    return y;
  }

  @Test
  void batchesOfChangingSizeAgree() {
    float[] x = noise(BATCH * IN);
    try (SparseNetwork network = network();
        Tensor all = device.tensorOf(x, BATCH, IN);
        Tensor none = device.zeros(DType.F32, 0, IN);
        Tensor y = network.forward(all)) {
      float[] together = y.toFloats();
      for (int b = 0; b < BATCH; b++) {
        float[] row = Arrays.copyOfRange(x, b * IN, (b + 1) * IN);
        try (Tensor one = device.tensorOf(row, 1, IN);
            Tensor single = network.forward(one)) {
          assertArrayEquals(Arrays.copyOfRange(together, b * 3, b * 3 + 3), single.toFloats());
        }
      }
      try (Tensor empty = network.forward(none)) {
        assertEquals(0, empty.size());
      }
      assertThrows(IllegalArgumentException.class, () -> network.forward(y));
    }
  }

  @Test
  void loadsWhatItSaved() {
    Path file = folder.resolve("network.safetensors");
    try (SparseNetwork network = network();
        Tensor x = device.tensorOf(noise(BATCH * IN), BATCH, IN);
        Tensor y = network.forward(x)) {
      network.save(file);
      network.save(file); // replaces
      try (SparseNetwork loaded = SparseNetwork.load(device, file);
          Tensor again = loaded.forward(x)) {
        assertArrayEquals(y.toFloats(), again.toFloats());
        assertEquals(List.of("hidden1", "hidden2", "out"), names(loaded));
        assertEquals(
            network.layers().get(1).weights().layout(), loaded.layers().get(1).weights().layout());
        loaded.save(folder.resolve("again"));
        assertEquals(-1, Files.mismatch(file, folder.resolve("again")));
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  private static List<String> names(SparseNetwork network) {
    return network.layers().stream().map(SparseNetwork.Layer::name).toList();
  }

  /** Two channels of 6 x 5, pooled to 2 x 2; then a fully connected layer. */
  private SparseNetwork convolutions() {
    Convolution shape = new Convolution(2, 6, 5, 3, 3, 2, 1, 0);
    SparseNetwork.Layer filters = layer("filters", shape.kernels(1), true, Activation.RELU);
    return SparseNetwork.of(
        List.of(
            new SparseNetwork.Layer(
                "filters", filters.weights(), filters.bias(), Activation.RELU, shape, 2),
            layer("out", KofNLayout.dense(3, 12), true, Activation.IDENTITY)));
  }

  @Test
  void convolvesAndPoolsAndSurvivesItsFile() {
    Path file = folder.resolve("convolutions");
    float[] images = noise(BATCH * 60);
    try (SparseNetwork network = convolutions();
        Tensor x = device.tensorOf(images, BATCH, 60);
        Tensor y = network.forward(x)) {
      assertEquals(60, network.in());
      SparseNetwork.Layer filters = network.layers().getFirst();
      float[] hidden = new float[BATCH * 12];
      try (Tensor dense = filters.weights().toDense()) {
        for (int b = 0; b < BATCH; b++) {
          pooled(dense.toFloats(), filters.bias().toFloats(), images, b, hidden);
        }
      }
      for (int b = 0; b < BATCH; b++) {
        double[] line = new double[12];
        int example = b;
        Arrays.setAll(line, i -> hidden[example * 12 + i]);
        double[] expected = apply(network.layers().getLast(), line);
        for (int o = 0; o < 3; o++) {
          assertEquals(expected[o], y.toFloats()[b * 3 + o], 1e-4, b + ", " + o);
        }
      }
      network.save(file);
      try (SparseNetwork loaded = SparseNetwork.load(device, file);
          Tensor again = loaded.forward(x)) {
        assertArrayEquals(y.toFloats(), again.toFloats());
        assertEquals(filters.convolution(), loaded.layers().getFirst().convolution());
        assertEquals(2, loaded.layers().getFirst().pooling());
      }
    }
  }

  /** relu and maximum of 2 x 2 of the 4 x 4 sums, written out. */
  private static void pooled(float[] w, float[] bias, float[] images, int b, float[] to) {
    for (int o = 0; o < 3; o++) {
      for (int p = 0; p < 4; p++) {
        for (int q = 0; q < 4; q++) {
          double sum = bias[o];
          for (int i = 0; i < 12; i++) {
            int row = p + i % 6 / 2;
            sum += w[o * 12 + i] * images[b * 60 + i / 6 * 30 + row * 5 + q + i % 2];
          }
          int at = b * 12 + o * 4 + p / 2 * 2 + q / 2;
          to[at] = Math.max(to[at], (float) sum);
        }
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"3, kofn.version", "1, layer"})
  void refusesConvolutionsOfOtherVersions(String version, String field) {
    Path file = folder.resolve("network");
    try (SparseNetwork network = convolutions()) {
      network.save(file);
    }
    try (Arena arena = Arena.ofConfined()) {
      Contents contents = SafeTensors.read(file, arena);
      Map<String, String> metadata = new LinkedHashMap<>(contents.metadata());
      metadata.put("kofn.version", version);
      SafeTensors.write(file, new Contents(metadata, contents.tensors()));
    }
    InvalidFileException e =
        assertThrows(InvalidFileException.class, () -> SparseNetwork.load(device, file));
    assertTrue(e.getMessage().contains(field), e.getMessage());
  }

  @ParameterizedTest
  @CsvSource({
    "'\"stride\":1', '\"stride\":0', convolution",
    "'\"stride\":1', '\"step\":1', convolution",
    "'\"padding\":0', '\"padding\":-1', padding",
    "'\"inChannels\":2', '\"inChannels\":3', layer",
    "'\"pooling\":2', '\"pooling\":9', layer",
    "'\"pooling\":2', '\"kind\":2', layer",
  })
  void checksItsConvolutions(String from, String to, String field) {
    Path file = folder.resolve("network");
    try (SparseNetwork network = convolutions()) {
      network.save(file);
    }
    try (Arena arena = Arena.ofConfined()) {
      Contents contents = SafeTensors.read(file, arena);
      Map<String, String> metadata = new LinkedHashMap<>(contents.metadata());
      String layers = metadata.get("kofn.layers");
      assertTrue(layers.contains(from), layers);
      metadata.put("kofn.layers", layers.replace(from, to));
      SafeTensors.write(file, new Contents(metadata, contents.tensors()));
    }
    InvalidFileException e =
        assertThrows(InvalidFileException.class, () -> SparseNetwork.load(device, file));
    assertTrue(e.getMessage().contains(field), e.getMessage());
  }

  @Test
  void keepsIndicesBeyond16Bits() {
    Path file = folder.resolve("wide.safetensors");
    KofNLayout layout = KofNLayout.weights(2, 70_000, 3);
    int[] indices = {0, 65_536, 69_999, 1, 2, 65_535};
    try (Tensor values = device.tensorOf(noise(6), 2, 3);
        Tensor columns = device.tensorOf(indices, 2, 3);
        SparseNetwork network =
            SparseNetwork.of(
                List.of(
                    new SparseNetwork.Layer(
                        "wide",
                        KofNMatrix.packed(layout, values, columns),
                        null,
                        Activation.IDENTITY)))) {
      network.save(file);
      try (SparseNetwork loaded = SparseNetwork.load(device, file)) {
        assertArrayEquals(indices, loaded.layers().getFirst().weights().indices().toInts());
      }
    }
  }

  @Test
  void noticesChangedBytesAndLengths() throws IOException {
    Path file = folder.resolve("network.safetensors");
    try (SparseNetwork network = network()) {
      network.save(file);
    }
    byte[] right = Files.readAllBytes(file);
    Random changes = new Random(2);
    for (int i = 0; i < right.length; i += 17) {
      byte[] wrong = right.clone();
      wrong[i] ^= (byte) (1 + changes.nextInt(255));
      Files.write(file, wrong);
      assertThrows(InvalidFileException.class, () -> SparseNetwork.load(device, file), "byte " + i);
      Files.write(file, Arrays.copyOf(right, i));
      assertThrows(InvalidFileException.class, () -> SparseNetwork.load(device, file), "to " + i);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "kofn.format, network, kofn.format",
    "kofn.version, 3, kofn.version",
    "kofn.layers, x, kofn.layers",
    "kofn.layers, {}, kofn.layers",
    "kofn.layers, [1], layer 1",
    "kofn.layers, [], belongs to no layer"
  })
  void checksItsMetadata(String name, String value, String field) {
    refuses(field, (metadata, tensors) -> metadata.put(name, value));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "\"k\":4 | \"k\":5 | hidden1.values\" shape",
        "\"k\":4 | \"k\":12 | hidden1",
        "\"k\":4 | \"k\":-4 | hidden1\" k",
        "\"k\":4 | \"k\":4.0 | hidden1\" k",
        "\"k\":4 | \"k\":4000000000 | hidden1\" k",
        "\"in\":11 | \"in\":8 | hidden1.indices",
        "\"in\":11 | \"in\":70000 | hidden1.indices\" dtype",
        "\"blockOut\":4 | \"blockOut\":0 | hidden2",
        "\"in\":6 | \"in\":7 | out",
        "\"RELU\" | \"TANH\" | activation",
        "\"bias\":false | \"bias\":true | hidden2.bias",
        "\"bias\":true | \"bias\":false | hidden1.bias",
        "\"bias\":true | \"bias\":1 | hidden1\" bias",
        "\"hidden2\" | \"hidden1\" | hidden1",
        "\"name\" | \"title\" | fields"
      })
  void checksItsLayers(String from, String to, String field) {
    refuses(
        field,
        (metadata, tensors) -> {
          String layers = metadata.get("kofn.layers");
          assertTrue(layers.contains(from), layers);
          metadata.put(
              "kofn.layers",
              layers.replaceFirst(Pattern.quote(from), Matcher.quoteReplacement(to)));
        });
  }

  @Test
  void checksItsTensors() {
    refuses("hidden1.values\" is absent", (m, t) -> t.remove("hidden1.values"));
    refuses("out.bias\" is absent", (m, t) -> t.remove("out.bias"));
    refuses("stray", (m, t) -> t.put("stray", t.get("out.bias")));
    refuses("out.bias\" dtype", (m, t) -> t.computeIfPresent("out.bias", typed(DType.I32)));
    refuses("hidden1.indices\" shape", (m, t) -> t.put("hidden1.indices", t.get("out.bias")));
    refuses("out.values", (m, t) -> t.computeIfPresent("out.values", typed(DType.I32)));
  }

  private static BiFunction<String, Entry, Entry> typed(DType type) {
    return (name, entry) -> new Entry(type, entry.shape(), entry.elements());
  }

  @ParameterizedTest
  @CsvSource({"0, 11", "1, 65535", "3, 0"})
  void checksItsIndices(int slot, int value) {
    refuses(
        "hidden1.indices\" [0, ",
        (metadata, tensors) ->
            tensors
                .get("hidden1.indices")
                .elements()
                .setAtIndex(ValueLayout.JAVA_CHAR_UNALIGNED, slot, (char) value));
  }

  /**
   * Changes a good file's contents, keeps its checksum right, and expects that loading names it.
   */
  private void refuses(String field, BiConsumer<Map<String, String>, Map<String, Entry>> change) {
    Path file = folder.resolve("forged.safetensors");
    try (SparseNetwork network = network();
        Arena arena = Arena.ofConfined()) {
      network.save(file);
      Contents contents = SafeTensors.read(file, arena);
      Map<String, String> metadata = new LinkedHashMap<>(contents.metadata());
      Map<String, Entry> tensors = new LinkedHashMap<>(contents.tensors());
      change.accept(metadata, tensors);
      SafeTensors.write(file, new Contents(metadata, tensors));
    }
    try (Device fresh = Device.open(Backend.REFERENCE)) {
      InvalidFileException e =
          assertThrows(InvalidFileException.class, () -> SparseNetwork.load(fresh, file));
      assertTrue(e.getMessage().contains(field), e.getMessage());
      assertTrue(e.getMessage().startsWith(file.toString()), e.getMessage());
      assertEquals(Set.of(), openTensors(fresh), "left by a file that was refused");
    }
  }

  /** What a device would report if it were closed now. */
  private static Set<?> openTensors(Device device) {
    try {
      Field open = Device.class.getDeclaredField("open");
      open.setAccessible(true);
      return (Set<?>) open.get(device);
    } catch (ReflectiveOperationException e) {
      throw new LinkageError("Device keeps its open tensors in another field now", e);
    }
  }

  @Test
  void refusesLayersThatDoNotFit() {
    try (SparseNetwork network = network()) {
      UnaryOperator<List<SparseNetwork.Layer>> reversed = List::reversed;
      assertThrows(
          IllegalArgumentException.class, () -> SparseNetwork.of(reversed.apply(network.layers())));
      assertThrows(IllegalArgumentException.class, () -> SparseNetwork.of(List.of()));
      SparseNetwork.Layer out = network.layers().get(2);
      assertThrows(
          IllegalArgumentException.class,
          () -> new SparseNetwork.Layer("", out.weights(), out.bias(), Activation.RELU));
      assertThrows(
          IllegalArgumentException.class,
          () ->
              new SparseNetwork.Layer(
                  "a", network.layers().get(0).weights(), out.bias(), Activation.RELU));
      try (Tensor dense = device.zeros(DType.F32, 3, 6);
          KofNMatrix inPlace = KofNMatrix.inPlace(KofNLayout.dense(3, 6), dense)) {
        assertThrows(
            IllegalArgumentException.class,
            () -> new SparseNetwork.Layer("a", inPlace, null, Activation.RELU));
      }
    }
  }

  @Test
  void closesTwiceAndRefusesUseAfterwards() {
    SparseNetwork network = network();
    network.close();
    network.close();
    try (Tensor x = device.zeros(DType.F32, 1, IN)) {
      assertThrows(IllegalStateException.class, () -> network.forward(x));
    }
  }

  @Test
  void anAbsentFileIsNamed() {
    KofnException e =
        assertThrows(
            KofnException.class, () -> SparseNetwork.load(device, folder.resolve("absent")));
    assertTrue(e.getMessage().contains("absent"), e.getMessage());
  }
}
