// SPDX-License-Identifier: Apache-2.0
//
// Contexts. Which one is current is a property of the operating-system thread; a thread starts with none. The primary
// context gets a new handle each time it becomes active, so that a handle kept from before its release is found out.
#include "driver/driver.hpp"

namespace kofn::driver {
namespace {

void requireFlags(unsigned flags) {
  const unsigned schedule = flags & CU_CTX_SCHED_MASK;
  if (flags & ~unsigned(CU_CTX_FLAGS_MASK)) fail(CUDA_ERROR_INVALID_VALUE, "flags ", hex(flags), " has bits outside ", hex(CU_CTX_FLAGS_MASK));
  if (schedule & (schedule - 1)) fail(CUDA_ERROR_INVALID_VALUE, "flags ", hex(flags), " asks for several kinds of waiting at once");
}

CUresult createContext(Entry entry, CUcontext* context, unsigned flags, CUdevice device, bool affinity) {
  return call(entry, Need::Init, [&](Call& c) {
    requirePointer(context, "pctx");
    Device& on = c.device(device);
    requireFlags(flags);
    if (affinity) fail(CUDA_ERROR_UNSUPPORTED_EXEC_AFFINITY, "execution affinity is not supported by this device");
    auto made = makeContext(c, on, flags, false);
    contextStack().push_back(made);
    *context = handleOf<CUcontext>(*made);
  });
}

void requireAlive(const Context& context) {
  if (context.ended) fail(CUDA_ERROR_CONTEXT_IS_DESTROYED, "the context was destroyed");
}

std::shared_ptr<Context> currentOrNull() { return contextStack().empty() ? nullptr : contextStack().back(); }

void synchronize(Call& c, Context& context) {
  for (const auto& stream : context.allStreams())
    if (stream->capture) refuseWhileCapturing(c, "waiting for a context");
  c.driver.scheduler.waitAll(context);
  throwFault(context);
}

}  // namespace
}  // namespace kofn::driver

