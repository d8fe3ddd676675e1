// SPDX-License-Identifier: Apache-2.0
//
// Streams. Priorities are kept and answered; they do not change the order, which is random within the rules.
#include <algorithm>

#include "driver/capture.hpp"
#include "driver/driver.hpp"

namespace kofn::driver {
namespace {

CUresult createStream(Entry entry, CUstream* stream, unsigned flags, int priority) {
  return call(entry, Need::Context, [&](Call& c) {
    requirePointer(stream, "phStream");
    if (flags & ~1u) fail(CUDA_ERROR_INVALID_VALUE, "Flags is ", flags, "; allowed: 0 (default), 1 (non-blocking)");
    auto made = std::make_shared<Stream>();
    made->context = c.context;
    made->nonBlocking = flags & CU_STREAM_NON_BLOCKING;
    made->priority = std::clamp(priority, -5, 0);
    made->id = ++c.driver.ids;
    made->lane = c.driver.scheduler.newLane();
    c.driver.handles.add(Kind::Stream, made, c.site());
    c.context->streams.insert(made);
    *stream = handleOf<CUstream>(*made);
  });
}

// Calls that ask about or wait for a stream spoil its capture.
void refuseCaptured(Stream& stream, const char* what) {
  if (!stream.capture) return;
  stream.capture->spoil(std::string(what) + " on the capturing stream");
  fail(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, what, " is not possible while the stream is being captured");
}

// A stream destroyed with work queued keeps its place in the order until that work is done.
void forgetDrained(Driver& driver, Context& context) {
  std::erase_if(context.draining, [&](const std::shared_ptr<Stream>& stream) {
    if (stream->last && !stream->last->done) return false;
    driver.scheduler.retireLane(stream->lane);
    return true;
  });
}

CUresult queueHostFunction(Entry entry, CUstream stream, bool evenAfterFault, std::function<void(Context&)> function) {
  return call(entry, Need::Context, [&](Call& c) {
    if (!function) fail(CUDA_ERROR_INVALID_VALUE, "the host function is null");
    auto on = c.stream(stream);
    enqueue(c.context, *on, {CU_GRAPH_NODE_TYPE_HOST, "host function",
                             [function](Operation& operation) { runHostFunction([&] { function(*operation.context); }); }, evenAfterFault});
  });
}

}  // namespace
}  // namespace kofn::driver

