// SPDX-License-Identifier: Apache-2.0

import com.google.googlejavaformat.java.Main;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Checks ({@code check}) or rewrites ({@code replace}) every Java file below a folder with google-java-format, on
 * the JDK the project is built with: the formatter parses with the compiler of the JVM it runs on, and Maven's own JVM
 * may be too old for the language level.
 */
final class FormatSources {
  public static void main(String[] args) throws Exception {
    Path root = Path.of(args[1]);
    if (!Files.isDirectory(root)) {
      return;
    }
    List<String> command = new ArrayList<>();
    if (args[0].equals("replace")) {
      command.add("--replace");
    } else {
      command.addAll(List.of("--dry-run", "--set-exit-if-changed"));
    }
    try (var files = Files.walk(root)) {
      files.map(Path::toString).filter(f -> f.endsWith(".java")).sorted().forEach(command::add);
    }
    var out = new PrintWriter(System.out, true);
    var err = new PrintWriter(System.err, true);
    int status = new Main(out, err, System.in).format(command.toArray(String[]::new));
    if (status != 0) {
      err.println("The files above are not formatted; run: mvn test-compile -Dformat=replace");
      System.exit(status);
    }
  }
}
