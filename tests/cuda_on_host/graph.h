// Graphs: their nodes form a chain here, and stand in that order. All of it is guarded by device_mutex().
#pragma once

#include <deque>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "emulator.h"

struct CUgraphNode_st {
  CUgraph_st* graph;
  std::size_t index;
};

struct CUgraph_st {
  cuda_on_host::Nodes nodes;
  std::deque<CUgraphNode_st> handles;  // of every node
  std::deque<cudaGraph_t> bodies;      // of conditional nodes; owned
  bool is_body = false;
  int num_executables = 0;

  void add(cuda_on_host::Work work);
};

struct CUgraphExec_st {
  cuda_on_host::Executable executable;  // a launch keeps what it found
  CUgraph_st* origin;                   // names the nodes for as long as it lives
};

namespace cuda_on_host {

std::set<const CUgraph_st*>& graphs();
CUgraph_st* make_graph();
void destroy(CUgraph_st* graph);
// What comes next in a chain depends on its last node.
cudaError_t check_behind_last(const CUgraph_st& graph, const cudaGraphNode_t* dependencies,
                              std::size_t num_dependencies);
void forget_conditions(const CUgraph_st* graph);  // the graph is about to go; what it was instantiated as keeps them
// The graph as it is now. Fails where the device would refuse it: a condition without a node, nodes that a body may not
// have, a second executable of a graph with conditions.
cudaError_t make_executable(const CUgraph_st& graph, Executable* executable);

// What is left to run of a graph.
class GraphRun {
 public:
  explicit GraphRun(Executable executable);
  bool is_done() const { return frames_.empty(); }
  std::string step();  // one node

 private:
  struct Frame {
    std::shared_ptr<const Nodes> nodes;
    std::size_t next;
    unsigned long long repeats;  // while this condition holds; 0: once
  };
  Executable executable_;
  std::vector<Frame> frames_;
};

}  // namespace cuda_on_host
