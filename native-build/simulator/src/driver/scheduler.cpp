// SPDX-License-Identifier: Apache-2.0
#include "driver/scheduler.hpp"

#include <algorithm>

#include "driver/driver.hpp"

namespace kofn::driver {
namespace {

// A driver's queue is finite: the call that would make it longer runs something first.
constexpr std::size_t kQueueLimit = 1024;

}  // namespace

std::uint64_t Clock::at(std::uint32_t lane) const {
  auto it = std::lower_bound(entries_.begin(), entries_.end(), lane, [](const Entry& e, std::uint32_t l) { return e.lane < l; });
  return it != entries_.end() && it->lane == lane ? it->position : 0;
}

void Clock::raise(std::uint32_t lane, std::uint64_t position) {
  auto it = std::lower_bound(entries_.begin(), entries_.end(), lane, [](const Entry& e, std::uint32_t l) { return e.lane < l; });
  if (it == entries_.end() || it->lane != lane)
    entries_.insert(it, {lane, position});
  else
    it->position = std::max(it->position, position);
}

void Clock::merge(const Clock& other) {
  if (entries_.empty()) {
    entries_ = other.entries_;
    return;
  }
  for (const Entry& e : other.entries_) raise(e.lane, e.position);
}

std::uint32_t Scheduler::newLane() {
  if (retired_.empty()) return ++lanes_;
  const std::uint32_t lane = retired_.back();
  retired_.pop_back();
  return lane;
}

void Scheduler::retireLane(std::uint32_t lane) {
  if (lane >= positions_.size() || host_.at(lane) >= positions_[lane]) retired_.push_back(lane);
}

void Scheduler::submit(const OperationPtr& operation, const std::vector<OperationPtr>& dependencies, bool defer) {
  if (positions_.size() <= operation->lane) positions_.resize(operation->lane + 1);
  operation->position = ++positions_[operation->lane];
  operation->clock = host_;
  for (const OperationPtr& d : dependencies) {
    if (!d) continue;
    operation->clock.merge(d->clock);
    if (d->done) continue;
    operation->dependencies.push_back(d);
    d->dependents.push_back(operation);
    ++operation->missing;
  }
  operation->clock.raise(operation->lane, operation->position);
  ++pending_;
  if (!operation->missing) ready_.push_back(operation);

  if (!defer) {
    markNeeded(operation);
    runUntil([&] { return operation->done; });
  } else if (pending_ > kQueueLimit) {
    runUntil([&] { return pending_ <= kQueueLimit / 2; });
  }
}

void Scheduler::markNeeded(const OperationPtr& operation) {
  std::vector<Operation*> open{operation.get()};
  while (!open.empty()) {
    Operation* one = open.back();
    open.pop_back();
    if (one->needed || one->done) continue;
    one->needed = true;
    for (const OperationPtr& d : one->dependencies) open.push_back(d.get());
  }
}

OperationPtr Scheduler::choose(bool needed) {
  std::size_t count = 0, picked = ready_.size();
  for (std::size_t i = 0; i < ready_.size(); ++i)   // reservoir of one
    if ((!needed || ready_[i]->needed) && random_.oneIn(++count)) picked = i;
  if (picked == ready_.size()) return nullptr;
  OperationPtr one = ready_[picked];
  ready_[picked] = ready_.back();
  ready_.pop_back();
  return one;
}

void Scheduler::execute(OperationPtr operation) {
  operation->running = true;
  if (operation->action && (operation->evenAfterFault || !operation->context->fault)) operation->action(*operation);
  operation->action = nullptr;   // releases what the action held: staging buffers, modules
  operation->context = nullptr;  // whose streams keep their last operation: each would keep the other alive
  operation->running = false;
  operation->done = true;
  --pending_;
  for (const OperationPtr& d : operation->dependents)
    if (--d->missing == 0) {
      d->dependencies.clear();
      ready_.push_back(d);
    }
  operation->dependents.clear();
  driver().changed.notify_all();
}

void Scheduler::runUntil(const std::function<bool()>& reached) {
  while (!reached()) {
    // Mostly what is waited for, sometimes what merely could run now.
    OperationPtr next = choose(!random_.oneIn(4));
    if (!next) next = choose(false);
    if (next)
      execute(std::move(next));
    else
      driver().waitForChange();   // another thread is inside a host function that this depends on
  }
}

void Scheduler::wait(const OperationPtr& operation) {
  if (!operation) return;
  if (!operation->done) {
    markNeeded(operation);
    runUntil([&] { return operation->done; });
  }
  host_.merge(operation->clock);
}

void Scheduler::waitAll(const Context& context) {
  std::vector<OperationPtr> last = context.lastOperations();
  for (const OperationPtr& one : last) wait(one);
}

bool Scheduler::poll(const OperationPtr& operation) {
  if (!operation) return true;
  if (!operation->done && random_.oneIn(2)) {
    markNeeded(operation);
    if (OperationPtr next = choose(!random_.oneIn(4))) execute(std::move(next));
  }
  if (operation->done) host_.merge(operation->clock);
  return operation->done;
}

void Scheduler::drift() {
  if (ready_.empty() || !random_.oneIn(8)) return;
  for (std::uint64_t n = 1 + random_.below(3); n && !ready_.empty(); --n) execute(choose(false));
}

std::uint64_t Scheduler::registerLaunch(const Operation& operation) {
  launches_.push_back({operation.lane, operation.position});
  return launches_.size();
}

bool Scheduler::isOrderedAfter(const Operation& operation, std::uint64_t earlier) const {
  if (earlier == 0 || earlier > launches_.size()) return true;
  const Launch& launch = launches_[earlier - 1];
  return operation.clock.at(launch.lane) >= launch.position;
}

}  // namespace kofn::driver
