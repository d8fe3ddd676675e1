// SPDX-License-Identifier: Apache-2.0
//
// The callback thread: made at the first host function, kept for the life of the process.
#include <condition_variable>
#include <mutex>
#include <thread>

#include "driver/driver.hpp"
#include "driver/scheduler.hpp"

namespace kofn::driver {
namespace {

thread_local bool t_inside = false;

class CallbackThread {
 public:
  CallbackThread() { std::thread([this] { serve(); }).detach(); }

  void run(const std::function<void()>& function) {
    std::lock_guard turn(turn_);   // one host function at a time
    std::unique_lock lock(mutex_);
    function_ = &function;
    changed_.notify_all();
    changed_.wait(lock, [this] { return !function_; });
  }

 private:
  void serve() {
    t_inside = true;
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [this] { return function_; });
      lock.unlock();
      (*function_)();
      lock.lock();
      function_ = nullptr;
      changed_.notify_all();
    }
  }

  std::mutex turn_, mutex_;
  std::condition_variable changed_;
  const std::function<void()>* function_ = nullptr;
};

}  // namespace

void runHostFunction(const std::function<void()>& function) {
  static CallbackThread* const thread = new CallbackThread;   // never destroyed: it may be waiting when the process ends
  driver().unlocked([&] { thread->run(function); });
}

bool insideHostFunction() { return t_inside; }

}  // namespace kofn::driver
