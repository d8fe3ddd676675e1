// SPDX-License-Identifier: Apache-2.0
//
// The modelled attribute sets, by compute capability. Figures: CUDA C++ Programming Guide, "Compute Capabilities".
#include "engine/engine.hpp"

namespace kofn::sim {
namespace {

struct Row {
  int major, minor, multiprocessors;
  std::uint32_t threadsPerMultiprocessor, blocksPerMultiprocessor, sharedOptinKb, sharedPerMultiprocessorKb;
  std::uint32_t l2Mb;
};

constexpr Row kRows[] = {
    {8, 0, 108, 2048, 32, 163, 164, 40},  {8, 6, 84, 1536, 16, 99, 100, 6},     {8, 9, 128, 1536, 24, 99, 100, 72},
    {9, 0, 132, 2048, 32, 227, 228, 50},  {10, 0, 148, 2048, 32, 227, 228, 126}, {12, 0, 170, 1536, 24, 99, 100, 96},
};

}  // namespace

DeviceProperties propertiesFor(int major, int minor) {
  const Row* best = &kRows[0];
  for (const Row& r : kRows)
    if (r.major * 100 + r.minor <= major * 100 + minor) best = &r;
  DeviceProperties p;
  p.name = "kofn simulated device sm_" + std::to_string(major) + std::to_string(minor);
  p.major = major;
  p.minor = minor;
  p.multiprocessors = best->multiprocessors;
  p.maxThreadsPerMultiprocessor = best->threadsPerMultiprocessor;
  p.maxBlocksPerMultiprocessor = best->blocksPerMultiprocessor;
  p.sharedPerBlockOptin = best->sharedOptinKb * 1024;
  p.sharedPerMultiprocessor = best->sharedPerMultiprocessorKb * 1024;
  p.l2Bytes = std::uint64_t{best->l2Mb} << 20;
  return p;
}

}  // namespace kofn::sim
