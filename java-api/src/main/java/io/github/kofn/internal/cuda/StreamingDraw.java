// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cuda;

import static io.github.kofn.internal.cuda.CudaSampling.address;

import io.github.kofn.DType;
import io.github.kofn.internal.cuda.CudaContext.Writer;
import io.github.kofn.internal.kernels.View;

/** The launches that draw from long rows, chunk by chunk; draw_stream.cuh says what each does. */
final class StreamingDraw {
  private static final int QUADS = 4; // of a thread: draw_stream.cuh, kStreamQuads
  private static final int BINS = 2048;
  private static final int NUMBERS_OF_A_ROW = 5; // prefix, wanted, drawable, reached, floors
  private static final int COUNTS_OF_A_CHUNK = 3; // above, equal, survivors

  private final CudaContext context;
  private final String type;
  private final int threads;
  private final long rows;
  private final int chunks;
  private final long paddedN;
  private final View keys;
  private final View places;
  private final View histogram;
  private final View numbers;
  private final View counts;

  StreamingDraw(CudaContext context, Workspace workspace, View logits, int threads) {
    this.context = context;
    this.type = CudaSampling.type(logits);
    this.threads = threads;
    this.rows = logits.rows();
    this.chunks = chunks(logits.columns(), threads);
    this.paddedN = chunks * width(threads);
    this.keys = workspace.matrix(DType.I32, rows, paddedN);
    this.places = workspace.matrix(DType.U16, rows, paddedN);
    this.histogram = workspace.matrix(DType.I32, rows, BINS);
    this.numbers = workspace.matrix(DType.I32, NUMBERS_OF_A_ROW, rows);
    this.counts = workspace.matrix(DType.I32, COUNTS_OF_A_CHUNK * rows, chunks);
    workspace.clear(histogram);
    workspace.clear(numbers);
  }

  /** Workspace for a row of length n. */
  static long bytesPerRow(long n, int threads) {
    int chunks = chunks(n, threads);
    return 6L * chunks * width(threads)
        + 4L * (BINS + NUMBERS_OF_A_ROW + (long) COUNTS_OF_A_CHUNK * chunks);
  }

  private static long width(int threads) {
    return 4L * QUADS * threads;
  }

  private static int chunks(long n, int threads) {
    return Math.toIntExact(Math.max(1, Math.ceilDiv(n, width(threads))));
  }

  /** Queues everything, with what {@code drawAndOutputs} writes as first parameters. */
  void launch(Writer drawAndOutputs) {
    perRow("sample_" + type, threads, 0, drawAndOutputs);
    for (int pass = 0; pass < 2; pass++) {
      perChunk("filter_" + type, pass, drawAndOutputs);
    }
    for (int level = 0; level < 3; level++) {
      perChunk("refine", level, drawAndOutputs);
      perRow("pick", threads, level, drawAndOutputs);
    }
    perChunk("count", 0, drawAndOutputs);
    perRow("offsets", 64, 0, drawAndOutputs);
    perChunk("emit_" + type, 0, drawAndOutputs);
  }

  private void perRow(String name, int blockThreads, int level, Writer drawAndOutputs) {
    context.launch("kofn_stream_" + name, rows, 1, blockThreads, with(drawAndOutputs, level));
  }

  private void perChunk(String name, int level, Writer drawAndOutputs) {
    context.launch("kofn_stream_" + name, chunks, rows, threads, with(drawAndOutputs, level));
  }

  private Writer with(Writer drawAndOutputs, int level) {
    return p -> {
      drawAndOutputs.write(p);
      p.struct().putLong(address(keys)).putLong(address(places)).putLong(address(histogram));
      for (int i = 0; i < NUMBERS_OF_A_ROW; i++) {
        p.putLong(address(numbers) + 4L * i * rows);
      }
      p.putLong(address(counts)).putLong(paddedN).putInt(chunks).putInt(level);
    };
  }
}
