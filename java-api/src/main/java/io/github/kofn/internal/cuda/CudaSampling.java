// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cuda;

import io.github.kofn.DType;
import io.github.kofn.internal.cuda.CudaContext.Writer;
import io.github.kofn.internal.kernels.Draw;
import io.github.kofn.internal.kernels.SamplingKernels;
import io.github.kofn.internal.kernels.View;
import java.util.Locale;

/**
 * Plans, then launches. Rows are processed in slices that fit the workspace and a grid's limits;
 * since a row's noise depends on nothing but its global number, slices change no bit.
 */
final class CudaSampling implements SamplingKernels {
  private static final long MAX_SLICE = 1L << 30;
  private static final long WORKSPACE = 256L << 20;
  private static final int MAX_GRID_Y = 65535;

  private final CudaContext context;
  private final Catalogue catalogue;
  private final SamplingPlan.Regime regime;
  private final SamplingPlan.Keys keys = SamplingPlan.Keys.fromProperty();
  private final Workspace workspace;

  /** Where the operation at hand reports a bad row. */
  private long badRow;

  CudaSampling(CudaContext context, Catalogue catalogue, SamplingPlan.Regime regime) {
    this.context = context;
    this.catalogue = catalogue;
    this.regime = regime;
    this.workspace = new Workspace(context);
  }

  /** Gives the workspace back. */
  void close() {
    workspace.close();
  }

  @Override
  public synchronized void draw(View logits, int k, Draw draw, DrawOutputs outputs) {
    SamplingPlan plan =
        SamplingPlan.of(
            catalogue,
            type(logits),
            logits.rows(),
            logits.columns(),
            context.multiprocessors(),
            regime);
    long slice = Math.min(sliceRows(plan, logits), sortSlice(k, outputs.drawOrder()));
    for (long first = 0; first < logits.rows(); first += slice) {
      long rows = Math.min(slice, logits.rows() - first);
      badRow = context.rowStatus().word(logits, k, draw, first);
      drawSlice(
          plan,
          Slices.of(logits, first, rows),
          k,
          Slices.of(draw, first),
          Slices.of(outputs, first, rows));
    }
  }

  private static long sliceRows(SamplingPlan plan, View logits) {
    if (!(plan instanceof SamplingPlan.Streaming streaming)) {
      return MAX_SLICE;
    }
    long bytes = StreamingDraw.bytesPerRow(logits.columns(), streaming.threads());
    return Math.clamp(WORKSPACE / bytes, 1, MAX_GRID_Y);
  }

  private static long sortSlice(int k, boolean sorted) {
    return sorted ? Math.clamp(WORKSPACE / (12L * sortSize(k)), 1, MAX_SLICE) : MAX_SLICE;
  }

  private static int sortSize(int k) {
    return Math.max(1, Integer.highestOneBit(Math.max(1, k - 1)) << 1);
  }

  private void drawSlice(SamplingPlan plan, View logits, int k, Draw draw, DrawOutputs outputs) {
    workspace.reset();
    boolean sort = outputs.drawOrder() && (outputs.indices() != null || outputs.keys() != null);
    DrawOutputs direct = outputs;
    if (sort) {
      View ascending = workspace.matrix(DType.I32, logits.rows(), k);
      direct =
          new DrawOutputs(
              ascending, false, null, outputs.bits(), outputs.bytes(), outputs.floats());
    }
    launchDraw(plan, logits, k, draw, direct);
    if (sort && k > 0) {
      View sorted = sort(logits, k, draw, direct.indices());
      launchRows(
          logits,
          "write_sorted",
          p -> {
            putDraw(p, logits, k, draw);
            putOutputs(p, outputs);
            putSort(p, outputs.indices(), sorted);
          });
    }
  }

  private void launchDraw(SamplingPlan plan, View logits, int k, Draw draw, DrawOutputs outputs) {
    boolean fast = SamplingPlan.fastKeys(plan, logits.columns(), k, draw.noiseScale(), keys);
    Writer both =
        p -> {
          putDraw(p, logits, k, draw, fast);
          putOutputs(p, outputs);
        };
    switch (plan) {
      case SamplingPlan.InGroup(Catalogue.Group kernel) ->
          context.launch(
              kernel.entry(),
              Math.ceilDiv(logits.rows(), kernel.rowsPerBlock()),
              1,
              kernel.threads(),
              both);
      case SamplingPlan.InBlock(Catalogue.Block kernel, int threads) ->
          context.launch(kernel.entry(), logits.rows(), 1, threads, both);
      case SamplingPlan.Streaming(int threads) ->
          new StreamingDraw(context, workspace, logits, threads).launch(both);
    }
  }

  /** Winners as composites in key order, [rows, size]. */
  private View sort(View logits, int k, Draw draw, View winners) {
    View sorted = workspace.matrix(DType.I64, logits.rows(), sortSize(k));
    launchRows(
        logits,
        "sort_winners",
        p -> {
          putDraw(p, logits, k, draw);
          putSort(p, winners, sorted);
        });
    return sorted;
  }

  @Override
  public synchronized void relax(View logits, Draw draw, Relaxation relaxation, View soft) {
    relax("relax", logits, draw, relaxation, null, soft);
  }

  @Override
  public synchronized void relaxGradient(
      View logits, Draw draw, Relaxation relaxation, View upstream, View gradient) {
    relax("relax_gradient", logits, draw, relaxation, upstream, gradient);
  }

