// SPDX-License-Identifier: Apache-2.0
//
// The order that CUDA gives to work in streams:
//   - a stream runs its work in the order in which it was queued;
//   - work in the legacy default stream starts after everything queued before it in all blocking streams of the context,
//     and what is queued afterwards in those waits for it; a non-blocking stream has no part in this;
//   - a stream that is being captured queues nothing: its work becomes nodes of a graph.
#include <algorithm>

#include "driver/capture.hpp"
#include "driver/driver.hpp"

namespace kofn::driver {
namespace {

// Work in the legacy stream while a blocking stream of the context is captured would have to become part of the capture.
void refuseImplicitDependency(const Context& context, const Stream& stream) {
  if (!stream.legacy) return;
  for (const auto& other : context.allStreams()) {
    if (!other->capture || other->nonBlocking) continue;
    other->capture->spoil("the legacy default stream was used");
    fail(CUDA_ERROR_STREAM_CAPTURE_IMPLICIT, "the legacy default stream was used while a blocking stream is being captured");
  }
}

void addNode(Stream& stream, Work& work) {
  Capture& capture = *stream.capture;
  if (capture.spoiled) fail(CUDA_ERROR_STREAM_CAPTURE_INVALIDATED, "the capture was spoiled before: ", capture.reason);
  capture.graph->nodes.push_back({work.type, std::move(work.what), std::move(work.action), stream.captureTips});
  stream.captureTips = {capture.graph->nodes.size() - 1};
}

}  // namespace

std::vector<OperationPtr> predecessors(const Context& context, const Stream& stream) {
  std::vector<OperationPtr> all;
  if (stream.last) all.push_back(stream.last);
  if (stream.legacy) {
    for (const auto& other : context.allStreams())
      if (!other->nonBlocking && other->last && other.get() != &stream) all.push_back(other->last);
  } else if (!stream.nonBlocking && context.legacy->last) {
    all.push_back(context.legacy->last);
  }
  return all;
}

OperationPtr submitTo(const std::shared_ptr<Context>& context, Stream& stream, Work work, const std::vector<OperationPtr>& further) {
  auto operation = std::make_shared<Operation>();
  operation->what = std::move(work.what);
  operation->context = context;
  operation->action = std::move(work.action);
  operation->evenAfterFault = work.evenAfterFault;
  operation->lane = stream.lane;
  auto before = predecessors(*context, stream);
  before.insert(before.end(), further.begin(), further.end());
  stream.last = operation;
  driver().scheduler.submit(operation, before, driver().config.defer);
  return operation;
}

OperationPtr enqueue(const std::shared_ptr<Context>& context, Stream& stream, Work work) {
  if (stream.capture) {
    addNode(stream, work);
    return nullptr;
  }
  refuseImplicitDependency(*context, stream);
  return submitTo(context, stream, std::move(work));
}

void waitForStream(const Context& context, Stream& stream) {
  refuseImplicitDependency(context, stream);
  for (const OperationPtr& one : predecessors(context, stream)) driver().scheduler.wait(one);
  throwFault(context);
}

void refuseWhileCapturing(Call& c, const char* what) {
  const auto& captures = c.context->captures;
  for (const auto& capture : captures) {
    const bool mine = capture->thread == std::this_thread::get_id();
    if (capture->mode == CU_STREAM_CAPTURE_MODE_RELAXED || (capture->mode == CU_STREAM_CAPTURE_MODE_THREAD_LOCAL && !mine)) continue;
    capture->spoil(std::string(what) + " is unsafe while a stream is being captured");
    fail(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, what, " is unsafe while a stream is being captured");
  }
}

std::shared_ptr<Stream> Call::stream(CUstream handle, bool foreign) const {
  const auto number = reinterpret_cast<std::uintptr_t>(handle);
  if (number == 0 || number == kStreamLegacy) return context->legacy;
  if (number != kStreamPerThread) return object<Stream>(handle, foreign);
  auto& mine = context->perThread[std::this_thread::get_id()];
  if (!mine) {
    mine = std::make_shared<Stream>();
    mine->context = context;
    mine->id = ++driver.ids;
    mine->lane = driver.scheduler.newLane();
  }
  return mine;
}

}  // namespace kofn::driver
