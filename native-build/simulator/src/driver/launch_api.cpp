// SPDX-License-Identifier: Apache-2.0
//
// Launches. Everything that can be refused is refused by the call; the parameters are copied then, so that the caller may
// reuse its buffer at once. What goes wrong while the kernel runs makes the context fail: the launch has answered success,
// and the error comes from the next call that finds it.
#include <cstring>

#include "driver/driver.hpp"

namespace kofn::driver {
namespace {

std::string shape(const sim::Dim3& d) { return words(d.x, " x ", d.y, " x ", d.z); }

void recordResult(Driver& driver, Operation& operation, const std::string& kernel, const sim::LaunchResult& result) {
  driver.counters.add(kernel, result.counters);
  for (sim::Report report : result.reports) {
    report.seed = driver.config.seed;
    driver.report(report.check ? std::string(sim::name(*report.check)) : "fault", report.toString(), report.occurrences);
  }
  if (result.fault == sim::Fault::None) return;
  std::string text = operation.what + ": " + result.faultText;
  if (result.reports.empty()) driver.report("fault", text);
  for (const sim::Report& report : result.reports)
    if (report.severity == sim::Severity::Error) {   // which of them is the fault's, in the words of the finding
      text += "; " + report.toString();
      break;
    }
  operation.context->setFault(static_cast<int>(result.fault), text);
}

void runKernel(Operation& operation, const std::shared_ptr<FunctionObject>& function, const sim::LaunchRequest& request) {
  Driver& driver = driver::driver();
  sim::LaunchRequest now = request;
  now.launchId = driver.scheduler.registerLaunch(operation);
  now.happensAfter = [&](std::uint64_t earlier) { return driver.scheduler.isOrderedAfter(operation, earlier); };
  sim::Options options = driver.config.engine;
  options.seed = Random(driver.config.seed ^ ++driver.launches * 0x9E3779B97F4A7C15ull).next();
  recordResult(driver, operation, function->function->info().name, sim::run(now, options));
}

// The packed parameter block, from an array of pointers to values or from the `extra` list.
std::vector<std::byte> packParameters(const sim::FunctionInfo& info, void** kernelParams, void** extra) {
  if (kernelParams && extra) fail(CUDA_ERROR_INVALID_VALUE, "kernelParams and extra are both given");
  std::vector<std::byte> block(info.parameterBytes);
  if (kernelParams) {
    for (std::size_t i = 0; i < info.parameters.size(); ++i) {
      if (!kernelParams[i]) fail(CUDA_ERROR_INVALID_VALUE, "kernelParams[", i, "] is null; ", info.name, " has ", info.parameters.size(), " parameters");
      std::memcpy(block.data() + info.parameters[i].offset, kernelParams[i], info.parameters[i].bytes);
    }
    return block;
  }
  if (!extra) {
    if (!info.parameters.empty()) fail(CUDA_ERROR_INVALID_VALUE, info.name, " has ", info.parameters.size(), " parameters, none are given");
    return block;
  }
  const void* buffer = nullptr;
  const std::size_t* size = nullptr;
  for (std::size_t i = 0; reinterpret_cast<std::uintptr_t>(extra[i]) != kLaunchParamEnd; i += 2) {
    const auto key = reinterpret_cast<std::uintptr_t>(extra[i]);
    if (key == kLaunchParamBufferPointer)
      buffer = extra[i + 1];
    else if (key == kLaunchParamBufferSize)
      size = static_cast<const std::size_t*>(extra[i + 1]);
    else
      fail(CUDA_ERROR_INVALID_VALUE, "extra[", i, "] is ", hex(key), "; allowed: 0 (end), 1 (buffer), 2 (its size)");
  }
  requirePointer(buffer, "the parameter buffer in extra");
  requirePointer(size, "the size of the parameter buffer in extra");
  // Padding behind the last parameter may or may not be counted, as in the size of a structure.
  if (*size < info.parameterBytes || *size > (info.parameterBytes + 15u) / 16 * 16)
    fail(CUDA_ERROR_INVALID_VALUE, "the parameter buffer has ", *size, " bytes; the parameters of ", info.name, " take ", info.parameterBytes);
  std::memcpy(block.data(), buffer, info.parameterBytes);
  return block;
}

void checkShape(const FunctionObject& function, const sim::LaunchRequest& request) {
  const sim::FunctionInfo& info = function.function->info();
  const sim::LaunchResult verdict = sim::validate(request);
  if (verdict.fault != sim::Fault::None)
    fail(static_cast<CUresult>(verdict.fault), info.name, ", grid ", shape(request.grid), ", block ", shape(request.block), ": ", verdict.faultText);
  if (static_cast<int>(request.dynamicShared) > function.maxDynamicShared || request.dynamicShared > 0x7fffffffu)
    fail(CUDA_ERROR_INVALID_VALUE, info.name, " is launched with ", request.dynamicShared, " bytes of dynamic shared memory; it may have ",
         function.maxDynamicShared, ", more only after CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES was set");
}

// A CUkernel belongs to no context: it runs in its stream's, whatever is current, and in the current one if its stream is a
// default stream. A CUfunction runs in the current context.
void enterContext(Call& c, CUfunction handle, CUstream stream) {
  const auto number = reinterpret_cast<std::uintptr_t>(stream);
  if (!isKernel(handle) || number == 0 || number == kStreamLegacy || number == kStreamPerThread) return c.enterCurrent();
  auto context = c.stream(stream, true)->context.lock();
  if (!context || context->ended) fail(CUDA_ERROR_CONTEXT_IS_DESTROYED, "the context of the stream was destroyed");
  c.enter(context);
}

void launch(Call& c, CUfunction handle, const sim::Dim3& grid, const sim::Dim3& block, unsigned sharedBytes, CUstream stream,
            void** kernelParams, void** extra) {
  enterContext(c, handle, stream);
  auto function = resolveFunction(c, handle);
  auto on = c.stream(stream);
  sim::LaunchRequest request;
  request.function = function->function;
  request.grid = grid;
  request.block = block;
  request.dynamicShared = sharedBytes;
  request.parameters = packParameters(function->function->info(), kernelParams, extra);
  checkShape(*function, request);
  enqueue(c.context, *on, {CU_GRAPH_NODE_TYPE_KERNEL, "kernel " + function->function->info().name,
                           [function, request = std::move(request)](Operation& operation) { runKernel(operation, function, request); }});
}

void checkAttribute(const CUlaunchAttribute& attribute) {
  switch (attribute.id) {
    case CU_LAUNCH_ATTRIBUTE_IGNORE:
    case CU_LAUNCH_ATTRIBUTE_ACCESS_POLICY_WINDOW:   // hints: no effect on results
    case CU_LAUNCH_ATTRIBUTE_SYNCHRONIZATION_POLICY:
    case CU_LAUNCH_ATTRIBUTE_PRIORITY:
    case CU_LAUNCH_ATTRIBUTE_MEM_SYNC_DOMAIN_MAP:
    case CU_LAUNCH_ATTRIBUTE_MEM_SYNC_DOMAIN:
    case CU_LAUNCH_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT: return;
    case CU_LAUNCH_ATTRIBUTE_COOPERATIVE:
      if (attribute.value.cooperative) fail(CUDA_ERROR_NOT_SUPPORTED, "cooperative launches are not supported by this device");
      return;
    case CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION: {
      const auto& d = attribute.value.clusterDim;
      if (d.x != 1 || d.y != 1 || d.z != 1) fail(CUDA_ERROR_NOT_SUPPORTED, "clusters are not supported by this device");
      return;
    }
    case CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION:
      if (attribute.value.programmaticStreamSerializationAllowed)
        fail(CUDA_ERROR_NOT_SUPPORTED, "programmatic stream serialization is not supported by this device");
      return;
    default: fail(CUDA_ERROR_INVALID_VALUE, "launch attribute ", attribute.id, " is not supported by this device");
  }
}

}  // namespace
}  // namespace kofn::driver

namespace kofn::cuda {
using namespace kofn::driver;

CUresult cuLaunchKernel(CUfunction function, unsigned gridX, unsigned gridY, unsigned gridZ, unsigned blockX, unsigned blockY, unsigned blockZ,
                        unsigned sharedBytes, CUstream stream, void** kernelParams, void** extra) {
  return call(Entry::cuLaunchKernel, Need::Init, [&](Call& c) {
    launch(c, function, {gridX, gridY, gridZ}, {blockX, blockY, blockZ}, sharedBytes, stream, kernelParams, extra);
  });
}

CUresult cuLaunchKernelEx(const CUlaunchConfig* config, CUfunction function, void** kernelParams, void** extra) {
  return call(Entry::cuLaunchKernelEx, Need::Init, [&](Call& c) {
    requirePointer(config, "config");
    if (config->numAttrs) requirePointer(config->attrs, "config->attrs");
    for (unsigned i = 0; i < config->numAttrs; ++i) checkAttribute(config->attrs[i]);
    launch(c, function, {config->gridDimX, config->gridDimY, config->gridDimZ}, {config->blockDimX, config->blockDimY, config->blockDimZ},
           config->sharedMemBytes, config->hStream, kernelParams, extra);
  });
}

}  // namespace kofn::cuda
