// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.bench;

import java.nio.file.Path;
import java.util.List;

/**
 * What the arguments say.
 *
 * @param suites what is measured
 * @param quick a few cases only
 * @param avx2 whether the JVM is held to vectors of 256 bits
 * @param out where results go; null for the file {@code kofn-bench.json} alone
 */
record Options(List<Suite> suites, boolean quick, boolean avx2, Path out) {

  static Options of(String[] args) {
    Options options = new Options(List.of(Suite.values()), false, false, null);
    for (int i = 0; i < args.length; i++) {
      boolean last = i + 1 == args.length;
      if (args[i].equals("--quick")) {
        options = new Options(options.suites, true, options.avx2, options.out);
      } else if (args[i].equals("--avx2")) {
        options = new Options(options.suites, options.quick, true, options.out);
      } else if (args[i].equals("--suite") && !last) {
        options =
            new Options(List.of(Suite.of(args[++i])), options.quick, options.avx2, options.out);
      } else if (args[i].equals("--out") && !last) {
        options = new Options(options.suites, options.quick, options.avx2, Path.of(args[++i]));
      } else {
        throw new IllegalArgumentException(
            "argument is \""
                + args[i]
                + "\"; allowed: --suite sampling|matmul|launch|training, --quick, --avx2,"
                + " --out DIR");
      }
    }
    return options;
  }

  /** As the launcher takes them. */
  String command() {
    return "./kofn bench"
        + (suites.size() == 1 ? " --suite " + suites.getFirst().label() : "")
        + (quick ? " --quick" : "")
        + (avx2 ? " --avx2" : "");
  }
}
