// SPDX-License-Identifier: Apache-2.0
//
// Graphs made by stream capture: they do what the streams would have done, as often as they are launched; and what spoils
// a capture.
#include "driver_test.hpp"

namespace {

struct Fixture : Session {
  Kernels kernels;
  CUstream a = nullptr, b = nullptr;
  CUevent fork = nullptr, join = nullptr;
  Fixture() {
    OK(cuStreamCreate(&a, CU_STREAM_NON_BLOCKING));
    OK(cuStreamCreate(&b, CU_STREAM_NON_BLOCKING));
    OK(cuEventCreate(&fork, 0));
    OK(cuEventCreate(&join, 0));
  }
  ~Fixture() {
    OK(cuStreamDestroy_v2(a));
    OK(cuStreamDestroy_v2(b));
    OK(cuEventDestroy_v2(fork));
    OK(cuEventDestroy_v2(join));
  }
};

}  // namespace

TEST("a captured graph repeats copies, fills and kernels") {
  Fixture f;
  std::uint32_t* pinned = nullptr;
  OK(cuMemHostAlloc(reinterpret_cast<void**>(&pinned), 8, 0));
  {
    DeviceBytes memory(8), target(8);
    OK(cuMemsetD32_v2(memory, 0, 2));
    OK(cuCtxSynchronize());
    OK(cuStreamBeginCapture_v2(f.a, CU_STREAM_CAPTURE_MODE_GLOBAL));
    CUstreamCaptureStatus status = -1;
    OK(cuStreamIsCapturing(f.a, &status));
    CHECK_EQ(status, CU_STREAM_CAPTURE_STATUS_ACTIVE);
    OK(cuMemcpyHtoDAsync_v2(memory, pinned, 4, f.a));
    OK(launchOne(f.kernels["copy_word"], f.a, memory.address, target.address));
    OK(cuMemsetD32Async(target + 4, 77, 1, f.a));
    OK(cuMemcpyDtoHAsync_v2(pinned + 1, target, 4, f.a));
    CUgraph graph = nullptr;
    OK(cuStreamEndCapture(f.a, &graph));
    std::size_t count = 0;
    OK(cuGraphGetNodes(graph, nullptr, &count));
    CHECK_EQ(count, std::size_t{4});
    std::vector<CUgraphNode> nodes(count);
    OK(cuGraphGetNodes(graph, nodes.data(), &count));
    const int types[] = {CU_GRAPH_NODE_TYPE_MEMCPY, CU_GRAPH_NODE_TYPE_KERNEL, CU_GRAPH_NODE_TYPE_MEMSET, CU_GRAPH_NODE_TYPE_MEMCPY};
    for (std::size_t i = 0; i < count; ++i) {
      CUgraphNodeType type = -1;
      OK(cuGraphNodeGetType(nodes[i], &type));
      CHECK_EQ(type, types[i]);
    }
    CUgraphExec exec = nullptr;
    OK(cuGraphInstantiateWithFlags(&exec, graph, 0));
    OK(cuGraphDestroy(graph));
    EXPECT(cuGraphDestroy(graph), CUDA_ERROR_INVALID_HANDLE);
    OK(cuGraphUpload(exec, f.a));
    for (std::uint32_t i = 1; i <= 10; ++i) {
      pinned[0] = i;
      OK(cuGraphLaunch(exec, f.a));
      OK(cuStreamSynchronize(f.a));
      CHECK_EQ(pinned[1], i);
      CHECK_EQ(target.word(1), 77u);
    }
    OK(cuGraphExecDestroy(exec));
    EXPECT(cuGraphLaunch(exec, f.a), CUDA_ERROR_INVALID_HANDLE);
  }
  OK(cuMemFreeHost(pinned));
}

