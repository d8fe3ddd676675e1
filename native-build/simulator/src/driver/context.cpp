// SPDX-License-Identifier: Apache-2.0
//
// The life of a context: what it starts with, and how it ends. Ending waits for queued work, reports what was never
// destroyed, and takes it all back.
#include "driver/driver.hpp"
#include "driver/host_memory.hpp"

namespace kofn::driver {
namespace {

std::shared_ptr<Stream> makeLegacyStream(Driver& driver, const std::shared_ptr<Context>& context) {
  auto stream = std::make_shared<Stream>();
  stream->context = context;
  stream->legacy = true;
  stream->id = ++driver.ids;
  stream->lane = driver.scheduler.newLane();
  return stream;
}

void setDefaultLimits(Context& context) {
  context.limits = {{CU_LIMIT_STACK_SIZE, 1024},
                    {CU_LIMIT_PRINTF_FIFO_SIZE, 1 << 20},
                    {CU_LIMIT_MALLOC_HEAP_SIZE, 8 << 20},
                    {CU_LIMIT_DEV_RUNTIME_PENDING_LAUNCH_COUNT, 2048},
                    {CU_LIMIT_MAX_L2_FETCH_GRANULARITY, 64},
                    {CU_LIMIT_PERSISTING_L2_CACHE_SIZE, 0}};
}

void reportLeak(Driver& driver, const char* what, const std::string& details, const std::string& site, const std::string& end) {
  if (driver.config.leakReports)
    driver.report("leak", words(what, details, ", made by ", site, ", still existed when ", end, " ended its context"));
}

template <class Set>
void removeObjects(Driver& driver, Set& objects, const char* what, const std::string& end, bool isLeak) {
  for (const auto& object : objects) {
    if (isLeak) reportLeak(driver, what, "", object->site, end);
    driver.handles.remove(*object, end);
  }
  objects.clear();
}

void releaseMemory(Driver& driver, const std::shared_ptr<Context>& context, const std::string& end) {
  Device& device = *context->device;
  std::vector<std::uint64_t> mine;
  for (const auto& [address, block] : device.blocks)
    if (block.owner.lock() == context) mine.push_back(address);
  for (const std::uint64_t address : mine) {
    const MemoryBlock& block = device.blocks.at(address);
    reportLeak(driver, "device memory", words(" at ", hex(address), ", ", block.bytes, " bytes, allocation ", block.index), block.site, end);
    releaseBlock(driver, device, address);
  }
  mine.clear();
  for (const auto& [address, block] : driver.hostBlocks)
    if (block.owner.lock() == context) mine.push_back(address);
  for (const std::uint64_t address : mine) {
    const HostBlock& block = driver.hostBlocks.at(address);
    reportLeak(driver, block.registered ? "registered host memory" : "pinned host memory",
               words(" at ", hex(address), ", ", block.bytes, " bytes, allocation ", block.index), block.site, end);
    releaseHostBlock(driver, address);
  }
}

}  // namespace

std::shared_ptr<Context> makeContext(Call& c, Device& device, unsigned flags, bool primary) {
  auto context = std::make_shared<Context>();
  context->device = &device;
  context->primary = primary;
  context->flags = flags | CU_CTX_MAP_HOST;
  context->id = ++c.driver.ids;
  context->legacy = makeLegacyStream(c.driver, context);
  setDefaultLimits(*context);
  c.driver.handles.add(Kind::Context, context, c.site());
  return context;
}

void endContext(Driver& driver, const std::shared_ptr<Context>& context, const std::string& end, bool keepHandle) {
  driver.scheduler.waitAll(*context);   // after a fault this only empties the queue
  for (const auto& module : context->modules)
    for (const auto& [name, function] : module->functions) driver.handles.remove(*function, end);
  removeObjects(driver, context->executables, "an executable graph", end, true);
  removeObjects(driver, context->modules, "a module", end, true);
  removeObjects(driver, context->streams, "a stream", end, true);
  removeObjects(driver, context->events, "an event", end, true);
  releaseMemory(driver, context, end);
  for (const auto& stream : context->allStreams()) driver.scheduler.retireLane(stream->lane);
  context->perThread.clear();
  context->draining.clear();
  context->captures.clear();
  context->fault = 0;
  context->faultText.clear();
  if (keepHandle) {
    context->legacy = makeLegacyStream(driver, context);
    setDefaultLimits(*context);
  } else {
    context->ended = true;
    driver.handles.remove(*context, end);
  }
}

}  // namespace kofn::driver
