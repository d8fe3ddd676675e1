// SPDX-License-Identifier: Apache-2.0
package io.github.kofn;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TensorFileTest {
  @TempDir private Path folder;
  private final Device device = Device.open(Backend.REFERENCE);
  private Path file;

  @BeforeEach
  void save() {
    file = folder.resolve("tensors.safetensors");
    try (Tensor floats = device.tensorOf(new float[] {1, -2, Float.NaN, 4, 5, 6}, 2, 3);
        Tensor shorts = device.zeros(DType.U16, 5);
        Tensor empty = device.zeros(DType.I64, 0, 7)) {
      Map<String, Tensor> tensors = new LinkedHashMap<>();
      tensors.put("indices", shorts);
      tensors.put("weights", floats);
      tensors.put("nothing", empty);
      TensorFile.save(file, tensors, Map.of("epoch", "3", "ключ", "\"quoted\""));
    }
  }

  @AfterEach
  void close() {
    device.close();
  }

  @Test
  void loadsWhatWasSaved() {
    try (TensorFile loaded = TensorFile.load(device, file)) {
      assertEquals(Map.of("epoch", "3", "ключ", "\"quoted\""), loaded.metadata());
      assertEquals(3, loaded.tensors().size());
      Tensor weights = loaded.tensors().get("weights");
      assertArrayEquals(new long[] {2, 3}, weights.shape());
      assertArrayEquals(new float[] {1, -2, Float.NaN, 4, 5, 6}, weights.toFloats());
      assertEquals(DType.U16, loaded.tensors().get("indices").type());
      assertEquals(0, loaded.tensors().get("nothing").size());
    }
  }

  /** Reads the file with nothing but the format's description in hand. */
  @Test
  void followsTheFormat() throws IOException {
    ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    int length = Math.toIntExact(bytes.getLong());
    byte[] header = new byte[length];
    bytes.get(header);
    String text = new String(header, StandardCharsets.UTF_8);
    assertEquals(0, (8 + length) % 8);
    Matcher weights =
        Pattern.compile(
                "\"weights\":\\{\"dtype\":\"F32\",\"shape\":\\[2,3],\"data_offsets\":\\[(\\d+),(\\d+)]}")
            .matcher(text);
    assertTrue(weights.find(), text);
    int begin = Integer.parseInt(weights.group(1));
    assertEquals(24, Integer.parseInt(weights.group(2)) - begin);
    assertEquals(-2, bytes.getFloat(8 + length + begin + 4));
    assertEquals(8 + length + 24 + 10, bytes.capacity());
    assertTrue(text.matches("(?s)\\{\"__metadata__\":\\{.*}\\s*"), text);
  }

  @Test
  void noticesEveryChangedBit() throws IOException {
    byte[] right = Files.readAllBytes(file);
    for (int i = 0; i < right.length; i++) {
      byte[] wrong = right.clone();
      wrong[i] ^= (byte) (1 << i % 8);
      Files.write(file, wrong);
      InvalidFileException e =
          assertThrows(
              InvalidFileException.class, () -> TensorFile.load(device, file), "byte " + i);
      assertTrue(e.getMessage().startsWith(file + ": "), e.getMessage());
    }
  }

  @Test
  void noticesEveryLength() throws IOException {
    byte[] right = Files.readAllBytes(file);
    for (int i = 0; i <= right.length + 3; i++) {
      if (i != right.length) {
        Files.write(file, Arrays.copyOf(right, i));
        assertThrows(InvalidFileException.class, () -> TensorFile.load(device, file), "" + i);
      }
    }
  }

  /** Alterations by someone who recomputes the checksum: the fields themselves must be checked. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "\"shape\":[2,3] | \"shape\":[3,3] | weights\" shape",
        "\"shape\":[2,3] | \"shape\":[-2,-3] | weights\" shape",
        "\"shape\":[2,3] | \"shape\":[2.0,3] | weights\" shape",
        "\"shape\":[2,3] | \"shape\":[] | weights\" shape",
        "\"shape\":[2,3] | \"shape\":[4611686018427387904,4] | weights\" shape",
        "\"dtype\":\"F32\" | \"dtype\":\"F64\" | weights\" dtype",
        "\"dtype\":\"F32\" | \"dtype\":\"F16\" | weights\" shape",
        "[0,24] | [24,0] | weights\" data_offsets",
        "[0,24] | [0,2400] | weights\" data_offsets",
        "[0,24] | [0,24,24] | weights\" data_offsets",
        "[0,24] | [8,32] | data_offsets",
        "[24,34] | [14,24] | data_offsets",
        "\"dtype\":\"F32\" | \"type\":\"F32\" | weights",
        "\"epoch\":\"3\" | \"epoch\":3 | epoch",
        "\"__metadata__\":{ | \"__metadata__\":{}, \"x\":{ | \"x\"",
        "\"weights\" | \"indices\" | header"
      })
  void checksEveryField(String from, String to, String field) throws Exception {
    byte[] right = Files.readAllBytes(file);
    int length = Math.toIntExact(ByteBuffer.wrap(right).order(ByteOrder.LITTLE_ENDIAN).getLong());
    String header = new String(right, 8, length, StandardCharsets.UTF_8);
    assertTrue(header.contains(from), header);
    forge(header.replace(from, to), Arrays.copyOfRange(right, 8 + length, right.length));
    InvalidFileException e =
        assertThrows(InvalidFileException.class, () -> TensorFile.load(device, file));
    assertTrue(e.getMessage().contains(field), e.getMessage());
  }

  /** Writes a file whose checksum is right, by the checksum's description. */
  private void forge(String header, byte[] data) throws Exception {
    String zeroed = header.replaceFirst("[0-9a-f]{64}", "0".repeat(64));
    String digest =
        HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(join(zeroed, data)));
    Files.write(file, join(zeroed.replaceFirst("0{64}", digest), data));
  }

  private static byte[] join(String header, byte[] data) {
    byte[] text = header.getBytes(StandardCharsets.UTF_8);
    ByteBuffer all = ByteBuffer.allocate(8 + text.length + data.length);
    return all.order(ByteOrder.LITTLE_ENDIAN).putLong(text.length).put(text).put(data).array();
  }

  @Test
  void theChecksumIsWhatItsDescriptionSays() throws Exception {
    byte[] right = Files.readAllBytes(file);
    int length = Math.toIntExact(ByteBuffer.wrap(right).order(ByteOrder.LITTLE_ENDIAN).getLong());
    forge(
        new String(right, 8, length, StandardCharsets.UTF_8),
        Arrays.copyOfRange(right, 8 + length, right.length));
    assertArrayEquals(right, Files.readAllBytes(file));
  }

  @Test
  void refusesNoise() throws IOException {
    Random random = new Random(1);
    for (int i = 0; i < 300; i++) {
      byte[] noise = new byte[random.nextInt(200)];
      random.nextBytes(noise);
      if (i % 2 == 0 && noise.length > 10) {
        Arrays.fill(noise, 0, 8, (byte) 0);
        noise[0] = (byte) (noise.length - 8 - random.nextInt(3));
        noise[8] = '{';
      }
      Files.write(file, noise);
      assertThrows(InvalidFileException.class, () -> TensorFile.load(device, file));
    }
  }

  @Test
  void aFailedSaveLeavesTheOldFileAndNoOther() throws IOException {
    byte[] before = Files.readAllBytes(file);
    try (Tensor tensor = device.zeros(DType.F32, 3)) {
      assertThrows(
          IllegalArgumentException.class,
          () -> TensorFile.save(file, Map.of("__metadata__", tensor), Map.of()));
      assertThrows(
          IllegalArgumentException.class,
          () -> TensorFile.save(file, Map.of("a", tensor), Map.of("kofn.sha256", "x")));
      Path taken = Files.createDirectories(folder.resolve("taken").resolve("full")).getParent();
      assertThrows(
          KofnException.class, () -> TensorFile.save(taken, Map.of("a", tensor), Map.of()));
      Path nowhere = folder.resolve("absent").resolve("file");
      KofnException e =
          assertThrows(
              KofnException.class, () -> TensorFile.save(nowhere, Map.of("a", tensor), Map.of()));
      assertTrue(e.getMessage().contains("absent"), e.getMessage());
    }
    assertArrayEquals(before, Files.readAllBytes(file));
    try (var files = Files.list(folder)) {
      assertEquals(2, files.count(), "no temporary file stays");
    }
  }

  @Test
  void anAbsentFileIsNamed() {
    Path absent = folder.resolve("absent");
    KofnException e = assertThrows(KofnException.class, () -> TensorFile.load(device, absent));
    assertTrue(e.getMessage().contains(absent.toString()), e.getMessage());
  }
}