TEST("two branches of a graph join, and launches of one graph do not overlap") {
  Fixture f;
  DeviceBytes log(512);
  OK(cuMemsetD32_v2(log, 0, 1));
  OK(cuCtxSynchronize());
  OK(cuStreamBeginCapture_v2(f.a, CU_STREAM_CAPTURE_MODE_RELAXED));
  OK(launchOne(f.kernels["append"], f.a, log.address, 1u));
  OK(cuEventRecord(f.fork, f.a));
  OK(cuStreamWaitEvent(f.b, f.fork, 0));
  OK(launchOne(f.kernels["append"], f.b, log.address, 2u));
  OK(cuEventRecord(f.join, f.b));
  EXPECT(cuEventQuery(f.join), CUDA_ERROR_CAPTURED_EVENT);
  OK(cuStreamWaitEvent(f.a, f.join, 0));
  OK(launchOne(f.kernels["append"], f.a, log.address, 3u));
  CUgraph graph = nullptr;
  OK(cuStreamEndCapture(f.a, &graph));
  CUgraphExec exec = nullptr;
  CUDA_GRAPH_INSTANTIATE_PARAMS params{};
  OK(cuGraphInstantiateWithParams(&exec, graph, &params));
  CHECK_EQ(params.result_out, 0);
  OK(cuGraphDestroy(graph));
  for (int i = 0; i < 10; ++i) OK(cuGraphLaunch(exec, i % 2 ? f.a : f.b));
  OK(cuCtxSynchronize());
  std::vector<std::uint32_t> words(31);
  OK(cuMemcpyDtoH_v2(words.data(), log, 4 * words.size()));
  CHECK_EQ(words[0], 30u);
  for (std::uint32_t i = 0; i < 30; ++i) CHECK_EQ(words[i + 1], i % 3 + 1);
  CHECK_EQ(reportsWith("race"), 0);
  OK(cuGraphExecDestroy(exec));
}

TEST("what spoils a capture") {
  Fixture f;
  CUgraph graph = nullptr;
  CUdeviceptr address = 0;
  EXPECT(cuStreamBeginCapture_v2(nullptr, 0), CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
  EXPECT(cuStreamBeginCapture_v2(f.a, 5), CUDA_ERROR_INVALID_VALUE);
  EXPECT(cuStreamEndCapture(f.a, &graph), CUDA_ERROR_ILLEGAL_STATE);

  OK(cuStreamBeginCapture_v2(f.a, CU_STREAM_CAPTURE_MODE_GLOBAL));
  EXPECT(cuStreamBeginCapture_v2(f.a, 0), CUDA_ERROR_ILLEGAL_STATE);
  EXPECT(cuMemAlloc_v2(&address, 16), CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
  CUstreamCaptureStatus status = -1;
  OK(cuStreamIsCapturing(f.a, &status));
  CHECK_EQ(status, CU_STREAM_CAPTURE_STATUS_INVALIDATED);
  EXPECT(cuStreamEndCapture(f.a, &graph), CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);
  CHECK(graph == nullptr);

  OK(cuStreamBeginCapture_v2(f.a, CU_STREAM_CAPTURE_MODE_RELAXED));
  OK(cuMemAlloc_v2(&address, 16));   // relaxed lets it pass
  OK(cuMemFree_v2(address));
  EXPECT(cuStreamSynchronize(f.a), CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
  EXPECT(cuStreamEndCapture(f.a, &graph), CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);

  OK(cuStreamBeginCapture_v2(f.a, CU_STREAM_CAPTURE_MODE_RELAXED));
  OK(cuEventRecord(f.fork, f.a));
  OK(cuStreamWaitEvent(f.b, f.fork, 0));
  DeviceBytes memory(4);
  OK(launchOne(f.kernels["store"], f.b, memory.address, 1u));
  EXPECT(cuStreamEndCapture(f.b, &graph), CUDA_ERROR_STREAM_CAPTURE_UNMATCHED);
  EXPECT(cuStreamEndCapture(f.a, &graph), CUDA_ERROR_STREAM_CAPTURE_UNJOINED);

  OK(cuEventRecord(f.join, f.b));
  OK(cuStreamBeginCapture_v2(f.a, CU_STREAM_CAPTURE_MODE_RELAXED));
  EXPECT(cuStreamWaitEvent(f.a, f.join, 0), CUDA_ERROR_STREAM_CAPTURE_ISOLATION);
  EXPECT(cuStreamEndCapture(f.a, &graph), CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);

  CUstream blocking = nullptr;
  OK(cuStreamCreate(&blocking, CU_STREAM_DEFAULT));
  OK(cuStreamBeginCapture_v2(blocking, CU_STREAM_CAPTURE_MODE_RELAXED));
  EXPECT(launchOne(f.kernels["store"], nullptr, memory.address, 1u), CUDA_ERROR_STREAM_CAPTURE_IMPLICIT);
  EXPECT(cuStreamEndCapture(blocking, &graph), CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);
  OK(cuStreamDestroy_v2(blocking));
}

TEST_MAIN
