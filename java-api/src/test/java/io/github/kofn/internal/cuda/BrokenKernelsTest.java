// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cuda;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.kofn.CudaException;
import io.github.kofn.DType;
import io.github.kofn.KofnException;
import io.github.kofn.Layout;
import io.github.kofn.internal.kernels.Buffer;
import io.github.kofn.internal.kernels.Draw;
import io.github.kofn.internal.kernels.SamplingKernels.DrawOutputs;
import io.github.kofn.internal.kernels.View;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * What the simulated device finds wrong with a kernel reaches whoever called kofn, as an exception
 * that names the kernel, the line and the kind of the defect. The kernels are those of broken.ptx.
 */
class BrokenKernelsTest {
  private static final int WORDS = 64;

  private Driver driver;

  @BeforeEach
  void startClean() {
    driver = SimulatedDevice.driver();
    SimulatedDevice.set("quiet", "1");
  }

  @AfterEach
  void forget() {
    SimulatedDevice.set("quiet", "0");
    SimulatedDevice.forgetReports();
  }

  private static String source() {
    try (InputStream in = BrokenKernelsTest.class.getResourceAsStream("broken.ptx")) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  /** A device whose kernels are these. */
  private CudaContext open(String ptx) {
    byte[] image = (ptx + '\0').getBytes(StandardCharsets.UTF_8);
    Map<String, String> hashes =
        LoadedKernels.fatbins().stream()
            .collect(Collectors.toMap(name -> name, name -> KernelImages.hash(image)));
    return new CudaContext(
        driver, 0, new KernelImages(13000, List.of(), 80, hashes, name -> image), true);
  }

  private static void launch(CudaContext context, String entry, Buffer words) {
    context.launch(entry, 1, 1, WORDS, p -> p.struct().putLong(words.address()));
  }

  /** The numbers of an entry's lines that have the defect. */
  private static List<Integer> defects(String entry) {
    List<String> lines = source().lines().toList();
    int first = lines.indexOf(".visible .entry " + entry + "(");
    int last = first + lines.subList(first, lines.size()).indexOf("}");
    return Stream.iterate(first, i -> i <= last, i -> i + 1)
        .filter(i -> lines.get(i).endsWith("// here"))
        .map(i -> i + 1)
        .toList();
  }

  private static void names(Throwable thrown, String kind, String entry) {
    String message = thrown.getMessage();
    assertTrue(message.contains(kind), message);
    assertTrue(message.contains("kernel " + entry + ", block (0,0,0), thread ("), message);
    var line = Pattern.compile("PTX line (\\d+): ").matcher(message);
    assertTrue(line.find(), message);
    assertTrue(defects(entry).contains(Integer.valueOf(line.group(1))), message);
  }

  @Test
  void aCorrectKernelPasses() {
    try (CudaContext context = open(source())) {
      Buffer words = context.allocate(4L * WORDS);
      launch(context, "kofn_correct", words);
      context.synchronize();
      context.release(words);
    }
  }

  /** In a thread that has no current context, and gets none by it. */
  @Test
  void aLaunchNeedsNoCurrentContext() throws InterruptedException {
    try (CudaContext context = open(source())) {
      Buffer words = context.allocate(4L * WORDS);
      launch(context, "kofn_correct", words); // found, with the context current
      context.synchronize();
      List<Object> seen = new ArrayList<>();
      Thread thread =
          Thread.ofPlatform()
              .start(
                  () -> {
                    try {
                      launch(context, "kofn_correct", words);
                      seen.add(currentContext());
                    } catch (RuntimeException e) {
                      seen.add(e);
                    }
                  });
      thread.join();
      assertEquals(List.of(0L), seen);
      context.synchronize();
      context.release(words);
    }
  }

  private long currentContext() {
    MethodHandle current =
        driver.extra("cuCtxGetCurrent", FunctionDescriptor.of(JAVA_INT, JAVA_LONG));
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(JAVA_LONG);
      assertEquals(0, (int) current.invokeExact(out.address()));
      return out.get(JAVA_LONG, 0);
    } catch (Throwable t) {
      throw new AssertionError(t);
    }
  }

  /** What leaves the device usable: the next operation finds nothing any more. */
  @ParameterizedTest
  @CsvSource({"kofn_race, shared-race", "kofn_uninitialised, uninitialised-shared"})
  void aFindingIsThrownByTheCallThatWaits(String entry, String kind) {
    try (CudaContext context = open(source())) {
      Buffer words = context.allocate(4L * WORDS);
      launch(context, entry, words);
      KofnException thrown = assertThrows(KofnException.class, context::synchronize);
      names(thrown, kind, entry);
      launch(context, "kofn_correct", words);
      context.synchronize();
      context.release(words);
    }
  }

  /** What ends the device: the error of the driver, with the finding. */
  @ParameterizedTest
  @CsvSource({
    "kofn_out_of_bounds, out-of-bounds, CUDA_ERROR_ILLEGAL_ADDRESS",
    "kofn_misaligned, misaligned, CUDA_ERROR_MISALIGNED_ADDRESS"
  })
  void aFaultIsThrownByTheCallThatWaits(String entry, String kind, String error) {
    try (CudaContext context = open(source())) {
      Buffer words = context.allocate(4L * WORDS);
      launch(context, entry, words);
      CudaException thrown = assertThrows(CudaException.class, context::synchronize);
      assertEquals(error, thrown.name());
      assertTrue(thrown.deviceLost());
      names(thrown, kind, entry);
    }
  }

  /** The kernel that a draw's plan chooses, broken. */
  @Test
  void anOperationThrowsWhatItsKernelDid() throws IOException {
    Catalogue catalogue;
    try (InputStream in =
        KernelImages.class.getResourceAsStream(KernelImages.FOLDER + "sampling/catalogue.inc")) {
      catalogue = Catalogue.parse(in);
    }
    SamplingPlan plan = SamplingPlan.of(catalogue, "f32", 3, 20, 108, SamplingPlan.Regime.AUTO);
    String entry = ((SamplingPlan.InGroup) plan).kernel().entry();
    try (CudaContext context = open(source().replace("kofn_race", entry))) {
      CudaSampling sampling = new CudaSampling(context, catalogue, SamplingPlan.Regime.AUTO);
      Buffer logits = context.allocate(3 * 20 * 4);
      Buffer indices = context.allocate(3 * 2 * 4);
      sampling.draw(
          new View(logits, 0, DType.F32, 3, 20, 20, Layout.ROW_MAJOR),
          2,
          new Draw(1, 1, 0, 0, 0),
          new DrawOutputs(
              new View(indices, 0, DType.I32, 3, 2, 2, Layout.ROW_MAJOR),
              false,
              null,
              null,
              null,
              null));
      KofnException thrown = assertThrows(KofnException.class, context::synchronize);
      assertTrue(thrown.getMessage().contains("kernel " + entry), thrown.getMessage());
      sampling.close();
      context.release(logits);
      context.release(indices);
    }
  }
}
