// SPDX-License-Identifier: Apache-2.0
//
// The driver's one global object, and the frame that every entry point runs in.
//
//   extern "C" KOFN_API CUresult cuMemFree_v2(CUdeviceptr address) {
//     return call(Entry::cuMemFree_v2, Need::Context, [&](Call& c) { ... fail(CUDA_ERROR_..., "why") ... });
//   }
//
// call() takes the lock, answers injected errors, refuses what comes before cuInit, from a host function, without a
// current context, or after the context has faulted, lets queued work drift, and turns what the body throws into a
// CUresult. No exception crosses the interface.
#pragma once

#include <array>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "driver/config.hpp"
#include "driver/counters.hpp"
#include "driver/entry_points.hpp"
#include "driver/objects.hpp"
#include "driver/reports.hpp"
#include "driver/text.hpp"

namespace kofn::driver {

enum class Entry : std::uint16_t {
#define KOFN_ENTRY(version, name, parameters) name,
#include "driver/entry_points.def"
#undef KOFN_ENTRY
  Count
};
const char* name(Entry entry);

// What an entry point answers instead of CUDA_SUCCESS, and why.
struct Failure {
  CUresult code;
  std::string text;
};
template <class... Parts>
[[noreturn]] void fail(CUresult code, const Parts&... parts) {
  throw Failure{code, words(parts...)};
}
// Refuses a null pointer argument.
inline void requirePointer(const void* pointer, const char* argument) {
  if (!pointer) fail(CUDA_ERROR_INVALID_VALUE, argument, " is null");
}
const char* resultName(int code);   // null when there is no such code

struct Driver {
  Driver();

  std::mutex mutex;
  std::condition_variable changed;
  Config config;
  bool initialised = false;
  HandleTable handles;
  Scheduler scheduler;
  Reports reports;
  CounterBook counters;
  std::vector<std::unique_ptr<Device>> devices;
  std::map<std::uint64_t, HostBlock> hostBlocks;   // by address
  std::array<std::uint64_t, static_cast<std::size_t>(Entry::Count)> calls{};
  std::uint64_t allocations = 0, launches = 0, ids = 0;

  void report(std::string kind, std::string text, std::uint64_t occurrences = 1);
  HostBlock* hostBlockAt(std::uint64_t address);

  void waitForChange();                              // releases the lock until something finished
  template <class F>
  void unlocked(F&& body) {                          // runs `body` without the lock
    std::unique_lock<std::mutex>& lock = *currentLock();
    lock.unlock();
    body();
    lock.lock();
  }
  static std::unique_lock<std::mutex>*& currentLock();
};
Driver& driver();   // made on first use, never destroyed: JVM threads may call while the process ends

enum class Need { Nothing, Init, Context };

// The call under way, as its body sees it.
class Call {
 public:
  Call(Entry entry, Need need);

  Driver& driver;
  std::shared_ptr<Context> context;   // the current one, with Need::Context; else the one that was entered
  std::string site() const;           // "cuMemAlloc_v2, call 3"

  void enterCurrent();
  void enter(const std::shared_ptr<Context>& entered);   // a live context, current or not

  Device& device(CUdevice ordinal) const;
  // The live object that `handle` names; `foreign` lets it belong to another context than the current one.
  template <class T>
  std::shared_ptr<T> object(const void* handle, bool foreign = false) const;
  // The stream that `handle` names: null and 1 are the legacy default stream, 2 the thread's own.
  std::shared_ptr<Stream> stream(CUstream handle, bool foreign = false) const;

