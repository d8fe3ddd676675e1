// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cuda;

import io.github.kofn.DType;
import io.github.kofn.internal.cuda.ProductPlan.Regime;
import io.github.kofn.internal.cuda.ProductProblem.Operation;
import io.github.kofn.sparse.KofNLayout;
import java.util.*;

final class Scratch {
  /** OP REGIME out in bo bi k batch type1 type2 tf32 packed, one a line on stdin. */
  public static void main(String[] args) {
    try (Scanner in = new Scanner(System.in, "UTF-8")) {
    while (in.hasNextLine()) {
      String[] c = in.nextLine().trim().split("\\s+");
      if (c.length < 12) continue;
      int[] v = new int[6];
      for (int i = 0; i < 6; i++) v[i] = Integer.parseInt(c[2 + i]);
      ProductProblem p = new ProductProblem(Operation.valueOf(c[0]), new KofNLayout(v[0], v[1], v[2], v[3], v[4]), v[5], DType.valueOf(c[8]), DType.valueOf(c[9]), Boolean.parseBoolean(c[10]));
      long t = System.nanoTime();
      Map<String, Long> m = new TreeMap<>(ProductRun.count(p, Regime.valueOf(c[1]), Boolean.parseBoolean(c[11])));
      double madds = (double) v[5] * v[0] * (c[0].equals("MASK_GRADIENT") ? v[1] : v[4] * v[3]);
      System.out.printf("%s | warp %d net %d net/madd %.3f mma %d mma/instr %.4f dramR %d dramW %d shared %.3f sec %.1f%n", String.join(" ", c), m.get("warpInstructions"), m.get("warpInstructions") - m.get("warp:move") - m.get("warp:parameter"),
        32.0 * (m.get("warpInstructions") - m.get("warp:move") - m.get("warp:parameter")) / madds, m.get("mmaInstructions"), (double) m.get("mmaInstructions") / m.get("warpInstructions"), m.get("dramReadBytes"), m.get("dramWriteBytes"), (double) m.get("sharedWavefronts") / Math.max(1, m.get("sharedWavefrontsMinimum")), (System.nanoTime() - t) / 1e9);
      if (args.length > 0) System.out.println("    " + m);
    }
    }
  }
}
