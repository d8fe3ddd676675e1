// SPDX-License-Identifier: Apache-2.0
//
// Loading code: PTX, fatbins, libraries, and everything that is not one of them. Each refusal is the documented result, with
// a log that says why, and leaves no memory allocated.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <thread>

#include "driver_test.hpp"
#include "fatbins.hpp"

namespace {

using fatbins::Entry;

struct Loaded {
  CUresult result;
  std::string log;
};

// Loads, returns result and error log, and unloads.
Loaded load(const void* image) {
  char error[2000] = "unset", info[100];
  int options[] = {CU_JIT_ERROR_LOG_BUFFER, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES, CU_JIT_INFO_LOG_BUFFER, CU_JIT_INFO_LOG_BUFFER_SIZE_BYTES};
  void* values[] = {error, reinterpret_cast<void*>(sizeof error), info, reinterpret_cast<void*>(sizeof info)};
  CUmodule module = nullptr;
  std::size_t before = 0, after = 0, total = 0;
  OK(cuMemGetInfo_v2(&before, &total));
  const CUresult result = cuModuleLoadDataEx(&module, image, 4, options, values);
  CHECK((result == CUDA_SUCCESS) == (module != nullptr));
  if (module) OK(cuModuleUnload(module));
  OK(cuMemGetInfo_v2(&after, &total));
  CHECK_EQ(before, after);
  CHECK_EQ(std::string(error).size() + (*error ? 1 : 0), reinterpret_cast<std::size_t>(values[1]));
  return {result, error};
}

void refused(const std::string& image, CUresult code, const char* because) {
  const Loaded loaded = load(image.data());
  EXPECT(loaded.result, code);
  if (loaded.log.find(because) == std::string::npos) check::fail(__FILE__, __LINE__, "the log does not say \"" + std::string(because) + "\": " + loaded.log);
}

bool hasKernel(CUmodule module, const char* name) {
  CUfunction function = nullptr;
  return cuModuleGetFunction(&function, module, name) == CUDA_SUCCESS;
}

}  // namespace

TEST("PTX text loads; its kernels and globals are found by name") {
  Session session;
  CUmodule module = nullptr;
  OK(cuModuleLoadData(&module, kKernels));
  CUfunction function = nullptr, again = nullptr;
  OK(cuModuleGetFunction(&function, module, "store"));
  OK(cuModuleGetFunction(&again, module, "store"));
  CHECK(function == again);
  EXPECT(cuModuleGetFunction(&function, module, "stor"), CUDA_ERROR_NOT_FOUND);
  CHECK(lastMessage().find("copy_word") != std::string::npos);   // says what there is
  EXPECT(cuModuleGetFunction(&function, module, nullptr), CUDA_ERROR_INVALID_VALUE);
  EXPECT(cuModuleGetFunction(nullptr, module, "store"), CUDA_ERROR_INVALID_VALUE);
  unsigned count = 0;
  OK(cuModuleGetFunctionCount(&count, module));
  CHECK_EQ(count, 5u);
  CUdeviceptr address = 0;
  std::size_t bytes = 0;
  OK(cuModuleGetGlobal_v2(&address, &bytes, module, "table"));
  CHECK_EQ(bytes, std::size_t{16});
  std::uint32_t words[4] = {};
  OK(cuMemcpyDtoH_v2(words, address, 16));
  CHECK_EQ(words[3], 4u);
  EXPECT(cuModuleGetGlobal_v2(&address, &bytes, module, "tables"), CUDA_ERROR_NOT_FOUND);
  CUmodule owner = nullptr;
  OK(cuFuncGetModule(&owner, again));
  CHECK(owner == module);
  OK(cuModuleUnload(module));
  EXPECT(cuModuleUnload(module), CUDA_ERROR_INVALID_HANDLE);
  EXPECT(launchOne(again, nullptr, CUdeviceptr{0}, 0u), CUDA_ERROR_INVALID_HANDLE);
  EXPECT(cuModuleGetFunction(&function, module, "store"), CUDA_ERROR_INVALID_HANDLE);
}

TEST("a fatbin gives the newest PTX that the device runs") {
  Session session;
  CUmodule module = nullptr;
  const std::string both = fatbins::container({{2, 80, "\177ELF machine code"},
                                               {1, 70, fatbins::ptx("for70", "sm_70")},
                                               {1, 80, fatbins::ptx("for80", "sm_80")},
                                               {1, 90, fatbins::ptx("for90", "sm_90")}});
  OK(cuModuleLoadFatBinary(&module, both.data()));
  CHECK(hasKernel(module, "for80"));
  OK(cuModuleUnload(module));
  fatbins::Wrapper wrapper;
  wrapper.data = both.data();
  OK(cuModuleLoadFatBinary(&module, &wrapper));
  CHECK(hasKernel(module, "for80"));
  OK(cuModuleUnload(module));
  const std::string older = fatbins::container({{1, 70, fatbins::ptx("for70", "sm_70")}, {1, 90, fatbins::ptx("for90a", "sm_90a")}});
  OK(cuModuleLoadData(&module, older.data()));
  CHECK(hasKernel(module, "for70"));
  OK(cuModuleUnload(module));
}

