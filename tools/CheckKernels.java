// SPDX-License-Identifier: Apache-2.0

import java.io.IOException;
import java.io.StringReader;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.zip.ZipFile;

/**
 * Proves that a jar carries the CUDA kernels it says it does: {@code CheckKernels JAR ARCHITECTURES REQUIRED}. Each
 * fatbin must have the SHA-256 of kernels.properties, machine code for each of the architectures (as "80;90"), and
 * PTX. A jar without any kernels fails only where they are required.
 */
final class CheckKernels {
  private static final String FOLDER = "META-INF/kofn/";
  private static final int FATBIN_MAGIC = 0xBA55ED50;
  private static final int PTX = 1;
  private static final int MACHINE_CODE = 2;

  public static void main(String[] args) throws Exception {
    Set<Integer> wanted =
        Arrays.stream(args[1].split(";")).map(Integer::valueOf).collect(Collectors.toCollection(TreeSet::new));
    try (ZipFile jar = new ZipFile(args[0])) {
      Set<String> there =
          jar.stream()
              .map(entry -> entry.getName())
              .filter(name -> name.startsWith(FOLDER) && name.endsWith(".fatbin"))
              .map(name -> name.substring(FOLDER.length()))
              .collect(Collectors.toCollection(TreeSet::new));
      if (there.isEmpty() && jar.getEntry(FOLDER + "kernels.properties") == null) {
        String text = args[0] + " has no CUDA kernels: the build found no nvcc";
        if (Boolean.parseBoolean(args[2])) {
          fail(text);
        }
        System.out.println(text + "; the CUDA backend of this build is unavailable");
        return;
      }
      Properties said = new Properties();
      said.load(new StringReader(new String(read(jar, "kernels.properties"), StandardCharsets.UTF_8)));
      Set<String> listed = new TreeSet<>(said.stringPropertyNames());
      listed.removeIf(name -> !name.endsWith(".fatbin"));
      boolean release = Boolean.parseBoolean(args[2]);
      // Without "clean", target/classes keeps what an older build put there.
      if (listed.isEmpty() || (release ? !there.equals(listed) : !there.containsAll(listed))) {
        fail("the jar has " + there + ", kernels.properties lists " + listed);
      }
      for (String name : listed) {
        check(name, read(jar, name), said, wanted);
      }
    }
  }

  private static byte[] read(ZipFile jar, String name) throws IOException {
    var entry = jar.getEntry(FOLDER + name);
    if (entry == null) {
      throw fail("the jar lacks " + FOLDER + name);
    }
    try (var in = jar.getInputStream(entry)) {
      return in.readAllBytes();
    }
  }

  private static void check(String name, byte[] fatbin, Properties said, Set<Integer> wanted)
      throws NoSuchAlgorithmException {
    String hash = HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(fatbin));
    if (!hash.equals(said.getProperty(name))) {
      fail(name + " has SHA-256 " + hash + ", kernels.properties says " + said.getProperty(name));
    }
    Set<Integer> listed = new TreeSet<>();
    for (String one : said.getProperty("architectures", "").split(",")) {
      listed.add(Integer.valueOf(one));
    }
    Set<Integer> compiled = new TreeSet<>();
    boolean ptx = entries(name, fatbin, compiled);
    if (!compiled.equals(wanted) || !listed.equals(wanted) || !ptx) {
      fail(
          "%s has machine code for %s%s, kernels.properties lists %s; wanted: %s and PTX"
              .formatted(name, compiled, ptx ? " and PTX" : "", listed, wanted));
    }
  }

  /** Collects the architectures with machine code; whether there is PTX too. */
  private static boolean entries(String name, byte[] fatbin, Set<Integer> compiled) {
    ByteBuffer bytes = ByteBuffer.wrap(fatbin).order(ByteOrder.LITTLE_ENDIAN);
    if (fatbin.length < 16 || bytes.getInt(0) != FATBIN_MAGIC) {
      fail(name + " is no fatbin");
    }
    boolean ptx = false;
    long end = bytes.getShort(6) + bytes.getLong(8);
    for (long at = bytes.getShort(6); at < end; ) {
      int kind = bytes.getShort((int) at);
      int architecture = bytes.getInt((int) at + 28);
      if (kind == MACHINE_CODE) {
        compiled.add(architecture);
      }
      ptx |= kind == PTX;
      at += bytes.getInt((int) at + 4) + bytes.getLong((int) at + 8);
    }
    return ptx;
  }

  private static Error fail(String text) {
    System.err.println("check of the kernels in the jar: " + text);
    System.exit(1);
    return new AssertionError();
  }
}