namespace kofn::cuda {
using namespace kofn::driver;

CUresult cuDevicePrimaryCtxRetain(CUcontext* context, CUdevice device) {
  return call(Entry::cuDevicePrimaryCtxRetain, Need::Init, [&](Call& c) {
    requirePointer(context, "pctx");
    Device& on = c.device(device);
    if (!on.primary) on.primary = makeContext(c, on, on.primaryFlags, true);
    ++on.primaryRetained;
    *context = handleOf<CUcontext>(*on.primary);
  });
}

CUresult cuDevicePrimaryCtxRelease_v2(CUdevice device) {
  return call(Entry::cuDevicePrimaryCtxRelease_v2, Need::Init, [&](Call& c) {
    Device& on = c.device(device);
    if (!on.primaryRetained) fail(CUDA_ERROR_INVALID_CONTEXT, "the primary context of device ", device, " is not retained");
    if (--on.primaryRetained) return;
    endContext(c.driver, on.primary, c.site(), false);
    on.primary = nullptr;
  });
}

CUresult cuDevicePrimaryCtxReset_v2(CUdevice device) {
  return call(Entry::cuDevicePrimaryCtxReset_v2, Need::Init, [&](Call& c) {
    Device& on = c.device(device);
    if (on.primary) endContext(c.driver, on.primary, c.site(), true);
  });
}

CUresult cuDevicePrimaryCtxSetFlags_v2(CUdevice device, unsigned flags) {
  return call(Entry::cuDevicePrimaryCtxSetFlags_v2, Need::Init, [&](Call& c) {
    Device& on = c.device(device);
    requireFlags(flags);
    on.primaryFlags = flags;
    if (on.primary) on.primary->flags = flags | CU_CTX_MAP_HOST;
  });
}

CUresult cuDevicePrimaryCtxGetState(CUdevice device, unsigned* flags, int* active) {
  return call(Entry::cuDevicePrimaryCtxGetState, Need::Init, [&](Call& c) {
    const Device& on = c.device(device);
    if (flags) *flags = on.primaryFlags;
    if (active) *active = on.primary ? 1 : 0;
  });
}

CUresult cuCtxCreate_v2(CUcontext* context, unsigned flags, CUdevice device) {
  return createContext(Entry::cuCtxCreate_v2, context, flags, device, false);
}

CUresult cuCtxCreate_v3(CUcontext* context, void* affinity, int count, unsigned flags, CUdevice device) {
  return createContext(Entry::cuCtxCreate_v3, context, flags, device, affinity || count);
}

CUresult cuCtxCreate_v4(CUcontext* context, CUctxCreateParams* params, unsigned flags, CUdevice device) {
  const bool special = params && (params->execAffinityParams || params->numExecAffinityParams || params->cigParams);
  return createContext(Entry::cuCtxCreate_v4, context, flags, device, special);
}

CUresult cuCtxDestroy_v2(CUcontext context) {
  return call(Entry::cuCtxDestroy_v2, Need::Init, [&](Call& c) {
    auto object = c.object<Context>(context);
    if (object->primary) fail(CUDA_ERROR_INVALID_CONTEXT, "the primary context is released, not destroyed");
    endContext(c.driver, object, c.site(), false);
    if (currentOrNull() == object) contextStack().pop_back();
  });
}

CUresult cuCtxPushCurrent_v2(CUcontext context) {
  return call(Entry::cuCtxPushCurrent_v2, Need::Init, [&](Call& c) { contextStack().push_back(c.object<Context>(context)); });
}

CUresult cuCtxPopCurrent_v2(CUcontext* context) {
  return call(Entry::cuCtxPopCurrent_v2, Need::Init, [&](Call&) {
    if (contextStack().empty()) fail(CUDA_ERROR_INVALID_CONTEXT, "this thread's stack of contexts is empty");
    if (context) *context = handleOf<CUcontext>(*contextStack().back());
    contextStack().pop_back();
  });
}

CUresult cuCtxSetCurrent(CUcontext context) {
  return call(Entry::cuCtxSetCurrent, Need::Init, [&](Call& c) {
    auto& stack = contextStack();
    auto object = context ? c.object<Context>(context) : nullptr;
    if (!stack.empty()) stack.pop_back();
    if (object) stack.push_back(object);
  });
}

CUresult cuCtxGetCurrent(CUcontext* context) {
  return call(Entry::cuCtxGetCurrent, Need::Init, [&](Call&) {
    requirePointer(context, "pctx");
    const auto current = currentOrNull();
    *context = current ? handleOf<CUcontext>(*current) : nullptr;
  });
}

CUresult cuCtxGetDevice(CUdevice* device) {
  return call(Entry::cuCtxGetDevice, Need::Init, [&](Call&) {
    requirePointer(device, "device");
    const auto current = currentOrNull();
    if (!current) fail(CUDA_ERROR_INVALID_CONTEXT, "no context is current to this thread");
    requireAlive(*current);
    *device = current->device->ordinal;
  });
}

CUresult cuCtxGetDevice_v2(CUdevice* device, CUcontext context) {
  return call(Entry::cuCtxGetDevice_v2, Need::Init, [&](Call& c) {
    requirePointer(device, "device");
    const auto object = context ? c.object<Context>(context) : currentOrNull();
    if (!object) fail(CUDA_ERROR_INVALID_CONTEXT, "no context is current to this thread");
    *device = object->device->ordinal;
  });
}

CUresult cuCtxGetFlags(unsigned* flags) {
  return call(Entry::cuCtxGetFlags, Need::Context, [&](Call& c) {
    requirePointer(flags, "flags");
    *flags = c.context->flags;
  });
}

CUresult cuCtxGetId(CUcontext context, unsigned long long* id) {
  return call(Entry::cuCtxGetId, Need::Init, [&](Call& c) {
    requirePointer(id, "ctxId");
    const auto object = context ? c.object<Context>(context) : currentOrNull();
    if (!object) fail(CUDA_ERROR_INVALID_CONTEXT, "no context is current to this thread");
    requireAlive(*object);
    *id = object->id;
  });
}

CUresult cuCtxGetApiVersion(CUcontext context, unsigned* version) {
  return call(Entry::cuCtxGetApiVersion, Need::Init, [&](Call& c) {
    requirePointer(version, "version");
    if (context) c.object<Context>(context);
    *version = 3020;   // the interface that the _v2 names begin with, as drivers answer
  });
}

CUresult cuCtxSynchronize() {
  return call(Entry::cuCtxSynchronize, Need::Context, [](Call& c) { synchronize(c, *c.context); });
}

CUresult cuCtxSynchronize_v2(CUcontext context) {
  return call(Entry::cuCtxSynchronize_v2, Need::Context,
              [&](Call& c) { synchronize(c, context ? *c.object<Context>(context) : *c.context); });
}

CUresult cuCtxSetLimit(CUlimit limit, std::size_t value) {
  return call(Entry::cuCtxSetLimit, Need::Context, [&](Call& c) {
    auto it = c.context->limits.find(limit);
    if (limit < 0 || limit > 9) fail(CUDA_ERROR_INVALID_VALUE, "there is no limit ", limit);
    if (it == c.context->limits.end()) fail(CUDA_ERROR_UNSUPPORTED_LIMIT, "limit ", limit, " is not supported by this device");
    it->second = value;
  });
}

CUresult cuCtxGetLimit(std::size_t* value, CUlimit limit) {
  return call(Entry::cuCtxGetLimit, Need::Context, [&](Call& c) {
    requirePointer(value, "pvalue");
    if (limit < 0 || limit > 9) fail(CUDA_ERROR_INVALID_VALUE, "there is no limit ", limit);
    auto it = c.context->limits.find(limit);
    if (it == c.context->limits.end()) fail(CUDA_ERROR_UNSUPPORTED_LIMIT, "limit ", limit, " is not supported by this device");
    *value = it->second;
  });
}

// Preferences of cache and bank size: kept and answered, without effect, as on current devices.
CUresult cuCtxGetCacheConfig(CUfunc_cache* config) {
  return call(Entry::cuCtxGetCacheConfig, Need::Context, [&](Call& c) {
    requirePointer(config, "pconfig");
    *config = c.context->cacheConfig;
  });
}

CUresult cuCtxSetCacheConfig(CUfunc_cache config) {
  return call(Entry::cuCtxSetCacheConfig, Need::Context, [&](Call& c) {
    if (config < 0 || config > 3) fail(CUDA_ERROR_INVALID_VALUE, "config is ", config, "; allowed: 0 to 3");
    c.context->cacheConfig = config;
  });
}

CUresult cuCtxGetSharedMemConfig(CUsharedconfig* config) {
  return call(Entry::cuCtxGetSharedMemConfig, Need::Context, [&](Call& c) {
    requirePointer(config, "pConfig");
    *config = c.context->sharedConfig ? c.context->sharedConfig : 1;   // four-byte banks
  });
}

CUresult cuCtxSetSharedMemConfig(CUsharedconfig config) {
  return call(Entry::cuCtxSetSharedMemConfig, Need::Context, [&](Call& c) {
    if (config < 0 || config > 2) fail(CUDA_ERROR_INVALID_VALUE, "config is ", config, "; allowed: 0 to 2");
    c.context->sharedConfig = config;
  });
}

CUresult cuCtxGetStreamPriorityRange(int* least, int* greatest) {
  return call(Entry::cuCtxGetStreamPriorityRange, Need::Context, [&](Call&) {
    if (least) *least = 0;
    if (greatest) *greatest = -5;
  });
}

}  // namespace kofn::cuda
