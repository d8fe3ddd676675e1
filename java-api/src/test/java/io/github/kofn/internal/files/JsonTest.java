// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.files;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JsonTest {
  @Test
  void readsEveryKindOfValue() {
    Map<String, Object> expected = new LinkedHashMap<>();
    expected.put("a", List.of(1L, -2L, 0.5, 1e3, 0L));
    expected.put("é\n\"", Map.of());
    expected.put("c", List.of(true, false));
    expected.put("d", null);
    assertEquals(
        expected,
        Json.parse(
            " {\"a\" : [1,-2,0.5 ,1E+3,0], \"\\u00e9\\n"
                + "\\\"\":{},\"c\":[true,false],\"d\":null}\r\n"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        " ",
        "{",
        "{\"a\"}",
        "{\"a\":1,}",
        "[1,]",
        "[1 2]",
        "01",
        "+1",
        "1.",
        ".5",
        "--1",
        "nul",
        "\"a",
        "\"\\x\"",
        "\"\\u12g4\"",
        "\"\t\"",
        "{a:1}",
        "{\"a\":1}x",
        "{\"a\":1,\"a\":2}",
        "9223372036854775808",
        "NaN",
        "'a'",
        "[1}",
        "{]",
        "/**/1"
      })
  void refusesWhatIsNotJson(String text) {
    assertThrows(Json.SyntaxException.class, () -> Json.parse(text));
  }

  @Test
  void refusesDeepNestingInsteadOfOverflowing() {
    assertThrows(Json.SyntaxException.class, () -> Json.parse("[".repeat(1_000_000)));
  }

  @Property(tries = 200)
  void readsWhatItWrote(
      @ForAll @Size(max = 5) Map<String, Long> map, @ForAll @Size(max = 5) List<String> list) {
    Map<String, Object> value = new LinkedHashMap<>(map);
    value.put("list", new ArrayList<>(list));
    value.put("flag", true);
    assertEquals(value, Json.parse(Json.write(value)));
  }
}
