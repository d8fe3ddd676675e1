// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.simulated;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;

/** Where the simulated driver is, and the kernel that the tests run on it. */
final class Simulator {
  /** {@code saxpy(n, a, x, y)}: y[i] = a * x[i] + y[i] for i below n, one thread an element. */
  static final String SAXPY =
      """
      .version 9.0
      .target sm_80
      .address_size 64
      .visible .entry saxpy(
        .param .u32 saxpy_n,
        .param .f32 saxpy_a,
        .param .u64 saxpy_x,
        .param .u64 saxpy_y
      )
      {
        .reg .pred %p<2>;
        .reg .f32 %f<5>;
        .reg .b32 %r<6>;
        .reg .b64 %rd<8>;
        ld.param.u32 %r1, [saxpy_n];
        ld.param.f32 %f1, [saxpy_a];
        ld.param.u64 %rd1, [saxpy_x];
        ld.param.u64 %rd2, [saxpy_y];
        mov.u32 %r2, %ctaid.x;
        mov.u32 %r3, %ntid.x;
        mov.u32 %r4, %tid.x;
        mad.lo.s32 %r5, %r2, %r3, %r4;
        setp.ge.u32 %p1, %r5, %r1;
        @%p1 bra $done;
        cvta.to.global.u64 %rd3, %rd1;
        cvta.to.global.u64 %rd4, %rd2;
        mul.wide.u32 %rd5, %r5, 4;
        add.s64 %rd6, %rd3, %rd5;
        add.s64 %rd7, %rd4, %rd5;
        ld.global.f32 %f2, [%rd6];
        ld.global.f32 %f3, [%rd7];
        fma.rn.f32 %f4, %f1, %f2, %f3;
        st.global.f32 [%rd7], %f4;
      $done:
        ret;
      }
      """;

  private Simulator() {}

  /** The library, or a skipped test where it was not built. */
  static Path library() {
    Path path = Path.of(System.getProperty("kofn.simulator"));
    assumeTrue(Files.exists(path), "the simulator was not built");
    return path;
  }
}
