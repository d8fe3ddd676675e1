// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cuda;

import io.github.kofn.CudaException;
import io.github.kofn.internal.kernels.ProductKernels.Companion;
import io.github.kofn.internal.kernels.ProductKernels.Finish;
import io.github.kofn.internal.kernels.ProductKernels.Pattern;
import io.github.kofn.internal.kernels.SamplingKernels.DrawOutputs;
import io.github.kofn.internal.kernels.SamplingKernels.Relaxation;
import io.github.kofn.internal.kernels.View;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.stream.Collectors;

/**
 * Kernels whose operations end with {@link CudaContext#finish}, and whose failures name the
 * operation and the shapes of what it was given.
 */
final class Named {
  private static final Object[] NOTHING = {};

  private Named() {}

  static <T> T of(Class<T> type, T kernels, CudaContext context) {
    return type.cast(
        Proxy.newProxyInstance(
            type.getClassLoader(),
            new Class<?>[] {type},
            (proxy, method, arguments) -> {
              try {
                Object result = method.invoke(kernels, arguments);
                context.finish();
                return result;
              } catch (InvocationTargetException e) {
                throw e.getCause() instanceof CudaException cause
                    ? cause.with(describe(method.getName(), arguments))
                    : e.getCause();
              } catch (CudaException e) {
                throw e.with(describe(method.getName(), arguments));
              }
            }));
  }

  private static String describe(String operation, Object[] arguments) {
    return "in " + operation + list(Arrays.asList(arguments == null ? NOTHING : arguments));
  }

  private static String list(List<Object> values) {
    return values.stream().map(Named::text).collect(Collectors.joining(", ", "(", ")"));
  }

  private static String text(Object value) {
    return switch (value) {
      case View v -> "%s [%d, %d]".formatted(v.type(), v.rows(), v.columns());
      case DrawOutputs o ->
          views("outputs", o.indices(), o.keys(), o.bits(), o.bytes(), o.floats());
      case Relaxation r -> "tau %s, winners %s".formatted(r.tau(), text(r.winners()));
      case Pattern p -> "%s of %s".formatted(p.layout(), text(p.values()));
      case Companion c -> "companion";
      case Finish f -> views(f.activation().name(), f.preActivation(), f.residual());
      case null -> "none";
      default -> value.toString();
    };
  }

  private static String views(String name, View... views) {
    return Arrays.stream(views)
        .filter(Objects::nonNull)
        .map(Named::text)
        .collect(Collectors.joining(", ", name + " ", ""));
  }
}
