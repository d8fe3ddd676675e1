// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.cli;

import java.io.PrintWriter;
import java.io.StringWriter;
import picocli.CommandLine;

/** A command that ran in this JVM. */
record Ran(int status, String out, String err) {
  static Ran of(String... args) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    CommandLine commandLine =
        Main.commandLine().setOut(new PrintWriter(out)).setErr(new PrintWriter(err));
    int status = commandLine.execute(args);
    return new Ran(status, out.toString(), err.toString());
  }
}
