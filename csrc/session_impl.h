// What a Session holds: its states, and for each graph the context in which it runs. Private to session*.cpp.
// Thread rule: everything here is guarded by Session::Impl::mutex.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "arrays.h"
#include "device_session.h"
#include "execute/executor.h"
#include "program.h"
#include "program_impl.h"
#include "signature.h"
#include "workspace.h"

namespace ingot {

// Everything that a run of one graph needs, allocated before its first run.
struct GraphContext {
  explicit GraphContext(const Signature& graph_signature);

  const Signature* signature;  // the program's
  std::shared_ptr<const PlannedGraph> planned;
  std::unique_ptr<DeviceSession> device;  // null: the processor
  BoundDims upper;                        // of planned, in the signature's order
  RunState state;
  BoundDims dims;   // of the call in progress
  BoundDims bound;  // that state.blocks holds
  bool is_bound = false;
  std::vector<char*> inputs, outputs;
  std::vector<AlignedBuffer> staging;  // per input: room for a copy at the upper bounds, once one was needed
  std::vector<std::uint32_t> copied;   // inputs of the last run that were
  std::vector<TaggedExtent> extents;
  bool is_bound_to_dims() const { return is_bound && bound == dims; }
  bool covers_dims() const;
};

struct Session::Impl {
  std::mutex mutex;
  std::shared_ptr<const Program> program;
  std::shared_ptr<const Program::Impl> core;
  std::vector<AlignedBuffer> state_buffers;  // of the processor
  DeviceMemory state_memory;                 // of a device
  std::vector<char*> states;                 // where each lies, in the one or the other
  std::vector<std::unique_ptr<GraphContext>> contexts;
  const GraphContext* last = nullptr;
  bool broken = false;

  void place_states();
  // Waits for runs that are still in progress on a device, but those of `besides`, whose order is its own.
  void finish_runs(const GraphContext* besides = nullptr) const;
  void reset_states();
  std::size_t state_bytes(std::size_t state) const;
  // All bytes of a state, from or to row-major memory of the host; null: zeros.
  void put_state(std::size_t state, const void* from);
  void get_state(std::size_t state, void* to) const;
  std::size_t state_index(std::string_view name) const;
  GraphContext& context(std::size_t graph);
  void plan_context(std::size_t graph, GraphContext& context, const DimValues& needed);
  // Brings plan and argument blocks to context.dims: nothing to do when they are those of the last call.
  void bind(std::size_t graph, GraphContext& context);
  void check_places(const Signature& signature, std::span<const ArrayRef> inputs,
                    std::span<const ArrayRef> outputs) const;
  RunBuffers buffers_of(const GraphContext& context, const WorkspaceLease& workspace) const;
  // Computes a short graph once, at context.dims.
  void warm_up(GraphContext& context);
  // Needs context.inputs and context.outputs. profile: null, or one entry per step.
  void execute_bound(GraphContext& context, const RunOptions& options, StepProfile* profile);
  void execute_on_device(GraphContext& context, std::span<const ArrayRef> inputs, std::span<const ArrayRef> outputs,
                         const RunOptions& options, StepProfile* profile);
};

}  // namespace ingot
