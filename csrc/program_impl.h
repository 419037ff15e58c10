// What a Program holds, and how plans of its graphs come about. Private to program*.cpp and session.cpp.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "device/device_plan.h"
#include "device_data.h"
#include "execute/bind.h"
#include "program.h"
#include "signature.h"
#include "workspace.h"

namespace ingot {

// A plan of one graph that is good for dims up to `bounds`.
struct PlannedGraph {
  std::unique_ptr<const CompiledPlan> compiled;
  DimValues bounds;
  std::int64_t scratch_stride = 0;                // bytes per thread
  std::int64_t shared_offset = 0;                 // of what threads share, behind all scratch
  std::int64_t workspace_bytes = 0;               // arena, then the threads' scratch or the device's workspace
  std::shared_ptr<const DevicePlan> device_plan;  // null: the processor's
  DeviceAddresses device_data;
};

struct GraphProgram {
  Signature signature;
  const Graph* graph = nullptr;  // optimized
  std::mutex growth;
  std::shared_ptr<const PlannedGraph> current;  // guarded by growth; replaced when a dim without bound outgrows it
};

struct Program::Impl {
  std::shared_ptr<const Module> given;
  CompileOptions options;
  std::shared_ptr<const Device> device;  // null: the processor
  std::vector<std::string> left_out;   // passes: those that the caller disabled, and those that a device has no use for
  const KernelTable* level = nullptr;  // of a device too: what folds constants
  std::uint32_t freedoms = 0;          // DeviceFreedom
  ParallelPolicy policy;
  CompileTimes times;
  Module optimized;           // dims fixed, data as kernels read it
  std::vector<char*> params;  // by index of optimized.params
  std::int64_t memory_limit = 0, state_bytes = 0;
  mutable std::vector<std::unique_ptr<GraphProgram>> graphs;
  mutable WorkspacePool workspaces;

  Impl(std::shared_ptr<const Module> module, const CompileOptions& compile_options);

  GraphProgram& graph(std::size_t index) const;  // ArgumentError past the end
  // Throws LimitError when the plan needs more memory than the limit.
  Plan plan_for(const GraphProgram& graph, const DimValues& bounds) const;
  std::shared_ptr<const PlannedGraph> current(GraphProgram& graph) const;
  // A plan that covers `needed`, which has a value for every dim of the graph.
  std::shared_ptr<const PlannedGraph> planned_for(GraphProgram& graph, const DimValues& needed) const;

 private:
  std::shared_ptr<const PlannedGraph> make_planned(const GraphProgram& graph, const DimValues& bounds) const;
  bool has_pass(std::string_view name) const;
  // Kernels' own memory: the threads' scratch, or a device's workspace. None where that overflows.
  std::optional<std::int64_t> prepare_kernels(PlannedGraph& planned, const ArgumentBlocks& blocks) const;

  std::unique_ptr<DeviceData> device_data_;  // of a device
};

}  // namespace ingot
