// SPDX-License-Identifier: Apache-2.0
#include "driver/driver.hpp"

#include <cstdio>

namespace kofn::driver {
namespace {

// Codes that say the caller did something wrong, rather than that the world is as it is: these are reported.
bool isWrongUse(CUresult code) {
  switch (code) {
    case CUDA_ERROR_INVALID_VALUE:
    case CUDA_ERROR_NOT_INITIALIZED:
    case CUDA_ERROR_INVALID_DEVICE:
    case CUDA_ERROR_INVALID_CONTEXT:
    case CUDA_ERROR_INVALID_HANDLE:
    case CUDA_ERROR_ILLEGAL_STATE:
    case CUDA_ERROR_CONTEXT_IS_DESTROYED:
    case CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED:
    case CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED:
    case CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES:
    case CUDA_ERROR_NOT_PERMITTED:
      return true;
    default:
      return code >= CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED && code <= CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD;
  }
}

thread_local std::unique_lock<std::mutex>* t_lock = nullptr;

}  // namespace

const char* name(Entry entry) {
  static const char* const names[] = {
#define KOFN_ENTRY(version, name, parameters) #name,
#include "driver/entry_points.def"
#undef KOFN_ENTRY
  };
  return names[static_cast<std::size_t>(entry)];
}

Driver::Driver() : config(Config::fromEnvironment()), scheduler(config.seed) {}

Driver& driver() {
  static Driver* const instance = new Driver;
  return *instance;
}

std::unique_lock<std::mutex>*& Driver::currentLock() { return t_lock; }

void Driver::waitForChange() { changed.wait(*currentLock()); }

void Driver::report(std::string kind, std::string text, std::uint64_t occurrences) {
  reports.add(std::move(kind), std::move(text), config.seed, !config.quiet, occurrences);
}

std::vector<std::shared_ptr<Context>>& contextStack() {
  thread_local std::vector<std::shared_ptr<Context>> stack;
  return stack;
}

std::string& lastMessage() {
  thread_local std::string message;
  return message;
}

namespace frame {

Locked::Locked() : lock(driver().mutex) { t_lock = &lock; }
Locked::~Locked() { t_lock = nullptr; }

CUresult answer(Entry entry, CUresult code, std::string text) {
  lastMessage() = std::string(name(entry)) + ": " + text;
  if (driver().config.apiReports && isWrongUse(code))
    driver().report("api", std::string(name(entry)) + " answers " + resultName(code) + ": " + text);
  return code;
}

bool injected(Driver& driver, Entry entry, CUresult& code) {
  const std::uint64_t call = ++driver.calls[static_cast<std::size_t>(entry)];
  for (const Injection& one : driver.config.injections) {
    const std::string_view full = name(entry);
    const std::string_view base = full.substr(0, full.rfind("_v") == std::string_view::npos ? full.size() : full.rfind("_v"));
    if ((one.entry == full || one.entry == base) && (one.call == 0 || one.call == call)) {
      code = static_cast<CUresult>(one.result);
      return true;
    }
  }
  return false;
}

}  // namespace frame

Call::Call(Entry entry, Need need) : driver(driver::driver()), entry_(entry) {
  if (need == Need::Nothing) return;
  if (insideHostFunction()) fail(CUDA_ERROR_NOT_PERMITTED, "called from a host function, where CUDA calls are not permitted");
  if (!driver.initialised) fail(CUDA_ERROR_NOT_INITIALIZED, "cuInit has not been called");
  if (need == Need::Context) enterCurrent();
}

void Call::enterCurrent() {
  if (contextStack().empty() || !contextStack().back()) fail(CUDA_ERROR_INVALID_CONTEXT, "no context is current to this thread");
  if (contextStack().back()->ended) fail(CUDA_ERROR_CONTEXT_IS_DESTROYED, "the context that is current to this thread was destroyed");
  enter(contextStack().back());
}

void Call::enter(const std::shared_ptr<Context>& entered) {
  context = entered;
  throwFault(*context);
  driver.scheduler.drift();
  throwFault(*context);
}

std::string Call::site() const {
  return words(name(entry_), ", call ", driver.calls[static_cast<std::size_t>(entry_)]);
}

Device& Call::device(CUdevice ordinal) const {
  if (ordinal < 0 || ordinal >= static_cast<int>(driver.devices.size()))
    fail(CUDA_ERROR_INVALID_DEVICE, "device is ", ordinal, "; there are ", driver.devices.size());
  return *driver.devices[ordinal];
}

void Call::checkOwner(const std::shared_ptr<Context>& owner, Kind kind, std::uint64_t handle) const {
  if (!owner || owner->ended)
    fail(CUDA_ERROR_INVALID_HANDLE, name(kind), " handle ", hex(handle), " belongs to a context that was destroyed");
  if (context && owner != context)
    fail(CUDA_ERROR_INVALID_HANDLE, name(kind), " handle ", hex(handle), " belongs to another context than the current one");
}

void throwFault(const Context& context) {
  if (context.fault) fail(static_cast<CUresult>(context.fault), "the context has failed: ", context.faultText);
}

}  // namespace kofn::driver
