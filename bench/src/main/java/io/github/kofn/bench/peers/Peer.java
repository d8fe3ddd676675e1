// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.bench.peers;

import io.github.kofn.Backend;
import io.github.kofn.Device;
import io.github.kofn.bench.launch.NoopDriver;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Optional;
import java.util.Properties;
import jcuda.driver.JCudaDriver;
import jcuda.jcublas.JCublas2;
import jcuda.jcusparse.JCusparse;

/** Who kofn is compared with. A benchmark's method begins with its peer's {@link #prefix}. */
public enum Peer {
  /** libtorch. */
  LIBTORCH("libtorch", "libtorch ${libtorch} through DJL ${djl}") {
    @Override
    void load() {
      Torch.engine(1);
    }
  },
  /** OpenBLAS. */
  OPENBLAS("openblas", "OpenBLAS through bytedeco ${openblas}") {
    @Override
    void load() {
      Blas.OPENBLAS.setThreads(1);
    }
  },
  /** Intel MKL. */
  MKL("mkl", "Intel MKL through bytedeco ${mkl}") {
    @Override
    void load() {
      Blas.MKL.setThreads(1);
    }
  },
  /** netlib's BLAS in Java. */
  NETLIB("netlib", "dev.ludovic.netlib ${netlib}, Vector API"),
  /** EJML. */
  EJML("ejml", "EJML ${ejml}"),
  /** cuBLAS. */
  CUBLAS("cublas", "cuBLAS through JCuda ${jcuda}") {
    @Override
    void load() {
      Cuda.requireDevice();
      JCublas2.initialize();
    }
  },
  /** cuSPARSE. */
  CUSPARSE("cusparse", "cuSPARSE through JCuda ${jcuda}") {
    @Override
    void load() {
      Cuda.requireDevice();
      JCusparse.initialize();
    }
  },
  /** kofn on a GPU. */
  KOFN_CUDA("kofnCuda", "kofn ${kofn} on CUDA") {
    @Override
    void load() {
      Device.open(Backend.CUDA).close();
    }
  },
  /** JCuda. */
  JCUDA("jcuda", "JCuda ${jcuda}") {
    @Override
    void load() {
      NoopDriver.load(); // it is measured on that alone
      JCudaDriver.setExceptionsEnabled(true);
      JCudaDriver.cuInit(0);
    }
  },
  /** The JDK alone. */
  JAVA("java", "plain Java"),
  /** kofn itself. */
  KOFN("kofn", "kofn ${kofn}");

  private static final String LINKER = "java.lang.UnsatisfiedLinkError: ";
  private static final Properties VERSIONS = versions();

  private final String prefix;
  private final String title;

  Peer(String prefix, String title) {
    this.prefix = prefix;
    this.title = title;
  }

  /** Loads the native library, where there is one. */
  void load() {}

  /**
   * How its benchmarks' names begin.
   *
   * @return a prefix of method names
   */
  public String prefix() {
    return prefix;
  }

  /**
   * Name and version.
   *
   * @return for people
   */
  public String title() {
    String text = title;
    for (String name : VERSIONS.stringPropertyNames()) {
      text = text.replace("${" + name + "}", VERSIONS.getProperty(name));
    }
    return text;
  }

  /**
   * Whose benchmark a method is.
   *
   * @param method the method's name
   * @return the peer, or nothing for what is no comparison
   */
  public static Optional<Peer> of(String method) {
    for (Peer peer : values()) {
      if (method.startsWith(peer.prefix)) {
        return Optional.of(peer);
      }
    }
    return Optional.empty();
  }

  /**
   * Why this machine cannot measure the peer.
   *
   * @return the reason, or nothing if it can
   */
  public Optional<String> whyNot() {
    try {
      load();
      return Optional.empty();
    } catch (RuntimeException | LinkageError e) {
      Throwable root = e;
      while (root.getCause() != null && !(root instanceof IllegalStateException)) {
        root = root.getCause();
      }
      return Optional.of(root.getClass().getSimpleName() + ": " + reason(root));
    }
  }

  /** One line; what JCuda tells of a library has the linker's reason at the end. */
  private static String reason(Throwable failure) {
    List<String> lines = String.valueOf(failure.getMessage()).lines().map(String::strip).toList();
    return lines.stream()
        .filter(line -> line.startsWith(LINKER))
        .reduce((first, last) -> last.substring(LINKER.length()))
        .orElse(lines.isEmpty() ? "" : lines.getFirst());
  }

  private static Properties versions() {
    Properties properties = new Properties();
    try (InputStream in = Peer.class.getResourceAsStream("peers.properties")) {
      properties.load(in);
      return properties;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