namespace kofn::cuda {
using namespace kofn::driver;

CUresult cuStreamCreate(CUstream* stream, unsigned flags) { return createStream(Entry::cuStreamCreate, stream, flags, 0); }

CUresult cuStreamCreateWithPriority(CUstream* stream, unsigned flags, int priority) {
  return createStream(Entry::cuStreamCreateWithPriority, stream, flags, priority);
}

CUresult cuStreamDestroy_v2(CUstream stream) {
  return call(Entry::cuStreamDestroy_v2, Need::Context, [&](Call& c) {
    const auto number = reinterpret_cast<std::uintptr_t>(stream);
    if (number <= kStreamPerThread) fail(CUDA_ERROR_INVALID_HANDLE, "a default stream cannot be destroyed");
    auto object = c.object<Stream>(stream);
    if (object->capture) object->capture->spoil("a stream that takes part was destroyed");
    c.driver.handles.remove(*object, c.site());
    c.context->streams.erase(object);
    c.context->draining.push_back(object);   // returns at once; what is queued still runs
    forgetDrained(c.driver, *c.context);
  });
}

CUresult cuStreamSynchronize(CUstream stream) {
  return call(Entry::cuStreamSynchronize, Need::Context, [&](Call& c) {
    auto on = c.stream(stream);
    refuseCaptured(*on, "waiting");
    waitForStream(*c.context, *on);
    forgetDrained(c.driver, *c.context);
  });
}

CUresult cuStreamQuery(CUstream stream) {
  return call(Entry::cuStreamQuery, Need::Context, [&](Call& c) {
    auto on = c.stream(stream);
    refuseCaptured(*on, "a query");
    bool done = true;
    for (const OperationPtr& one : predecessors(*c.context, *on)) done &= c.driver.scheduler.poll(one);
    throwFault(*c.context);
    return done ? CUDA_SUCCESS : CUDA_ERROR_NOT_READY;
  });
}

CUresult cuStreamWaitEvent(CUstream stream, CUevent event, unsigned flags) {
  return call(Entry::cuStreamWaitEvent, Need::Context, [&](Call& c) {
    auto on = c.stream(stream);
    auto awaited = c.object<Event>(event, true);
    if (flags & ~1u) fail(CUDA_ERROR_INVALID_VALUE, "Flags is ", flags, "; allowed: 0, 1 (external)");
    if (awaited->capture) {   // the stream joins the capture that the event was recorded in
      if (on->legacy) fail(CUDA_ERROR_STREAM_CAPTURE_IMPLICIT, "the legacy default stream cannot join a capture");
      if (on->capture && on->capture != awaited->capture) {
        on->capture->spoil("two captures would merge");
        awaited->capture->spoil("two captures would merge");
        fail(CUDA_ERROR_STREAM_CAPTURE_MERGE, "the event was recorded in another capture than the stream is in");
      }
      if (awaited->capture->spoiled) fail(CUDA_ERROR_STREAM_CAPTURE_INVALIDATED, "the event's capture was spoiled: ", awaited->capture->reason);
      if (!on->capture) {
        on->capture = awaited->capture;
        on->capture->streams.push_back(on);
      }
      for (const std::size_t tip : awaited->captureTips)
        if (std::find(on->captureTips.begin(), on->captureTips.end(), tip) == on->captureTips.end()) on->captureTips.push_back(tip);
      return;
    }
    if (on->capture) {
      on->capture->spoil("it waited for an event from outside");
      fail(CUDA_ERROR_STREAM_CAPTURE_ISOLATION, "a capturing stream cannot wait for an event that was recorded outside its capture");
    }
    if (!awaited->record) return;   // never recorded: nothing to wait for
    submitTo(c.context, *on, {CU_GRAPH_NODE_TYPE_WAIT_EVENT, "wait for an event", {}}, {awaited->record->operation});
  });
}

CUresult cuLaunchHostFunc(CUstream stream, CUhostFn function, void* userData) {
  return queueHostFunction(Entry::cuLaunchHostFunc, stream, false,
                           function ? [=](Context&) { function(userData); } : std::function<void(Context&)>());
}

CUresult cuStreamAddCallback(CUstream stream, CUstreamCallback callback, void* userData, unsigned flags) {
  if (flags) {
    return call(Entry::cuStreamAddCallback, Need::Context,
                [&](Call&) { fail(CUDA_ERROR_INVALID_VALUE, "flags is ", flags, "; only 0 is defined"); });
  }
  return queueHostFunction(Entry::cuStreamAddCallback, stream, true,
                           callback ? [=](Context& context) { callback(stream, static_cast<CUresult>(context.fault), userData); }
                                    : std::function<void(Context&)>());
}

CUresult cuStreamGetFlags(CUstream stream, unsigned* flags) {
  return call(Entry::cuStreamGetFlags, Need::Context, [&](Call& c) {
    requirePointer(flags, "flags");
    *flags = c.stream(stream)->nonBlocking ? CU_STREAM_NON_BLOCKING : CU_STREAM_DEFAULT;
  });
}

CUresult cuStreamGetPriority(CUstream stream, int* priority) {
  return call(Entry::cuStreamGetPriority, Need::Context, [&](Call& c) {
    requirePointer(priority, "priority");
    *priority = c.stream(stream)->priority;
  });
}

CUresult cuStreamGetCtx(CUstream stream, CUcontext* context) {
  return call(Entry::cuStreamGetCtx, Need::Context, [&](Call& c) {
    requirePointer(context, "pctx");
    *context = handleOf<CUcontext>(*c.stream(stream, true)->context.lock());
  });
}

CUresult cuStreamGetId(CUstream stream, unsigned long long* id) {
  return call(Entry::cuStreamGetId, Need::Context, [&](Call& c) {
    requirePointer(id, "streamId");
    *id = c.stream(stream)->id;
  });
}

}  // namespace kofn::cuda
