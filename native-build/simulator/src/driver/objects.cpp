// SPDX-License-Identifier: Apache-2.0
#include "driver/objects.hpp"

#include "driver/driver.hpp"

namespace kofn::driver {

MemoryBlock* Device::blockAt(std::uint64_t address) {
  auto it = blocks.upper_bound(address);
  if (it == blocks.begin()) return nullptr;
  MemoryBlock& block = std::prev(it)->second;
  return address - block.address < block.bytes ? &block : nullptr;
}

HostBlock* Driver::hostBlockAt(std::uint64_t address) {
  auto it = hostBlocks.upper_bound(address);
  if (it == hostBlocks.begin()) return nullptr;
  HostBlock& block = std::prev(it)->second;
  return address - block.address < block.bytes ? &block : nullptr;
}

std::vector<std::shared_ptr<Stream>> Context::allStreams() const {
  std::vector<std::shared_ptr<Stream>> all{legacy};
  for (const auto& [thread, stream] : perThread) all.push_back(stream);
  all.insert(all.end(), streams.begin(), streams.end());
  all.insert(all.end(), draining.begin(), draining.end());
  return all;
}

std::vector<OperationPtr> Context::lastOperations() const {
  std::vector<OperationPtr> all;
  for (const auto& stream : allStreams())
    if (stream->last) all.push_back(stream->last);
  return all;
}

void Context::setFault(int code, std::string text) {
  if (fault) return;   // the first one is the one that is told
  fault = code;
  faultText = std::move(text);
}

}  // namespace kofn::driver
