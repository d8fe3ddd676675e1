// SPDX-License-Identifier: Apache-2.0
//
// Stream capture: from cuStreamBeginCapture to cuStreamEndCapture a stream, and every stream that joins it through an
// event, records its work into a graph instead of queueing it.
#include <algorithm>

#include "driver/capture.hpp"
#include "driver/driver.hpp"

namespace kofn::driver {
namespace {

thread_local CUstreamCaptureMode t_mode = CU_STREAM_CAPTURE_MODE_GLOBAL;

void requireMode(CUstreamCaptureMode mode) {
  if (mode < CU_STREAM_CAPTURE_MODE_GLOBAL || mode > CU_STREAM_CAPTURE_MODE_RELAXED)
    fail(CUDA_ERROR_INVALID_VALUE, "mode is ", mode, "; allowed: 0 (global), 1 (thread local), 2 (relaxed)");
}

// Whether every node of the graph comes before one of the origin's last nodes.
bool isJoined(const Capture& capture) {
  std::vector<bool> reached(capture.graph->nodes.size());
  std::vector<std::size_t> open = capture.origin->captureTips;
  while (!open.empty()) {
    const std::size_t node = open.back();
    open.pop_back();
    if (reached[node]) continue;
    reached[node] = true;
    const auto& before = capture.graph->nodes[node].dependencies;
    open.insert(open.end(), before.begin(), before.end());
  }
  return std::find(reached.begin(), reached.end(), false) == reached.end();
}

void leaveCapture(Context& context, const std::shared_ptr<Capture>& capture) {
  for (const auto& weak : capture->streams)
    if (auto stream = weak.lock()) {
      stream->capture = nullptr;
      stream->captureTips.clear();
    }
  std::erase(context.captures, capture);
}

}  // namespace
}  // namespace kofn::driver

namespace kofn::cuda {
using namespace kofn::driver;

CUresult cuStreamBeginCapture_v2(CUstream stream, CUstreamCaptureMode mode) {
  return call(Entry::cuStreamBeginCapture_v2, Need::Context, [&](Call& c) {
    requireMode(mode);
    auto on = c.stream(stream);
    if (on->legacy) fail(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, "the legacy default stream cannot be captured");
    if (on->capture) fail(CUDA_ERROR_ILLEGAL_STATE, "the stream is being captured already");
    auto capture = std::make_shared<Capture>();
    capture->graph = std::make_shared<Graph>();
    capture->graph->context = c.context;
    capture->origin = on.get();
    capture->thread = std::this_thread::get_id();
    capture->mode = mode;
    capture->streams.push_back(on);
    on->capture = capture;
    on->captureTips.clear();
    c.context->captures.push_back(capture);
  });
}

CUresult cuStreamEndCapture(CUstream stream, CUgraph* graph) {
  return call(Entry::cuStreamEndCapture, Need::Context, [&](Call& c) {
    requirePointer(graph, "phGraph");
    *graph = nullptr;
    auto on = c.stream(stream);
    auto capture = on->capture;
    if (!capture) fail(CUDA_ERROR_ILLEGAL_STATE, "the stream is not being captured");
    if (capture->origin != on.get()) fail(CUDA_ERROR_STREAM_CAPTURE_UNMATCHED, "the capture began in another stream");
    if (capture->mode != CU_STREAM_CAPTURE_MODE_RELAXED && capture->thread != std::this_thread::get_id())
      fail(CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD, "the capture began in another thread");
    const bool joined = isJoined(*capture);
    leaveCapture(*c.context, capture);
    if (capture->spoiled) fail(CUDA_ERROR_STREAM_CAPTURE_INVALIDATED, "the capture was spoiled: ", capture->reason);
    if (!joined) fail(CUDA_ERROR_STREAM_CAPTURE_UNJOINED, "another stream's captured work was not joined to the stream that began the capture");
    c.driver.handles.add(Kind::Graph, capture->graph, c.site());
    *graph = handleOf<CUgraph>(*capture->graph);
  });
}

CUresult cuStreamIsCapturing(CUstream stream, CUstreamCaptureStatus* status) {
  return call(Entry::cuStreamIsCapturing, Need::Context, [&](Call& c) {
    requirePointer(status, "captureStatus");
    auto on = c.stream(stream);
    if (on->legacy && !c.context->captures.empty())
      for (const auto& other : c.context->allStreams())
        if (other->capture && !other->nonBlocking)
          fail(CUDA_ERROR_STREAM_CAPTURE_IMPLICIT, "the legacy default stream was asked while a blocking stream is being captured");
    *status = !on->capture            ? CU_STREAM_CAPTURE_STATUS_NONE
              : on->capture->spoiled ? CU_STREAM_CAPTURE_STATUS_INVALIDATED
                                     : CU_STREAM_CAPTURE_STATUS_ACTIVE;
  });
}

// The mode that decides which unsafe calls of this thread are refused while *other* captures run. This library judges by
// the mode of each capture; the thread's own is kept and answered.
CUresult cuThreadExchangeStreamCaptureMode(CUstreamCaptureMode* mode) {
  return call(Entry::cuThreadExchangeStreamCaptureMode, Need::Init, [&](Call&) {
    requirePointer(mode, "mode");
    requireMode(*mode);
    std::swap(*mode, t_mode);
  });
}

}  // namespace kofn::cuda
