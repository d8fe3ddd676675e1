// SPDX-License-Identifier: Apache-2.0
package io.github.kofn;

import io.github.kofn.internal.Check;
import io.github.kofn.internal.files.SafeTensors;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Named tensors in a <a href="https://github.com/huggingface/safetensors">safetensors</a> file,
 * such as a checkpoint of a training run. Other programs can read these files. They carry a
 * checksum, so that a file that was cut off or altered is refused; files of other programs, which
 * have none, are refused too.
 */
public final class TensorFile implements AutoCloseable {
  private final Map<String, String> metadata;
  private final Map<String, Tensor> tensors = new LinkedHashMap<>();

  private TensorFile(Map<String, String> metadata) {
    this.metadata = Collections.unmodifiableMap(metadata);
  }

  /**
   * Writes a file. Until it is complete, a file already there stays as it is.
   *
   * @param file where to
   * @param tensors what, by name; row-major in the file whatever their layout
   * @param metadata whatever else belongs to them
   * @throws KofnException if the file cannot be written
   */
  public static void save(Path file, Map<String, Tensor> tensors, Map<String, String> metadata) {
    Check.notNull("file", file);
    Check.notNull("tensors", tensors);
    Check.notNull("metadata", metadata);
    try (Arena arena = Arena.ofConfined()) {
      Map<String, SafeTensors.Entry> entries = new LinkedHashMap<>();
      tensors.forEach((name, tensor) -> entries.put(name, SafeTensors.entry(tensor, arena)));
      SafeTensors.write(file, new SafeTensors.Contents(metadata, entries));
    }
  }

  /**
   * Reads a file.
   *
   * @param device where the tensors go
   * @param file a file that {@link #save} wrote
   * @return its contents, which the caller closes
   * @throws InvalidFileException if the file was cut off or altered, or is another program's;
   *     nothing stays loaded then
   * @throws KofnException if the file cannot be read
   */
  public static TensorFile load(Device device, Path file) {
    Check.notNull("device", device);
    Check.notNull("file", file);
    try (Arena arena = Arena.ofConfined()) {
      SafeTensors.Contents contents = SafeTensors.read(file, arena);
      TensorFile loaded = new TensorFile(contents.metadata());
      try {
        contents
            .tensors()
            .forEach((name, entry) -> loaded.tensors.put(name, upload(device, entry)));
        return loaded;
      } catch (RuntimeException e) {
        loaded.close();
        throw e;
      }
    }
  }

  private static Tensor upload(Device device, SafeTensors.Entry entry) {
    long[] shape = entry.shape().stream().mapToLong(Long::longValue).toArray();
    return device.tensorOf(entry.elements(), entry.type(), shape);
  }

  /**
   * The tensors by name.
   *
   * @return an unmodifiable map; the tensors belong to this object
   */
  public Map<String, Tensor> tensors() {
    return Collections.unmodifiableMap(tensors);
  }

  /**
   * What was saved beside the tensors.
   *
   * @return an unmodifiable map
   */
  public Map<String, String> metadata() {
    return metadata;
  }

  /** Frees the tensors. Closing twice is fine. */
  @Override
  public void close() {
    tensors.values().forEach(Tensor::close);
  }
}
