// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class MainTest {
  @ParameterizedTest
  @ValueSource(strings = {"--help", "doctor --help", "validate --help", "train --help"})
  void helpIsASuccess(String args) {
    Ran ran = Ran.of(args.split(" "));

    assertEquals(Main.SUCCESS, ran.status());
    assertTrue(ran.out().startsWith("Usage: kofn"), ran.out());
    assertEquals("", ran.err());
  }

  @Test
  void knowsItsVersion() {
    Ran ran = Ran.of("--version");

    assertEquals(Main.SUCCESS, ran.status());
    assertTrue(ran.out().matches("kofn \\d+\\.\\d+.*\\R"), ran.out());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "''                         | no subcommand is given; allowed: doctor, validate, train,"
            + " bench",
        "valdate                    | Unmatched argument at index 0: 'valdate'",
        "doctor --verbose           | Unknown option: '--verbose'",
        "validate --backend gpu     | \"gpu\" is none of: cpu, simulated, cuda, reference, all",
        "validate --op matmull      | \"matmull\" is none of: sampling, relaxation, matmul, all",
        "validate --cases some      | \"some\" is none of: quick, full",
        "validate --seed x          | 'x' is not a long",
        "bench --suite speed        | --suite is \"speed\"; allowed: sampling, matmul, launch,"
            + " training",
        "validate --json /no/such/f | allowed: a file in an existing, writable folder"
      })
  void wrongUsageIsExplained(String args, String message) {
    Ran ran = args.isEmpty() ? Ran.of() : Ran.of(args.strip().split(" "));

    assertEquals(Main.USAGE, ran.status(), ran.err());
    assertTrue(ran.err().contains(message), ran.err());
    assertTrue(ran.err().contains("--help for more"), ran.err());
    assertEquals("", ran.out());
  }
}
