// SPDX-License-Identifier: Apache-2.0
//
// Modules and what is in them. Loading parses and checks everything at once; an image that is refused says why in the
// JIT log buffers, in the message that kofnSimLastMessage returns, and leaves nothing behind.
#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>

#include "driver/driver.hpp"
#include "driver/image.hpp"
#include "driver/jit_log.hpp"

namespace kofn::driver {
namespace {

DeviceTarget targetOf(const Driver& driver, const Device& device) {
  return {device.properties.major * 10 + device.properties.minor, driver.config.driverVersion};
}

CUresult load(Entry entry, CUmodule* module, const std::function<std::string()>& image, const JitOptions& options) {
  return call(entry, Need::Context, [&](Call& c) {
    requirePointer(module, "module");
    refuseWhileCapturing(c, "loading a module");
    JitLog log(options);
    const std::string bytes = image();
    std::string ptx, text;
    try {
      ptx = selectPtx(std::as_bytes(std::span(bytes)), targetOf(c.driver, *c.context->device));
    } catch (const ImageError& error) {
      log.error(error.text);
      fail(error.code, error.text);
    }
    auto made = loadModule(c, c.context, ptx, text);
    if (!made) {
      log.error(text);
      fail(CUDA_ERROR_INVALID_PTX, text);
    }
    log.info(words("loaded ", made->code->functionNames().size(), " kernels for the simulated device"));
    c.context->modules.insert(made);
    *module = handleOf<CUmodule>(*made);
  });
}

}  // namespace

std::string readImageFile(const char* name, const char* argument) {
  requirePointer(name, argument);
  std::ifstream file(name, std::ios::binary);
  if (!file) fail(CUDA_ERROR_FILE_NOT_FOUND, "\"", name, "\" cannot be opened");
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::string readImage(const void* pointer, const char* argument) {
  requirePointer(pointer, argument);
  return copyImage(pointer);
}

std::shared_ptr<Module> loadModule(Call& c, const std::shared_ptr<Context>& context, std::string_view ptx, std::string& log) {
  Device& device = *context->device;
  auto code = sim::Module::load(ptx, *device.memory, device.properties, log);
  if (!code) return nullptr;
  auto made = std::make_shared<Module>();
  made->context = context;
  made->code = std::move(code);
  c.driver.handles.add(Kind::Module, made, c.site());
  return made;
}

std::shared_ptr<FunctionObject> functionOf(Call& c, const std::shared_ptr<Module>& module, const std::string& name) {
  if (auto it = module->functions.find(name); it != module->functions.end()) return it->second;
  const sim::Function* function = module->code->function(name);
  if (!function) {
    std::string known;
    for (const std::string& one : module->code->functionNames()) known += " " + one;
    fail(CUDA_ERROR_NOT_FOUND, "the module has no kernel \"", name, "\"; it has", known.empty() ? " none" : known);
  }
  auto made = std::make_shared<FunctionObject>();
  made->context = module->context;
  made->module = module;
  made->code = module->code;
  made->function = function;
  // What fits without opting in.
  const std::uint32_t most = c.context->device->properties.sharedPerBlock, used = function->info().staticShared;
  made->maxDynamicShared = static_cast<int>(most - std::min(most, used));
  c.driver.handles.add(Kind::Function, made, c.site());
  module->functions.emplace(name, made);
  return made;
}

void unloadModule(Call& c, const std::shared_ptr<Module>& module) {
  c.driver.scheduler.waitAll(*c.context);   // queued launches still use the code and its globals
  for (const auto& [name, function] : module->functions) c.driver.handles.remove(*function, c.site());
  module->functions.clear();
  c.driver.handles.remove(*module, c.site());
  c.context->modules.erase(module);
}

}  // namespace kofn::driver

namespace kofn::cuda {
using namespace kofn::driver;

CUresult cuModuleLoad(CUmodule* module, const char* fileName) {
  return load(Entry::cuModuleLoad, module, [&] { return readImageFile(fileName, "fname"); }, {});
}

CUresult cuModuleLoadData(CUmodule* module, const void* image) {
  return load(Entry::cuModuleLoadData, module, [&] { return readImage(image, "image"); }, {});
}

CUresult cuModuleLoadDataEx(CUmodule* module, const void* image, unsigned numOptions, CUjit_option* options, void** optionValues) {
  return load(Entry::cuModuleLoadDataEx, module, [&] { return readImage(image, "image"); }, {numOptions, options, optionValues});
}

CUresult cuModuleLoadFatBinary(CUmodule* module, const void* fatbin) {
  return load(Entry::cuModuleLoadFatBinary, module, [&] { return readImage(fatbin, "fatCubin"); }, {});
}

CUresult cuModuleUnload(CUmodule module) {
  return call(Entry::cuModuleUnload, Need::Context, [&](Call& c) {
    refuseWhileCapturing(c, "unloading a module");
    auto object = c.object<Module>(module);
    if (!c.context->modules.count(object)) fail(CUDA_ERROR_INVALID_HANDLE, "the module belongs to a library, which is unloaded as a whole");
    unloadModule(c, object);
    throwFault(*c.context);
  });
}

CUresult cuModuleGetLoadingMode(CUmoduleLoadingMode* mode) {
  return call(Entry::cuModuleGetLoadingMode, Need::Init, [&](Call&) {
    requirePointer(mode, "mode");
    *mode = 1;   // eager: everything is checked when it is loaded
  });
}

CUresult cuModuleGetFunction(CUfunction* function, CUmodule module, const char* name) {
  return call(Entry::cuModuleGetFunction, Need::Context, [&](Call& c) {
    requirePointer(function, "hfunc");
    requirePointer(name, "name");
    *function = handleOf<CUfunction>(*functionOf(c, c.object<Module>(module), name));
  });
}

CUresult cuModuleGetFunctionCount(unsigned* count, CUmodule module) {
  return call(Entry::cuModuleGetFunctionCount, Need::Context, [&](Call& c) {
    requirePointer(count, "count");
    *count = static_cast<unsigned>(c.object<Module>(module)->code->functionNames().size());
  });
}

CUresult cuModuleEnumerateFunctions(CUfunction* functions, unsigned count, CUmodule module) {
  return call(Entry::cuModuleEnumerateFunctions, Need::Context, [&](Call& c) {
    requirePointer(functions, "functions");
    auto object = c.object<Module>(module);
    const auto names = object->code->functionNames();
    for (unsigned i = 0; i < count && i < names.size(); ++i) functions[i] = handleOf<CUfunction>(*functionOf(c, object, names[i]));
  });
}

CUresult cuModuleGetGlobal_v2(CUdeviceptr* address, std::size_t* bytes, CUmodule module, const char* name) {
  return call(Entry::cuModuleGetGlobal_v2, Need::Context, [&](Call& c) {
    requirePointer(name, "name");
    const auto global = c.object<Module>(module)->code->global(name);
    if (!global) fail(CUDA_ERROR_NOT_FOUND, "the module has no global \"", name, "\"");
    if (address) *address = global->address;
    if (bytes) *bytes = global->bytes;
  });
}

}  // namespace kofn::cuda