TEST("fatbins that cannot run say why") {
  Session session;
  refused(fatbins::container({{2, 80, "\177ELF machine code"}}), CUDA_ERROR_NO_BINARY_FOR_GPU, "machine code for sm_80");
  refused(fatbins::container({}), CUDA_ERROR_NO_BINARY_FOR_GPU, "nothing");
  refused(fatbins::container({{1, 90, fatbins::ptx("k", "sm_90")}}), CUDA_ERROR_NO_BINARY_FOR_GPU, "PTX for 90");
  refused(fatbins::container({{1, 80, std::string("(\265/\375"), 0x8011}}), CUDA_ERROR_NO_BINARY_FOR_GPU, "--no-compress");
  refused(fatbins::container({{1, 80, "x", 0x2011}}), CUDA_ERROR_NO_BINARY_FOR_GPU, "compressed");
  std::string longer = fatbins::container({{1, 80, fatbins::ptx("k")}});
  longer[16 + 8] = char(0xf0);   // the entry's length
  refused(longer, CUDA_ERROR_INVALID_IMAGE, "entry 1");
  std::string small = fatbins::container({{1, 80, fatbins::ptx("k")}});
  small[6] = 3;                  // the header's length
  refused(small, CUDA_ERROR_INVALID_IMAGE, "header of 3");
}

