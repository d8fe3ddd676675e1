// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cuda;

import io.github.kofn.DType;
import io.github.kofn.Layout;
import io.github.kofn.internal.kernels.ProductKernels.Companion;
import io.github.kofn.internal.kernels.ProductKernels.Finish;
import io.github.kofn.internal.kernels.ProductKernels.Pattern;
import io.github.kofn.internal.kernels.View;
import io.github.kofn.sparse.Activation;
import io.github.kofn.sparse.KofNLayout;

/** Writes the structs of views.cuh and finish.cuh. */
final class ProductParameters {
  private ProductParameters() {}

  /** struct View; null is one without data. */
  static void putView(Parameters p, View view) {
    if (view == null) {
      p.putLong(0).putLong(0).putLong(0).putLong(0).putInt(0).putInt(0);
      return;
    }
    p.putLong(address(view)).putLong(view.rows()).putLong(view.columns()).putLong(view.pitch());
    p.putInt(code(view.type())).putInt(view.layout() == Layout.PANELS ? 1 : 0);
  }

  /** struct Pattern. */
  static void putPattern(Parameters p, Pattern pattern) {
    KofNLayout layout = pattern.layout();
    View indices = pattern.indices();
    View values = pattern.values();
    p.putLong(address(indices)).putLong(address(values));
    p.putLong(indices.pitch()).putLong(pitch(values));
    p.putInt(indices.type() == DType.U16 ? 1 : 0).putInt(pattern.packed() ? 1 : 0);
    p.putInt(values == null ? 0 : code(values.type()));
    p.putInt(layout.out()).putInt(layout.in()).putInt(layout.blockOut()).putInt(layout.blockIn());
    p.putInt(layout.k()).putInt(layout.blockRows()).putInt(layout.blockColumns());
  }

  /**
   * What decides on the device whether a launch computes anything.
   *
   * @param flag an I32, or null: it does
   * @param wanted what the flag must hold
   */
  record Guard(View flag, int wanted) {
    static final Guard NONE = new Guard(null, 0);
  }

  /** struct Guard. */
  static void putGuard(Parameters p, Guard guard) {
    p.putLong(address(guard.flag())).putInt(guard.wanted()).putInt(0);
  }

  /** struct Operands. */
  static void putOperands(
      Parameters p, View source, View target, Companion companion, int tiles, Guard guard) {
    putOperands(p, source, target, companion, tiles, guard, null);
  }

  /** struct Operands, with the order of block columns. */
  static void putOperands(
      Parameters p,
      View source,
      View target,
      Companion companion,
      int tiles,
      Guard guard,
      View order) {
    putView(p, source);
    putView(p, target);
    putCompanion(p, companion);
    p.putInt(tiles).putInt(guard.wanted()).putLong(address(guard.flag())).putLong(address(order));
  }

  /** struct Companion. */
  static void putCompanion(Parameters p, Companion companion) {
    if (companion == null) {
      p.putLong(0).putLong(0).putLong(0);
      return;
    }
    p.putLong(address(companion.starts()));
    p.putLong(address(companion.rows()));
    p.putLong(address(companion.slots()));
  }

  /** struct Finish of a forward product. */
  static void putFinish(Parameters p, Finish finish) {
    p.putLong(address(finish.outputScales())).putLong(address(finish.bias()));
    putView(p, finish.preActivation());
    putView(p, finish.residual());
    putView(p, null);
    p.putFloat(finish.scale()).putInt(code(finish.activation())).putInt(0).putInt(0);
  }

  /** struct Finish of an input gradient: times the slope of the layer before, if there is one. */
  static void putDerivative(Parameters p, Activation derivative, View z) {
    p.putLong(0).putLong(0);
    putView(p, null);
    putView(p, null);
    putView(p, z);
    p.putFloat(1).putInt(code(Activation.IDENTITY));
    p.putInt(derivative == null ? 0 : code(derivative)).putInt(0);
  }

  /** enum Type. */
  static int code(DType type) {
    return switch (type) {
      case F32 -> 0;
      case BF16 -> 1;
      case F16 -> 2;
      case I8 -> 3;
      case U8 -> 4;
      case U16 -> 5;
      case I32 -> 6;
      case I64 -> 7;
    };
  }

  /** enum Activation. */
  static int code(Activation activation) {
    return switch (activation) {
      case IDENTITY -> 0;
      case RELU -> 1;
      case GELU -> 2;
      case SILU -> 3;
    };
  }

  static long address(View view) {
    return view == null ? 0 : view.buffer().address() + view.offset();
  }

  static long pitch(View view) {
    return view == null ? 0 : view.pitch();
  }
}
