// SPDX-License-Identifier: Apache-2.0
//
// Queued work and the moment at which it runs.
//
// An operation (kernel, copy, fill, event, host function) becomes a node of a graph: it depends on the operations that
// the CUDA rules order before it, and on nothing else. The scheduler runs any operation whose dependencies are done, at
// random moments and in random order: at latest when some call has to wait for it, at earliest when it was queued. Every
// choice comes from the seeded generator, so a single-threaded program repeats.
//
// Order is also known without running: each operation carries a vector clock (lane -> position), so "is ordered after"
// is a comparison. The sanitizer asks this for global-memory races between launches.
//
// All members are called with the driver's lock held; only host functions run without it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "driver/random.hpp"

namespace kofn::driver {

struct Context;

// Positions reached on each lane (a stream, or a branch of an executable graph), sorted by lane.
class Clock {
 public:
  std::uint64_t at(std::uint32_t lane) const;
  void raise(std::uint32_t lane, std::uint64_t position);
  void merge(const Clock& other);
  void clear() { entries_.clear(); }

 private:
  struct Entry {
    std::uint32_t lane;
    std::uint64_t position;
  };
  std::vector<Entry> entries_;
};

struct Operation {
  std::string what;                            // "kernel saxpy", "copy of 64 bytes from host to device": for reports
  std::shared_ptr<Context> context;
  std::function<void(Operation&)> action;      // empty: nothing to do but to be ordered
  bool evenAfterFault = false;                 // most work is dropped once its context has faulted

  bool done = false;
  std::uint32_t lane = 0;
  std::uint64_t position = 0;
  Clock clock;                                 // includes itself

 private:
  friend class Scheduler;
  bool needed = false, running = false;
  std::size_t missing = 0;                     // dependencies that are not done
  std::vector<std::shared_ptr<Operation>> dependencies, dependents;
};
using OperationPtr = std::shared_ptr<Operation>;

class Scheduler {
 public:
  explicit Scheduler(std::uint64_t seed) : random_(seed) {}

  void reseed(std::uint64_t seed) { random_ = Random(seed); }
  Random& random() { return random_; }
  std::uint32_t newLane();
  // A lane may serve again when the host has waited for all that was on it.
  void retireLane(std::uint32_t lane);

  // Queues `operation` on its lane, after `dependencies` (null entries are skipped) and after everything that the host
  // has waited for.
  void submit(const OperationPtr& operation, const std::vector<OperationPtr>& dependencies, bool defer);

  // Runs what it takes until `operation` is done (null: nothing to do). The host is then ordered after it.
  void wait(const OperationPtr& operation);
  // The same for everything queued in `context`.
  void waitAll(const Context& context);
  // A query: perhaps lets some work happen, then says whether `operation` is done. Repeated queries come to an end.
  bool poll(const OperationPtr& operation);
  // Perhaps runs a few operations: called by every entry point, for these are the random moments.
  void drift();

  std::size_t pending() const { return pending_; }

  // For race detection between launches: a number that grows in the order in which launches run, and whether the launch
  // that got `earlier` is ordered before `operation`.
  std::uint64_t registerLaunch(const Operation& operation);
  bool isOrderedAfter(const Operation& operation, std::uint64_t earlier) const;

 private:
  void execute(OperationPtr operation);
  void markNeeded(const OperationPtr& operation);
  void runUntil(const std::function<bool()>& reached);
  OperationPtr choose(bool needed);

  struct Launch {
    std::uint32_t lane;
    std::uint64_t position;
  };
  Random random_;
  std::uint32_t lanes_ = 0;
  std::vector<std::uint32_t> retired_;
  std::vector<std::uint64_t> positions_;        // last position handed out, by lane
  Clock host_;                                  // what the host has waited for
  std::vector<OperationPtr> ready_;
  std::size_t pending_ = 0;                     // submitted, not done
  std::vector<Launch> launches_;                // by launch number - 1
};

// Runs `function` on the driver's own callback thread, with the driver's lock released meanwhile, as drivers do: so a
// host function never sees the caller's current context and may wait for threads that call the driver.
void runHostFunction(const std::function<void()>& function);
// Whether the calling thread is inside a host function, where entry points are not permitted.
bool insideHostFunction();

}  // namespace kofn::driver
