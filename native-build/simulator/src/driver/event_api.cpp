// SPDX-License-Identifier: Apache-2.0
//
// Events. An event is complete when the operation that recorded it last has run. Elapsed time is host time between the two
// moments at which the simulator reached the records: never negative, and no statement about a GPU.
#include "driver/capture.hpp"
#include "driver/driver.hpp"

namespace kofn::driver {
namespace {

CUresult record(Entry entry, CUevent event, CUstream stream, unsigned flags) {
  return call(entry, Need::Context, [&](Call& c) {
    auto object = c.object<Event>(event);
    auto on = c.stream(stream);
    if (flags & ~1u) fail(CUDA_ERROR_INVALID_VALUE, "flags is ", flags, "; allowed: 0, 1 (external)");
    if (on->capture) {
      if (on->capture->spoiled) fail(CUDA_ERROR_STREAM_CAPTURE_INVALIDATED, "the capture was spoiled: ", on->capture->reason);
      object->capture = on->capture;   // a mark in the graph: no node of its own
      object->captureTips = on->captureTips;
      return;
    }
    object->capture = nullptr;
    auto made = std::make_shared<Event::Record>();
    made->operation = enqueue(c.context, *on, {CU_GRAPH_NODE_TYPE_EVENT_RECORD, "event record", [made](Operation&) {
                                                 made->time = std::chrono::steady_clock::now();
                                               }});
    object->record = made;
  });
}

void refuseCaptured(const Event& event) {
  if (event.capture) fail(CUDA_ERROR_CAPTURED_EVENT, "the event was recorded last in a capturing stream");
}

const Event::Record& timed(const Event& event, const char* argument) {
  refuseCaptured(event);
  if (event.flags & CU_EVENT_DISABLE_TIMING) fail(CUDA_ERROR_INVALID_HANDLE, argument, " was created without timing");
  if (!event.record) fail(CUDA_ERROR_INVALID_HANDLE, argument, " was never recorded");
  return *event.record;
}

CUresult elapsed(Entry entry, float* milliseconds, CUevent start, CUevent end) {
  return call(entry, Need::Context, [&](Call& c) {
    requirePointer(milliseconds, "pMilliseconds");
    const Event::Record& from = timed(*c.object<Event>(start), "hStart");
    const Event::Record& to = timed(*c.object<Event>(end), "hEnd");
    if (!from.operation->done || !to.operation->done) return CUDA_ERROR_NOT_READY;
    *milliseconds = std::chrono::duration<float, std::milli>(to.time - from.time).count();
    return CUDA_SUCCESS;
  });
}

}  // namespace
}  // namespace kofn::driver

namespace kofn::cuda {
using namespace kofn::driver;

CUresult cuEventCreate(CUevent* event, unsigned flags) {
  return call(Entry::cuEventCreate, Need::Context, [&](Call& c) {
    requirePointer(event, "phEvent");
    if (flags & ~7u) fail(CUDA_ERROR_INVALID_VALUE, "Flags ", hex(flags), " has bits outside 0x7");
    if (flags & CU_EVENT_INTERPROCESS) fail(CUDA_ERROR_NOT_SUPPORTED, "events cannot be shared between processes");
    auto made = std::make_shared<Event>();
    made->context = c.context;
    made->flags = flags;
    c.driver.handles.add(Kind::Event, made, c.site());
    c.context->events.insert(made);
    *event = handleOf<CUevent>(*made);
  });
}

CUresult cuEventRecord(CUevent event, CUstream stream) { return record(Entry::cuEventRecord, event, stream, 0); }

CUresult cuEventRecordWithFlags(CUevent event, CUstream stream, unsigned flags) {
  return record(Entry::cuEventRecordWithFlags, event, stream, flags);
}

CUresult cuEventQuery(CUevent event) {
  return call(Entry::cuEventQuery, Need::Context, [&](Call& c) {
    auto object = c.object<Event>(event);
    refuseCaptured(*object);
    const bool done = !object->record || c.driver.scheduler.poll(object->record->operation);
    throwFault(*c.context);
    return done ? CUDA_SUCCESS : CUDA_ERROR_NOT_READY;
  });
}

CUresult cuEventSynchronize(CUevent event) {
  return call(Entry::cuEventSynchronize, Need::Context, [&](Call& c) {
    auto object = c.object<Event>(event);
    refuseCaptured(*object);
    if (object->record) c.driver.scheduler.wait(object->record->operation);
    throwFault(*c.context);
  });
}

CUresult cuEventDestroy_v2(CUevent event) {
  return call(Entry::cuEventDestroy_v2, Need::Context, [&](Call& c) {
    auto object = c.object<Event>(event);
    c.driver.handles.remove(*object, c.site());
    c.context->events.erase(object);
  });
}

CUresult cuEventElapsedTime(float* milliseconds, CUevent start, CUevent end) {
  return elapsed(Entry::cuEventElapsedTime, milliseconds, start, end);
}

CUresult cuEventElapsedTime_v2(float* milliseconds, CUevent start, CUevent end) {
  return elapsed(Entry::cuEventElapsedTime_v2, milliseconds, start, end);
}

}  // namespace kofn::cuda
