// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.kofn.internal.cuda.SamplingPlan.Keys;
import io.github.kofn.internal.cuda.SamplingPlan.Regime;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The plan is a pure function of the catalogue and the shape: no device is needed to test it. */
class SamplingPlanTest {
  private static final int MULTIPROCESSORS = 132;

  private static Catalogue catalogue() throws IOException {
    try (InputStream in =
        CudaProvider.class.getResourceAsStream("/META-INF/kofn/sampling/catalogue.inc")) {
      return Catalogue.parse(in);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "f32, 1, kofn_draw_group_f32_2_4",
    "f32, 32, kofn_draw_group_f32_2_4",
    "f32, 33, kofn_draw_group_f32_4_4",
    "f32, 65, kofn_draw_group_f32_4_8",
    "f32, 1024, kofn_draw_group_f32_32_8",
    "bf16, 33, kofn_draw_group_bf16_4_8",
  })
  void shortRowsTakeTheShortestGroupThatHoldsThem(String type, int n, String entry)
      throws IOException {
    SamplingPlan plan = plan(type, 4096, n, Regime.AUTO);
    assertEquals(entry, assertInstanceOf(SamplingPlan.InGroup.class, plan).kernel().entry());
  }

  @ParameterizedTest
  @CsvSource({
    "f32, 1025, kofn_draw_block_f32_1024, 64",
    "f32, 2450, kofn_draw_block_f32_1024, 96",
    "f32, 32768, kofn_draw_block_f32_1024, 1024",
    "f16, 1025, kofn_draw_block_f16_1024, 64",
  })
  void middleRowsTakeTheSmallestBlockThatHoldsThem(String type, int n, String entry, int threads)
      throws IOException {
    SamplingPlan plan = plan(type, 4096, n, Regime.AUTO);
    SamplingPlan.InBlock block = assertInstanceOf(SamplingPlan.InBlock.class, plan);
    assertEquals(entry, block.kernel().entry());
    assertEquals(threads, block.threads());
  }

  @Test
  void longRowsAndFewRowsAreSplit() throws IOException {
    assertInstanceOf(SamplingPlan.Streaming.class, plan("f32", 4096, 32769, Regime.AUTO));
    assertInstanceOf(SamplingPlan.Streaming.class, plan("f32", 1, 16384, Regime.AUTO));
    assertInstanceOf(SamplingPlan.InBlock.class, plan("f32", MULTIPROCESSORS, 16384, Regime.AUTO));
  }

  @Test
  void aRegimeIsForcedWhereItCanTakeTheRow() throws IOException {
    assertInstanceOf(SamplingPlan.InBlock.class, plan("f32", 10, 25, Regime.BLOCK));
    assertInstanceOf(SamplingPlan.Streaming.class, plan("f32", 10, 25, Regime.STREAM));
    assertInstanceOf(SamplingPlan.Streaming.class, plan("f32", 10, 100000, Regime.BLOCK));
    assertInstanceOf(SamplingPlan.InBlock.class, plan("f32", 1000, 2000, Regime.GROUP));
  }

  @Test
  void everyTypeHasKernelsForEveryLength() throws IOException {
    for (String type : new String[] {"f32", "bf16", "f16"}) {
      for (int n = 0; n < 40000; n += 97) {
        for (Regime regime : Regime.values()) {
          SamplingPlan plan = plan(type, 1000, n, regime);
          int capacity =
              switch (plan) {
                case SamplingPlan.InGroup(Catalogue.Group kernel) -> kernel.capacity();
                case SamplingPlan.InBlock(Catalogue.Block kernel, int threads) ->
                    4 * kernel.quads() * threads;
                case SamplingPlan.Streaming s -> Integer.MAX_VALUE;
              };
          assertTrue(capacity >= n, plan + " for n = " + n);
        }
      }
    }
  }

  @Test
  void approximateKeysComeFirstWhereTheirBoundHolds() throws IOException {
    SamplingPlan group = plan("f32", 10, 25, Regime.AUTO);
    SamplingPlan block = plan("f32", 1000, 2000, Regime.AUTO);
    SamplingPlan stream = plan("f32", 10, 100000, Regime.AUTO);
    assertTrue(SamplingPlan.fastKeys(group, 25, 5, 1, Keys.AUTO));
    assertTrue(SamplingPlan.fastKeys(block, 2000, 1000, 0x1p-64f, Keys.AUTO));
    assertTrue(SamplingPlan.fastKeys(block, 2000, 1000, 0x1p64f, Keys.AUTO));
    assertTrue(SamplingPlan.fastKeys(stream, 64000, 1000, 1, Keys.AUTO));
    assertFalse(SamplingPlan.fastKeys(stream, 64000, 1001, 1, Keys.AUTO));
    assertFalse(SamplingPlan.fastKeys(group, 25, 5, 0, Keys.AUTO));
    assertFalse(SamplingPlan.fastKeys(group, 25, 5, Math.nextDown(0x1p-64f), Keys.AUTO));
    assertFalse(SamplingPlan.fastKeys(group, 25, 5, Math.nextUp(0x1p64f), Keys.AUTO));
    assertFalse(SamplingPlan.fastKeys(group, 25, 5, 1, Keys.EXACT));
  }

  @Test
  void anUnknownLineIsRefused() {
    byte[] table = "KOFN_OTHER(f32, 1)\n".getBytes(StandardCharsets.UTF_8);
    IOException e =
        assertThrows(IOException.class, () -> Catalogue.parse(new ByteArrayInputStream(table)));
    assertTrue(e.getMessage().contains("KOFN_OTHER"), e.getMessage());
  }

  private static SamplingPlan plan(String type, long rows, int n, Regime regime)
      throws IOException {
    return SamplingPlan.of(catalogue(), type, rows, n, MULTIPROCESSORS, regime);
  }
}
