// SPDX-License-Identifier: Apache-2.0
//
// Libraries: code that belongs to the process. Its PTX is checked when it is loaded; it becomes a module of the context that
// is current then, and of any other one when one of its kernels is first used there.
#include "driver/driver.hpp"
#include "driver/image.hpp"
#include "driver/jit_log.hpp"

namespace kofn::driver {
namespace {

// A bad image is refused here and not at the first launch: it is loaded into the current context, and where there is none
// it is parsed for the first device without keeping anything.
void checkCode(Call& c, Library& library, JitLog& log) {
  const auto current = contextStack().empty() ? nullptr : contextStack().back();
  Device& device = *c.driver.devices.front();
  std::string text;
  if (current && !current->ended && !current->fault) {
    if ((library.modules[current.get()] = loadModule(c, current, library.ptx, text))) return;
  } else if (sim::Module::load(library.ptx, *device.memory, device.properties, text)) {
    return;
  }
  log.error(text);
  fail(CUDA_ERROR_INVALID_PTX, text);
}

CUresult load(Entry entry, CUlibrary* library, const std::function<std::string()>& image, const JitOptions& jit) {
  return call(entry, Need::Init, [&](Call& c) {
    requirePointer(library, "library");
    JitLog log(jit);
    const std::string bytes = image();
    auto made = std::make_shared<Library>();
    try {
      made->ptx = selectPtx(std::as_bytes(std::span(bytes)), {c.driver.config.arch, c.driver.config.driverVersion});
    } catch (const ImageError& error) {
      log.error(error.text);
      fail(error.code, error.text);
    }
    checkCode(c, *made, log);
    c.driver.handles.add(Kind::Library, made, c.site());
    *library = handleOf<CUlibrary>(*made);
  });
}

std::shared_ptr<Module> moduleIn(Call& c, Library& library, const std::shared_ptr<Context>& context) {
  auto& module = library.modules[context.get()];
  if (module && module->context.lock() == context) return module;
  std::string log;
  module = loadModule(c, context, library.ptx, log);
  if (!module) fail(CUDA_ERROR_OUT_OF_MEMORY, "the library cannot be loaded into this context: ", log);
  return module;
}

std::shared_ptr<FunctionObject> functionIn(Call& c, const KernelObject& kernel) {
  auto library = kernel.library.lock();
  if (!library) fail(CUDA_ERROR_INVALID_HANDLE, "the kernel's library was unloaded");
  auto function = functionOf(c, moduleIn(c, *library, c.context), kernel.kernelName);
  if (kernel.maxDynamicShared >= 0) function->maxDynamicShared = kernel.maxDynamicShared;
  return function;
}

// Attributes of a kernel are asked for by device: its primary context serves, retained or not.
template <class F>
CUresult inDevice(Entry entry, CUdevice device, F&& body) {
  return call(entry, Need::Context, [&](Call& c) {
    if (c.device(device).ordinal != c.context->device->ordinal)
      fail(CUDA_ERROR_INVALID_DEVICE, "the current context is on device ", c.context->device->ordinal, ", not on ", device);
    return body(c);
  });
}

}  // namespace

std::shared_ptr<FunctionObject> resolveFunction(Call& c, CUfunction handle) {
  if (isKernel(handle)) return functionIn(c, *c.object<KernelObject>(handle));
  return c.object<FunctionObject>(handle);
}

}  // namespace kofn::driver

namespace kofn::cuda {
using namespace kofn::driver;

CUresult cuLibraryLoadData(CUlibrary* library, const void* code, CUjit_option* jitOptions, void** jitValues, unsigned numJitOptions,
                           CUlibraryOption*, void**, unsigned) {
  return load(Entry::cuLibraryLoadData, library, [&] { return readImage(code, "code"); },
              {numJitOptions, jitOptions, jitValues});
}

CUresult cuLibraryLoadFromFile(CUlibrary* library, const char* fileName, CUjit_option* jitOptions, void** jitValues, unsigned numJitOptions,
                               CUlibraryOption*, void**, unsigned) {
  return load(Entry::cuLibraryLoadFromFile, library, [&] { return readImageFile(fileName, "fileName"); },
              {numJitOptions, jitOptions, jitValues});
}

CUresult cuLibraryUnload(CUlibrary library) {
  return call(Entry::cuLibraryUnload, Need::Init, [&](Call& c) {
    auto object = c.object<Library>(library);
    for (const auto& [key, module] : object->modules) {
      auto context = module ? module->context.lock() : nullptr;
      if (!context || context->ended) continue;
      c.driver.scheduler.waitAll(*context);
      for (const auto& [name, function] : module->functions) c.driver.handles.remove(*function, c.site());
      c.driver.handles.remove(*module, c.site());
    }
    for (const auto& [name, kernel] : object->kernels) c.driver.handles.remove(*kernel, c.site());
    c.driver.handles.remove(*object, c.site());
  });
}

CUresult cuLibraryGetKernel(CUkernel* kernel, CUlibrary library, const char* name) {
  return call(Entry::cuLibraryGetKernel, Need::Context, [&](Call& c) {
    requirePointer(kernel, "pKernel");
    requirePointer(name, "name");
    auto object = c.object<Library>(library);
    functionOf(c, moduleIn(c, *object, c.context), name);   // fails when there is none
    auto& made = object->kernels[name];
    if (!made) {
      made = std::make_shared<KernelObject>();
      made->library = object;
      made->kernelName = name;
      c.driver.handles.add(Kind::Kernel, made, c.site());
    }
    *kernel = handleOf<CUkernel>(*made);
  });
}

CUresult cuLibraryGetModule(CUmodule* module, CUlibrary library) {
  return call(Entry::cuLibraryGetModule, Need::Context, [&](Call& c) {
    requirePointer(module, "pMod");
    *module = handleOf<CUmodule>(*moduleIn(c, *c.object<Library>(library), c.context));
  });
}

CUresult cuKernelGetFunction(CUfunction* function, CUkernel kernel) {
  return call(Entry::cuKernelGetFunction, Need::Context, [&](Call& c) {
    requirePointer(function, "pFunc");
    *function = handleOf<CUfunction>(*functionIn(c, *c.object<KernelObject>(kernel)));
  });
}

CUresult cuKernelGetAttribute(int* value, CUfunction_attribute attribute, CUkernel kernel, CUdevice device) {
  return inDevice(Entry::cuKernelGetAttribute, device, [&](Call& c) {
    requirePointer(value, "pi");
    *value = functionAttribute(*functionIn(c, *c.object<KernelObject>(kernel)), attribute);
  });
}

CUresult cuKernelSetAttribute(CUfunction_attribute attribute, int value, CUkernel kernel, CUdevice device) {
  return inDevice(Entry::cuKernelSetAttribute, device, [&](Call& c) {
    auto object = c.object<KernelObject>(kernel);
    setFunctionAttribute(*functionIn(c, *object), attribute, value);
    if (attribute == CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES) object->maxDynamicShared = value;
  });
}

}  // namespace kofn::cuda