  private void relax(
      String entry, View logits, Draw draw, Relaxation relaxation, View upstream, View out) {
    int k = Math.toIntExact(relaxation.winners().columns());
    long slice = Math.clamp(WORKSPACE / (48L * sortSize(k)), 1, MAX_SLICE);
    for (long first = 0; first < logits.rows(); first += slice) {
      long rows = Math.min(slice, logits.rows() - first);
      workspace.reset();
      badRow = context.rowStatus().word(logits, k, draw, first);
      relaxSlice(
          entry,
          Slices.of(logits, first, rows),
          Slices.of(draw, first),
          new Relaxation(
              relaxation.tau(), relaxation.byKey(), Slices.of(relaxation.winners(), first, rows)),
          Slices.of(upstream, first, rows),
          Slices.of(out, first, rows));
    }
  }

  private void relaxSlice(
      String entry, View logits, Draw draw, Relaxation relaxation, View upstream, View out) {
    int k = Math.toIntExact(relaxation.winners().columns());
    View sorted = sort(logits, k, draw, relaxation.winners());
    View order = relaxation.byKey() ? sorted : byIndex(logits, k, draw, sorted);
    View scratch = workspace.matrix(DType.I64, logits.rows(), 3L * k);
    launchRows(
        logits,
        entry,
        p -> {
          putDraw(p, logits, k, draw);
          p.struct()
              .putLong(address(order))
              .putLong(address(sorted))
              .putInt(sortSize(k))
              .putFloat(relaxation.tau())
              .putLong(address(scratch));
          p.putLong(address(upstream))
              .putLong(pitch(upstream))
              .putLong(address(out))
              .putLong(out.pitch())
              .putLong(badRow);
        });
  }

  private View byIndex(View logits, int k, Draw draw, View sorted) {
    View order = workspace.matrix(DType.I64, logits.rows(), sortSize(k));
    context.launch(
        "kofn_order_by_index",
        logits.rows(),
        1,
        256,
        p -> {
          putDraw(p, logits, k, draw);
          p.struct().putLong(address(sorted)).putLong(address(order)).putInt(sortSize(k));
        });
    return order;
  }

  @Override
  public synchronized void entropy(View logits, View entropy, View gradient, float weight) {
    Draw none = new Draw(0, 0, 0, 0, 0);
    for (long first = 0; first < logits.rows(); first += MAX_SLICE) {
      long rows = Math.min(MAX_SLICE, logits.rows() - first);
      badRow = context.rowStatus().word(logits, 1, none, first);
      View part = Slices.of(logits, first, rows);
      View value = Slices.of(entropy, first, rows);
      View slope = Slices.of(gradient, first, rows);
      launchRows(
          part,
          "entropy",
          p -> {
            putDraw(p, part, 0, none);
            p.struct().putLong(address(value)).putLong(pitch(value));
            p.putLong(address(slope)).putLong(pitch(slope)).putFloat(weight).putInt(0);
            p.putLong(badRow);
          });
    }
  }

  private void launchRows(View logits, String name, Writer writer) {
    Catalogue.Rows kernels =
        catalogue.rows().stream()
            .filter(r -> r.type().equals(type(logits)))
            .findFirst()
            .orElseThrow();
    context.launch(kernels.entry(name), logits.rows(), 1, kernels.threads(), writer);
  }

  // The structs of keys.cuh, outputs.cuh and sort_winners.cuh.

  private void putDraw(Parameters p, View logits, int k, Draw draw) {
    putDraw(p, logits, k, draw, false);
  }

  private void putDraw(Parameters p, View logits, int k, Draw draw, boolean fast) {
    p.struct().putLong(address(logits)).putLong(logits.rows()).putLong(logits.pitch());
    p.putLong(context.steps());
    p.putInt(Math.toIntExact(logits.columns())).putInt(k).putFloat(draw.noiseScale());
    p.putInt((int) draw.seed()).putInt((int) (draw.seed() >>> 32));
    p.putInt(draw.stream()).putInt(draw.step()).putInt((int) draw.firstRow());
    p.putInt(fast ? 1 : 0);
    for (int round = 0; round < 10; round++) {
      p.putInt((int) draw.seed() + round * 0x9E3779B9);
      p.putInt((int) (draw.seed() >>> 32) + round * 0xBB67AE85);
    }
    SearchStart start = SearchStart.of(logits.columns(), k);
    p.putFloat(start.z()).putFloat(start.slope()).putFloat(start.slack());
  }

  private void putOutputs(Parameters p, DrawOutputs o) {
    p.struct().putLong(address(o.indices())).putLong(address(o.keys())).putLong(address(o.bits()));
    p.putLong(address(o.bytes())).putLong(address(o.floats())).putLong(badRow);
    p.putLong(pitch(o.indices())).putLong(pitch(o.keys())).putLong(pitch(o.bits()));
    p.putLong(pitch(o.bytes())).putLong(pitch(o.floats())).putInt(isShort(o.indices()));
  }

  private static void putSort(Parameters p, View winners, View sorted) {
    p.struct().putLong(address(winners)).putLong(pitch(winners)).putInt(isShort(winners));
    p.putInt(Math.toIntExact(sorted.columns())).putLong(address(sorted));
  }

  static long address(View view) {
    return view == null ? 0 : view.buffer().address() + view.offset();
  }

  private static long pitch(View view) {
    return view == null ? 0 : view.pitch();
  }

  private static int isShort(View view) {
    return view != null && view.type() == DType.U16 ? 1 : 0;
  }

  static String type(View view) {
    return view.type().name().toLowerCase(Locale.ROOT);
  }
}
