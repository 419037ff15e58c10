// What Python objects hold. Every handle keeps its module alive; ids are checked against the module at every use,
// because a builder may have added to it. All of them are used under the interpreter lock only.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "graph/graph.h"
#include "plan/plan.h"
#include "program.h"

namespace ingot::python {

using ModulePtr = std::shared_ptr<Module>;

// Numbers of a graph's values in its text form, made on demand and again when the graph has grown.
struct ValueNumbers {
  std::size_t num_values = 0, num_nodes = 0;
  std::vector<std::uint32_t> numbers;
};

struct ModuleHandle {
  ModulePtr module;
  std::shared_ptr<std::vector<ValueNumbers>> numbers = std::make_shared<std::vector<ValueNumbers>>();  // by graph

  ModuleHandle() : module(std::make_shared<Module>()) {}
  explicit ModuleHandle(Module&& m) : module(std::make_shared<Module>(std::move(m))) {}
  // Throws ArgumentError when there is no such graph.
  Graph& graph(std::size_t index) const;
};

struct ValueHandle {
  ModuleHandle owner;
  std::size_t graph;
  ValueId id;
  const Value& value() const;
  std::string name() const;  // as an operand prints it; "%?" while the region that defines it is open
};

struct NodeHandle {
  ModuleHandle owner;
  std::size_t graph;
  NodeId id;
  const Node& node() const;
};

// A region of a node, or the body of a graph when `node` is not valid.
struct RegionHandle {
  ModuleHandle owner;
  std::size_t graph;
  NodeId node;
  std::size_t index;
  const Region& region() const;
};

struct ProgramHandle : std::enable_shared_from_this<ProgramHandle> {
  std::shared_ptr<Program> program;
  ModuleHandle module, optimized;  // copies: what Python does to them does not reach the program
};

struct SessionHandle {
  std::shared_ptr<const ProgramHandle> program;
  std::shared_ptr<Session> session;
};

struct PlanHandle {
  std::shared_ptr<const ProgramHandle> program;
  std::size_t graph;
  Plan plan;
  std::vector<StepWork> works;     // per step
  std::vector<std::string> codes;  // per step of the plan in use on a device; else empty
};

}  // namespace ingot::python
