// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.jr.ob.JSON;
import io.github.kofn.Backend;
import io.github.kofn.Device;
import io.github.kofn.validation.CaseResult;
import io.github.kofn.validation.Op;
import io.github.kofn.validation.Report;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ValidateCommandTest {
  @TempDir private Path folder;

  @Test
  void writesTheTableAndTheJson() throws IOException {
    Path file = folder.resolve("result.json");

    Ran ran =
        Ran.of("validate", "--backend", "reference", "--op", "sampling", "--json", file.toString());

    assertEquals(Main.SUCCESS, ran.status(), ran.out() + ran.err());
    Map<String, Object> json = JSON.std.mapFrom(Files.readString(file));
    assertEquals(0, json.get("failures"));
    assertEquals(0, json.get("skipped"));
    List<?> results = (List<?>) json.get("results");
    assertEquals(json.get("cases"), results.size());
    Map<?, ?> first = (Map<?, ?>) results.getFirst();
    assertEquals(Set.of("op", "path", "type", "shape", "error", "bound", "ok"), first.keySet());
    assertEquals("sampling", first.get("op"));
    assertEquals("reference", first.get("path"));
    assertEquals(true, first.get("ok"));
    assertTrue(ran.out().contains("worst error/bound"), ran.out());
    assertTrue(ran.out().endsWith(results.size() + " cases, 0 failures, 0 skipped\n"), ran.out());
  }

  @Test
  void aBackendThatIsMissingIsAFailureWithItsReason() {
    String reason = Device.unavailableReason(Backend.CUDA).orElse(null);
    assumeTrue(reason != null, "there is a GPU");

    Ran ran = Ran.of("validate", "--backend", "cuda", "--op", "sampling");

    assertEquals(Main.FAILURE, ran.status());
    assertTrue(ran.err().contains("nothing was validated: " + reason), ran.err());
    assertTrue(ran.out().contains(" cases of sampling on cuda: " + reason), ran.out());
  }

  @Test
  void aFailureShowsItsSeedAndTheCommandThatRepeatsIt() {
    CaseResult failure =
        new CaseResult(
            Op.MATMUL, "cpu-8x1", "F32", "multiply", 3, 2, false, "y[7] is 5", "./kofn validate X");
    StringWriter text = new StringWriter();
    PrintWriter out = new PrintWriter(text, true);

    new ValidationText(new Report(List.of(failure), List.of()), 42).print(out);

    String told = text.toString();
    assertTrue(told.contains("FAILED cpu-8x1 matmul F32 multiply"), told);
    assertTrue(told.contains("y[7] is 5"), told);
    assertTrue(told.contains("seed 42; repeat with: ./kofn validate X"), told);
    assertTrue(told.contains("1 cases, 1 failures, 0 skipped"), told);
    Map<String, Object> json = ValidationText.toJson(new Report(List.of(failure), List.of()));
    assertEquals(1, json.get("failures"));
    assertEquals(
        "./kofn validate X",
        ((Map<?, ?>) ((List<?>) json.get("results")).getFirst()).get("repeat"));
  }
}