TEST("an image that is cut off by the end of memory is refused, not fatal") {
  Session session;
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  char* memory = static_cast<char*>(mmap(nullptr, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  OK(mprotect(memory + page, page, PROT_NONE) ? CUDA_ERROR_UNKNOWN : CUDA_SUCCESS);
  const std::string whole = fatbins::container({{1, 80, fatbins::ptx("k")}});
  for (const std::size_t kept : {std::size_t{4}, std::size_t{15}, std::size_t{16}, std::size_t{40}, whole.size() - 1}) {
    char* image = memory + page - kept;
    std::memcpy(image, whole.data(), kept);
    const Loaded loaded = load(image);
    CHECK(loaded.result == CUDA_ERROR_INVALID_IMAGE);
    CHECK(!loaded.log.empty());
  }
  const std::string text = ".version 9.0";
  std::memcpy(memory + page - text.size(), text.data(), text.size());
  EXPECT(load(memory + page - text.size()).result, CUDA_ERROR_INVALID_PTX);
  munmap(memory, 2 * page);
}

TEST("text that is not PTX, PTX for other devices, machine code") {
  Session session;
  refused("", CUDA_ERROR_INVALID_IMAGE, "empty");
  refused("\x01\x02\x03 garbage", CUDA_ERROR_INVALID_IMAGE, "neither PTX text nor a fatbin");
  refused("int main() {}", CUDA_ERROR_INVALID_PTX, "ptx:");
  refused(std::string("\177ELF\2\1\1\0machine", 14), CUDA_ERROR_NO_BINARY_FOR_GPU, "machine code");
  refused(fatbins::ptx("k", "sm_90"), CUDA_ERROR_INVALID_PTX, "sm_90 does not run on a device of architecture 80");
  refused(fatbins::ptx("k", "sm_80", "9.9"), CUDA_ERROR_UNSUPPORTED_PTX_VERSION, "newer than 9.0");
  const std::string kernels = kKernels;
  refused(kernels.substr(0, kernels.find("mul.wide")), CUDA_ERROR_INVALID_PTX, "ptx:");
  refused(".version 9.0\n.target sm_80\n.address_size 64\n.visible .entry k()\n{\n  frobnicate.u32 %r1;\n}\n", CUDA_ERROR_INVALID_PTX, "ptx:6:");
  EXPECT(load(nullptr).result, CUDA_ERROR_INVALID_VALUE);
}

TEST("a log buffer that is too small is filled and ended") {
  Session session;
  char small[8];
  std::fill(std::begin(small), std::end(small), 'x');
  int options[] = {CU_JIT_ERROR_LOG_BUFFER, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES};
  void* values[] = {small, reinterpret_cast<void*>(5)};
  CUmodule module = nullptr;
  EXPECT(cuModuleLoadDataEx(&module, "int main() {}", 2, options, values), CUDA_ERROR_INVALID_PTX);
  CHECK_EQ(small[4], '\0');
  CHECK_EQ(small[5], 'x');
  CHECK_EQ(reinterpret_cast<std::size_t>(values[1]), std::size_t{5});
  int unknown[] = {1000};
  EXPECT(cuModuleLoadDataEx(&module, kKernels, 1, unknown, values), CUDA_ERROR_INVALID_VALUE);
  EXPECT(cuModuleLoadDataEx(&module, kKernels, 1, nullptr, nullptr), CUDA_ERROR_INVALID_VALUE);
}

TEST("modules from files") {
  Session session;
  char name[] = "/tmp/kofn_module_test_XXXXXX";
  const int file = mkstemp(name);
  CHECK(file >= 0);
  CHECK(write(file, kKernels, std::strlen(kKernels)) == static_cast<ssize_t>(std::strlen(kKernels)));
  close(file);
  CUmodule module = nullptr;
  OK(cuModuleLoad(&module, name));
  CHECK(hasKernel(module, "store"));
  OK(cuModuleUnload(module));
  unlink(name);
  EXPECT(cuModuleLoad(&module, name), CUDA_ERROR_FILE_NOT_FOUND);
  EXPECT(cuModuleLoad(&module, nullptr), CUDA_ERROR_INVALID_VALUE);
}

TEST("libraries: one load, kernels in every context") {
  Session session;
  CUlibrary library = nullptr;
  CUkernel kernel = nullptr;
  EXPECT(cuLibraryLoadData(&library, "int main() {}", nullptr, nullptr, 0, nullptr, nullptr, 0), CUDA_ERROR_INVALID_PTX);
  OK(cuLibraryLoadData(&library, kKernels, nullptr, nullptr, 0, nullptr, nullptr, 0));
  EXPECT(cuLibraryGetKernel(&kernel, library, "nothing"), CUDA_ERROR_NOT_FOUND);
  OK(cuLibraryGetKernel(&kernel, library, "store"));
  int value = 0;
  OK(cuKernelSetAttribute(CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, 60000, kernel, 0));
  OK(cuKernelGetAttribute(&value, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, kernel, 0));
  CHECK_EQ(value, 60000);
  CUcontext other = nullptr;
  for (int round = 0; round < 2; ++round) {
    {
      DeviceBytes memory(4);
      OK(launchOne(reinterpret_cast<CUfunction>(kernel), nullptr, memory.address, 5u));   // a kernel is accepted as a function
      CHECK_EQ(memory.word(), 5u);
    }
    if (round == 0) OK(cuCtxCreate_v2(&other, 0, 0));
  }
  OK(cuCtxDestroy_v2(other));
  CUfunction function = nullptr;
  CUmodule module = nullptr;
  OK(cuKernelGetFunction(&function, kernel));
  OK(cuLibraryGetModule(&module, library));
  EXPECT(cuModuleUnload(module), CUDA_ERROR_INVALID_HANDLE);
  OK(cuLibraryUnload(library));
  EXPECT(cuLibraryUnload(library), CUDA_ERROR_INVALID_HANDLE);
  EXPECT(cuKernelGetFunction(&function, kernel), CUDA_ERROR_INVALID_HANDLE);
  EXPECT(launchOne(function, nullptr, CUdeviceptr{0}, 5u), CUDA_ERROR_INVALID_HANDLE);
}

TEST("a kernel of a library runs in its stream's context, whatever is current") {
  Session session;
  CUlibrary library = nullptr;
  CUkernel kernel = nullptr;
  OK(cuLibraryLoadData(&library, kKernels, nullptr, nullptr, 0, nullptr, nullptr, 0));
  OK(cuLibraryGetKernel(&kernel, library, "store"));
  const auto asFunction = reinterpret_cast<CUfunction>(kernel);
  CUfunction function = nullptr;
  OK(cuKernelGetFunction(&function, kernel));
  CUstream stream = nullptr, foreign = nullptr;
  OK(cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING));
  DeviceBytes memory(4);
  std::thread([&] {   // a thread starts without a context
    OK(launchOne(asFunction, stream, memory.address, 6u));
    CUcontext current = session.context;
    OK(cuCtxGetCurrent(&current));
    CHECK(current == nullptr);   // and the launch has set none
    EXPECT(launchOne(asFunction, nullptr, memory.address, 7u), CUDA_ERROR_INVALID_CONTEXT);
    for (const std::uintptr_t special : {kStreamLegacy, kStreamPerThread})
      EXPECT(launchOne(asFunction, reinterpret_cast<CUstream>(special), memory.address, 7u), CUDA_ERROR_INVALID_CONTEXT);
    EXPECT(launchOne(function, stream, memory.address, 7u), CUDA_ERROR_INVALID_CONTEXT);
  }).join();
  OK(cuStreamSynchronize(stream));
  CHECK_EQ(memory.word(), 6u);
  CUcontext other = nullptr;
  OK(cuCtxCreate_v2(&other, 0, 0));   // now current
  OK(launchOne(asFunction, stream, memory.address, 8u));
  EXPECT(launchOne(function, stream, memory.address, 9u), CUDA_ERROR_INVALID_HANDLE);   // a function's context must be current
  OK(cuStreamCreate(&foreign, CU_STREAM_NON_BLOCKING));
  OK(cuCtxDestroy_v2(other));
  OK(cuStreamSynchronize(stream));
  CHECK_EQ(memory.word(), 8u);
  EXPECT(launchOne(asFunction, foreign, memory.address, 9u), CUDA_ERROR_INVALID_HANDLE);
  OK(cuStreamDestroy_v2(stream));
  EXPECT(launchOne(asFunction, stream, memory.address, 9u), CUDA_ERROR_INVALID_HANDLE);
  OK(cuLibraryUnload(library));
}

TEST_MAIN
