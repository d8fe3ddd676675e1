// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.validation;

import io.github.kofn.DType;
import io.github.kofn.Device;
import io.github.kofn.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.random.RandomGenerator;

/** Numbers of the floating-point types and I8, held as the floats that represent them exactly. */
final class Numbers {
  private Numbers() {}

  /** The nearest number of a type. */
  static float round(DType type, float value) {
    return switch (type) {
      case F32 -> value;
      case BF16 -> widenBf16(narrowBf16(value));
      case F16 -> Float.float16ToFloat(Float.floatToFloat16(value));
      case I8 -> Math.clamp((float) Math.rint(value), -128, 127);
      default -> throw new IllegalArgumentException(type + " holds no such numbers");
    };
  }

  /** Half the distance from 1 to the next number of a type: its largest relative rounding error. */
  static double unit(DType type) {
    return switch (type) {
      case F32 -> 0x1p-24;
      case F16 -> 0x1p-11;
      case BF16 -> 0x1p-8;
      default -> throw new IllegalArgumentException(type + " is no floating-point type");
    };
  }

  /** The largest rounding error below a type's normal numbers. */
  static double tiniest(DType type) {
    return switch (type) {
      case F32 -> 0x1p-150;
      case F16 -> 0x1p-25;
      case BF16 -> 0x1p-134;
      default -> throw new IllegalArgumentException(type + " is no floating-point type");
    };
  }

  /** Standard normal numbers of a floating-point type; all of -128 to 127 for I8. */
  static float[] random(RandomGenerator random, DType type, int count) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] =
          type == DType.I8 ? random.nextInt(-128, 128) : round(type, (float) random.nextGaussian());
    }
    return values;
  }

  /** A new row-major tensor with these values. */
  static Tensor tensor(Device device, DType type, float[] values, long... shape) {
    return device.tensorOf(encode(type, values), type, shape);
  }

  /** Overwrites a tensor of any layout. */
  static void write(Tensor tensor, float[] values) {
    tensor.copyFrom(encode(tensor.type(), values));
  }

  /** The elements of a tensor of any layout, row-major. */
  static float[] read(Tensor tensor) {
    int count = Math.toIntExact(tensor.size());
    float[] values = new float[count];
    switch (tensor.type()) {
      case F32 -> tensor.copyTo(MemorySegment.ofArray(values));
      case BF16, F16 -> {
        short[] halves = new short[count];
        tensor.copyTo(MemorySegment.ofArray(halves));
        for (int i = 0; i < count; i++) {
          values[i] =
              tensor.type() == DType.F16 ? Float.float16ToFloat(halves[i]) : widenBf16(halves[i]);
        }
      }
      case I8 -> {
        byte[] bytes = new byte[count];
        tensor.copyTo(MemorySegment.ofArray(bytes));
        for (int i = 0; i < count; i++) {
          values[i] = bytes[i];
        }
      }
      default -> throw new IllegalArgumentException(tensor + " holds no such numbers");
    }
    return values;
  }

  /** The elements of a tensor of indices or mask bytes. */
  static int[] readInts(Tensor tensor) {
    int count = Math.toIntExact(tensor.size());
    int[] values = new int[count];
    switch (tensor.type()) {
      case I32 -> tensor.copyTo(MemorySegment.ofArray(values));
      case U16 -> {
        char[] chars = new char[count];
        tensor.copyTo(MemorySegment.ofArray(chars));
        for (int i = 0; i < count; i++) {
          values[i] = chars[i];
        }
      }
      case U8 -> {
        byte[] bytes = new byte[count];
        tensor.copyTo(MemorySegment.ofArray(bytes));
        for (int i = 0; i < count; i++) {
          values[i] = Byte.toUnsignedInt(bytes[i]);
        }
      }
      default -> throw new IllegalArgumentException(tensor + " holds no indices");
    }
    return values;
  }

  private static MemorySegment encode(DType type, float[] values) {
    if (type == DType.F32) {
      return MemorySegment.ofArray(values.clone());
    }
    if (type == DType.I8) {
      byte[] bytes = new byte[values.length];
      for (int i = 0; i < bytes.length; i++) {
        bytes[i] = (byte) values[i];
      }
      return MemorySegment.ofArray(bytes);
    }
    short[] halves = new short[values.length];
    for (int i = 0; i < halves.length; i++) {
      halves[i] = type == DType.F16 ? Float.floatToFloat16(values[i]) : narrowBf16(values[i]);
    }
    return MemorySegment.ofArray(halves);
  }

  private static float widenBf16(short bits) {
    return Float.intBitsToFloat(bits << 16);
  }

  private static short narrowBf16(float value) {
    int bits = Float.floatToRawIntBits(value);
    if (Float.isNaN(value)) {
      return (short) (bits >>> 16 | 0x40);
    }
    int tieToEven = 0x7fff + (bits >>> 16 & 1);
    return (short) ((bits + tieToEven) >>> 16);
  }
}
