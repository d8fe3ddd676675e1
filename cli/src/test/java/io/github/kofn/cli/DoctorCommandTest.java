// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.jr.ob.JSON;
import io.github.kofn.Backend;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DoctorCommandTest {
  @TempDir private Path folder;

  @Test
  void namesEveryBackendWithItsFactsOrTheReason() throws IOException {
    Path file = folder.resolve("doctor.json");

    Ran ran = Ran.of("doctor", "--json", file.toString());

    assertEquals(Main.SUCCESS, ran.status(), ran.err());
    Map<String, Object> json = JSON.std.mapFrom(Files.readString(file));
    assertEquals(Runtime.getRuntime().availableProcessors(), json.get("cores"));
    List<?> backends = (List<?>) json.get("backends");
    assertEquals(Backend.values().length, backends.size());
    for (Object each : backends) {
      Map<?, ?> backend = (Map<?, ?>) each;
      boolean available = (Boolean) backend.get("available");
      assertTrue(backend.get(available ? "description" : "reason") instanceof String);
      assertTrue(ran.out().contains(backend.get("backend").toString()), ran.out());
    }
    assertTrue(ran.out().contains("lanes"), ran.out());
  }
}