 private:
  void checkOwner(const std::shared_ptr<Context>& owner, Kind kind, std::uint64_t handle) const;
  Entry entry_;
};

template <class T>
std::shared_ptr<T> Call::object(const void* handle, bool foreign) const {
  const auto number = reinterpret_cast<std::uint64_t>(handle);
  std::shared_ptr<Object> found = HandleTable::isKind(number, T::kind) ? driver.handles.find(number) : nullptr;
  if (!found) {
    const bool context = T::kind == Kind::Context;
    fail(context ? CUDA_ERROR_INVALID_CONTEXT : CUDA_ERROR_INVALID_HANDLE, driver.handles.explain(number, T::kind));
  }
  auto object = std::static_pointer_cast<T>(found);
  if constexpr (requires { object->context.lock(); })
    if (!foreign) checkOwner(object->context.lock(), T::kind, number);
  return object;
}

template <class Handle>
Handle handleOf(const Object& object) {
  return reinterpret_cast<Handle>(object.handle);
}

// The contexts of the calling thread, current one last.
std::vector<std::shared_ptr<Context>>& contextStack();

namespace frame {
// The part of call() that does not depend on the body.
CUresult answer(Entry entry, CUresult code, std::string text);
bool injected(Driver& driver, Entry entry, CUresult& code);
struct Locked {
  Locked();
  ~Locked();
  std::unique_lock<std::mutex> lock;
};
}  // namespace frame

template <class F>
CUresult call(Entry entry, Need need, F&& body) {
  try {
    frame::Locked locked;
    try {
      CUresult forced;
      if (frame::injected(driver(), entry, forced)) return frame::answer(entry, forced, "forced by the setting \"fail\"");
      Call c(entry, need);
      if constexpr (std::is_void_v<decltype(body(c))>) {
        body(c);
        return CUDA_SUCCESS;
      } else {
        return body(c);
      }
    } catch (const Failure& failure) {
      return frame::answer(entry, failure.code, failure.text);
    } catch (const std::bad_alloc&) {
      return frame::answer(entry, CUDA_ERROR_OUT_OF_MEMORY, "host memory is exhausted");
    } catch (const std::exception& e) {
      return frame::answer(entry, CUDA_ERROR_UNKNOWN, e.what());
    }
  } catch (...) {
    return CUDA_ERROR_UNKNOWN;
  }
}

// The message of this thread's last call that did not answer CUDA_SUCCESS.
std::string& lastMessage();

// ---- shared between the topics ----

// stream_queue.cpp: orders work in a stream by the CUDA rules, or adds it to the capture that the stream is in.
struct Work {
  CUgraphNodeType type;
  std::string what;
  std::function<void(Operation&)> action;
  bool evenAfterFault = false;
};
OperationPtr enqueue(const std::shared_ptr<Context>& context, Stream& stream, Work work);
// Submits in stream order whatever the stream's capture state is.
OperationPtr submitTo(const std::shared_ptr<Context>& context, Stream& stream, Work work,
                      const std::vector<OperationPtr>& further = {});
std::vector<OperationPtr> predecessors(const Context& context, const Stream& stream);
// What a host-synchronous call in the legacy stream must wait for before it touches anything.
void waitForStream(const Context& context, Stream& stream);
void refuseWhileCapturing(Call& c, const char* what);      // calls that are unsafe during capture
// Raises the sticky error, if queued work has faulted meanwhile.
void throwFault(const Context& context);

// context_api.cpp
std::shared_ptr<Context> makeContext(Call& c, Device& device, unsigned flags, bool primary);
void endContext(Driver& driver, const std::shared_ptr<Context>& context, const std::string& site, bool keepHandle);

// memory_api.cpp
CUdeviceptr allocateDevice(Call& c, Device& device, std::size_t bytes, const std::shared_ptr<Pool>& pool);
void releaseBlock(Driver& driver, Device& device, std::uint64_t address);
bool isDeviceAddress(std::uint64_t address);

// module_api.cpp
std::shared_ptr<Module> loadModule(Call& c, const std::shared_ptr<Context>& context, std::string_view ptx, std::string& log);
std::shared_ptr<FunctionObject> functionOf(Call& c, const std::shared_ptr<Module>& module, const std::string& name);
void unloadModule(Call& c, const std::shared_ptr<Module>& module);
// The bytes of an image in a file, or behind a pointer (image.hpp). Fails when there is no such file, or the pointer is null.
std::string readImageFile(const char* name, const char* argument);
std::string readImage(const void* pointer, const char* argument);

// function_api.cpp
int functionAttribute(const FunctionObject& function, CUfunction_attribute attribute);
void setFunctionAttribute(FunctionObject& function, CUfunction_attribute attribute, int value);

// library_api.cpp
inline bool isKernel(CUfunction handle) { return HandleTable::isKind(reinterpret_cast<std::uint64_t>(handle), Kind::Kernel); }
// A CUfunction, or a CUkernel in its place, as the current context's function.
std::shared_ptr<FunctionObject> resolveFunction(Call& c, CUfunction handle);

}  // namespace kofn::driver
