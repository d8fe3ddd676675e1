// SPDX-License-Identifier: Apache-2.0
//
// Graphs and their execution. Launching queues one operation a node, ordered by the graph's edges, between what the
// stream held before and what it gets afterwards; nodes that the graph does not order run in random order. Launches of one
// executable graph never overlap.
#include <algorithm>

#include "driver/driver.hpp"

namespace kofn::driver {
namespace {

constexpr unsigned long long kInstantiateFlags = 0xf;

void releaseNodes(Call& c, Graph& graph) {
  for (const auto& node : graph.nodeHandles) c.driver.handles.remove(*node, c.site());
  graph.nodeHandles.clear();
}

// Lanes of the vector clock: a node continues its first dependency's lane when it is the first to do so, else begins one.
std::vector<std::uint32_t> lanesOf(Driver& driver, const std::vector<GraphNode>& nodes) {
  std::vector<std::uint32_t> lanes(nodes.size());
  std::vector<bool> continued(nodes.size());
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    for (const std::size_t d : nodes[i].dependencies) {
      if (continued[d]) continue;
      lanes[i] = lanes[d];
      continued[d] = true;
      break;
    }
    if (!lanes[i]) lanes[i] = driver.scheduler.newLane();
  }
  return lanes;
}

std::shared_ptr<GraphExec> instantiate(Call& c, CUgraphExec* exec, CUgraph handle, unsigned long long flags) {
  requirePointer(exec, "phGraphExec");
  auto graph = c.object<Graph>(handle);
  if (flags & ~kInstantiateFlags) fail(CUDA_ERROR_INVALID_VALUE, "flags ", hex(flags), " has bits outside ", hex(kInstantiateFlags));
  if (flags & 4) fail(CUDA_ERROR_NOT_SUPPORTED, "graphs cannot be launched from this device");
  auto made = std::make_shared<GraphExec>();
  made->context = c.context;
  made->nodes = std::make_shared<const std::vector<GraphNode>>(graph->nodes);
  made->lanes = lanesOf(c.driver, *made->nodes);
  c.driver.handles.add(Kind::GraphExec, made, c.site());
  c.context->executables.insert(made);
  *exec = handleOf<CUgraphExec>(*made);
  return made;
}

void launch(Call& c, GraphExec& exec, Stream& stream) {
  if (stream.capture) fail(CUDA_ERROR_NOT_SUPPORTED, "a graph cannot be captured into another one by this device");
  const OperationPtr begin = submitTo(c.context, stream, {CU_GRAPH_NODE_TYPE_EMPTY, "graph begin", {}}, {exec.last});
  const auto& nodes = *exec.nodes;
  std::vector<OperationPtr> operations(nodes.size());
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    auto operation = std::make_shared<Operation>();
    operation->what = nodes[i].what;
    operation->context = c.context;
    operation->action = nodes[i].action;
    operation->lane = exec.lanes[i];
    std::vector<OperationPtr> before{begin};
    for (const std::size_t d : nodes[i].dependencies) before.push_back(operations[d]);
    operations[i] = operation;
    c.driver.scheduler.submit(operation, before, c.driver.config.defer);
  }
  exec.last = submitTo(c.context, stream, {CU_GRAPH_NODE_TYPE_EMPTY, "graph end", {}}, operations);
}

}  // namespace
}  // namespace kofn::driver

namespace kofn::cuda {
using namespace kofn::driver;

CUresult cuGraphDestroy(CUgraph graph) {
  return call(Entry::cuGraphDestroy, Need::Init, [&](Call& c) {
    auto object = c.object<Graph>(graph);
    releaseNodes(c, *object);
    c.driver.handles.remove(*object, c.site());
  });
}

CUresult cuGraphGetNodes(CUgraph graph, CUgraphNode* nodes, std::size_t* count) {
  return call(Entry::cuGraphGetNodes, Need::Init, [&](Call& c) {
    requirePointer(count, "numNodes");
    auto object = c.object<Graph>(graph);
    if (!nodes) {
      *count = object->nodes.size();
      return;
    }
    for (std::size_t i = object->nodeHandles.size(); i < object->nodes.size(); ++i) {
      auto made = std::make_shared<GraphNodeObject>();
      made->type = object->nodes[i].type;
      c.driver.handles.add(Kind::GraphNode, made, c.site());
      object->nodeHandles.push_back(made);
    }
    for (std::size_t i = 0; i < *count; ++i) nodes[i] = i < object->nodes.size() ? handleOf<CUgraphNode>(*object->nodeHandles[i]) : nullptr;
    *count = std::min(*count, object->nodes.size());
  });
}

CUresult cuGraphNodeGetType(CUgraphNode node, CUgraphNodeType* type) {
  return call(Entry::cuGraphNodeGetType, Need::Init, [&](Call& c) {
    requirePointer(type, "type");
    *type = c.object<GraphNodeObject>(node)->type;
  });
}

CUresult cuGraphInstantiateWithFlags(CUgraphExec* exec, CUgraph graph, unsigned long long flags) {
  return call(Entry::cuGraphInstantiateWithFlags, Need::Context, [&](Call& c) { instantiate(c, exec, graph, flags); });
}

CUresult cuGraphInstantiateWithParams(CUgraphExec* exec, CUgraph graph, CUDA_GRAPH_INSTANTIATE_PARAMS* params) {
  return call(Entry::cuGraphInstantiateWithParams, Need::Context, [&](Call& c) {
    requirePointer(params, "instantiateParams");
    params->hErrNode_out = nullptr;
    params->result_out = 1;   // failed, unless what follows succeeds
    instantiate(c, exec, graph, params->flags);
    params->result_out = 0;
  });
}

CUresult cuGraphUpload(CUgraphExec exec, CUstream stream) {
  return call(Entry::cuGraphUpload, Need::Context, [&](Call& c) {
    c.object<GraphExec>(exec);
    c.stream(stream);   // there is nothing to prepare
  });
}

CUresult cuGraphLaunch(CUgraphExec exec, CUstream stream) {
  return call(Entry::cuGraphLaunch, Need::Context, [&](Call& c) {
    auto object = c.object<GraphExec>(exec);
    auto on = c.stream(stream);
    launch(c, *object, *on);
  });
}

CUresult cuGraphExecDestroy(CUgraphExec exec) {
  return call(Entry::cuGraphExecDestroy, Need::Context, [&](Call& c) {
    auto object = c.object<GraphExec>(exec);
    c.driver.handles.remove(*object, c.site());   // launches that are queued keep what they need
    c.context->executables.erase(object);
    std::sort(object->lanes.begin(), object->lanes.end());
    object->lanes.erase(std::unique(object->lanes.begin(), object->lanes.end()), object->lanes.end());
    for (const std::uint32_t lane : object->lanes) c.driver.scheduler.retireLane(lane);
  });
}

}  // namespace kofn::cuda
