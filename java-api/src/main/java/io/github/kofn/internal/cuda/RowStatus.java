// SPDX-License-Identifier: Apache-2.0
package io.github.kofn.internal.cuda;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.github.kofn.CudaException;
import io.github.kofn.internal.kernels.Buffer;
import io.github.kofn.internal.kernels.Draw;
import io.github.kofn.internal.kernels.View;
import io.github.kofn.sampling.InvalidLogitsException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * What kernels found wrong with logits. Each operation has a word on the device, which receives the
 * lowest bad row; the next call that waits for the device reads the words, and throws. A word is
 * cleared when it was read, not when it is used: no launch of a graph erases what an earlier one
 * found.
 */
final class RowStatus {
  private static final int WORDS = 64;
  private static final long FINE = -1;
  private static final int FINE_BYTE = 0xff;

  private final CudaContext context;
  private final Block direct;
  private final Set<Block> used = new LinkedHashSet<>();

  RowStatus(CudaContext context) {
    this.context = context;
    this.direct = new Block();
  }

  /** What a word belongs to: rows from {@code first} of a batch were drawn from. */
  private record Operation(View logits, int k, Draw draw, long first) {}

  /** Words on the device, and the pinned memory in which they are read. */
  final class Block {
    private final Buffer words;
    private final MemorySegment host;
    private final List<Operation> operations = new ArrayList<>();

    Block() {
      words = context.allocate(8L * WORDS);
      try {
        host = Staging.pin(context.driver(), 8L * WORDS);
      } catch (CudaException e) {
        context.release(words);
        throw e;
      }
      clear();
    }

    private void clear() {
      // Not in the thread's own stream, which may be captured.
      long stream = context.enterOwn();
      context.driver().call(Entry.FILL_BYTES, words.address(), FINE_BYTE, 8L * WORDS, stream);
    }

    private boolean isFull() {
      return operations.size() == WORDS;
    }

    private long add(Operation operation) {
      operations.add(operation);
      return words.address() + 8L * (operations.size() - 1);
    }

    private int bad() {
      for (int i = 0; i < operations.size(); i++) {
        if (host.getAtIndex(JAVA_LONG, i) != FINE) {
          return i;
        }
      }
      return -1;
    }

    void close() {
      context.release(words);
      Staging.unpin(context.driver(), host);
    }
  }

  /** The address of the word for an operation that is about to be queued. */
  long word(View logits, int k, Draw draw, long first) {
    synchronized (context) {
      Operation operation = new Operation(logits, k, draw, first);
      Capture capture = context.capture();
      if (capture != null) {
        return capture.status(Block::isFull, Block::new).add(operation);
      }
      if (direct.isFull()) {
        context.synchronize();
      }
      used.add(direct);
      return direct.add(operation);
    }
  }

  /** A graph with these words is queued. */
  void use(List<Block> blocks) {
    used.addAll(blocks);
  }

  /** Queues the reading of all words in use. */
  void read(long stream) {
    for (Block block : used) {
      long bytes = 8L * block.operations.size();
      context
          .driver()
          .call(Entry.COPY_OUT, block.host.address(), block.words.address(), bytes, stream);
    }
  }

  /** Throws what the words that were read say first, and forgets all of them. */
  void check() {
    Operation failed = null;
    long row = FINE;
    for (Block block : used) {
      int bad = block.bad();
      if (bad >= 0) {
        if (failed == null) {
          failed = block.operations.get(bad);
          row = block.host.getAtIndex(JAVA_LONG, bad);
        }
        block.clear();
      }
    }
    used.clear();
    direct.operations.clear();
    if (failed != null) {
      throw explain(failed, failed.first() + row);
    }
  }

  private InvalidLogitsException explain(Operation failed, long row) {
    if (failed.logits() == null) {
      return InvalidLogitsException.changedSince(row);
    }
    try {
      return BadRow.explain(context, failed.logits(), row, failed.k(), failed.draw());
    } catch (CudaException e) {
      InvalidLogitsException vague = InvalidLogitsException.changedSince(row);
      vague.addSuppressed(e);
      return vague;
    }
  }

  /** These logits cannot be looked at any more. */
  void forget(Buffer buffer) {
    for (Block block : used) {
      block.operations.replaceAll(
          o ->
              o.logits() != null && o.logits().buffer().equals(buffer)
                  ? new Operation(null, o.k(), o.draw(), o.first())
                  : o);
    }
  }

  void close() {
    direct.close();
  }
}
