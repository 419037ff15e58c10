// The internal C++ API: module -> optimize -> plan -> run; sessions. Bindings, C API and runner stand on it.
// A dim without an upper bound is planned at the largest size seen, at least doubled when it grows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "execute/run_options.h"
#include "graph/graph.h"
#include "plan/plan.h"

namespace ingot {

inline constexpr std::int32_t kHost = -1;

struct CompileOptions {
  std::string device;                 // "" or "cpu"; "cuda", "cuda:1"
  int num_threads = 0;                // 0: every processor of this process
  std::string level;                  // "": the best (or INGOT_LEVEL)
  DimValues dims;                     // fixes dims
  std::int64_t max_memory_bytes = 0;  // of arena and states; 0: 3/4 of the machine's memory, all of the device's
  std::vector<std::string> disabled_passes;
  std::vector<std::string> fast;  // freedoms, of fast_names(); none: the exact bits
  bool verify_passes = false;
  bool always_parallel = false;  // for tests: every step with two tiles uses all threads, however cheap it is
};

// A borrowed array. Strides in bytes; any alignment to the element's size in the host's memory. Bools of a device are 0
// or 1.
struct ArrayRef {
  void* data = nullptr;
  DType dtype = DType::kF32;
  int rank = 0;
  std::int64_t shape[kMaxRank] = {};
  std::int64_t strides[kMaxRank] = {};
  std::int32_t device = kHost;  // or the index of the device in whose memory it lies
};

// A borrowed array that needs no conversion: row-major, aligned to its elements, of the dtype and rank that the graph
// declares at its place.
struct PlainArray {
  void* data;
  const std::int64_t* shape;  // as many sizes as the rank
};

// What one call of a step comes to.
struct StepWork {
  std::int64_t tiles = 0;
  int threads = 1;         // that a run gives it
  std::int64_t flops = 0;  // an op of an element, a multiplication or an addition of a product: 1 each
  std::int64_t bytes = 0;  // read and written, each element once
};

// What one thread of this machine at one level, or a whole device, does at best, as measured in this process.
struct MachineLimits {
  double flops_per_ns = 0;  // fused multiply-adds of float32
  double cached_bytes_per_ns = 0, memory_bytes_per_ns = 0;
  std::int64_t cached_bytes = 0;  // what is taken to stay in the nearer caches
  double launch_ns = 0;           // that starting a step takes a device
  // The least time that the step could take: of its flops and of its bytes, these from memory where they are more than
  // the nearer caches hold.
  double least_ns(const StepWork& work) const;
};

// How long making a program took.
struct CompileTimes {
  std::int64_t total_ns = 0;
  std::int64_t pack_ns = 0;  // of it, laying params as kernels read them
};

class Device;
class Session;

// Thread rule: immutable; every method may be called from any thread.
class Program : public std::enable_shared_from_this<Program> {
 public:
  // `module` must have passed verify. Throws DTypeError naming the node that no kernel can run, LimitError,
  // ArgumentError, DeviceError where there is no such device.
  static std::shared_ptr<Program> compile(std::shared_ptr<const Module> module, const CompileOptions& options = {});

  const Module& module() const;  // as given
  const Module& optimized() const;
  const CompileOptions& options() const;  // with num_threads, level and device ("cpu", "cuda:0") filled in
  const std::shared_ptr<const Device>& device() const;  // null: the processor
  const CompileTimes& compile_times() const;
  // Index of a graph; "" is the only graph. ArgumentError naming those there are.
  std::size_t graph_index(std::string_view name) const;
  // The plan in use, or the tight one for these dims when any is given.
  Plan plan(std::size_t graph, const DimValues& dims = {}) const;
  // The dims' values up to which the plan in use is good.
  DimValues bounds(std::size_t graph) const;
  // What runs each step of the plan in use on its device: "matmul 128x128x8"; "" for steps that launch nothing.
  std::vector<std::string> step_codes(std::size_t graph) const;
  // Of every step of that plan; dims as there.
  std::vector<StepWork> work(std::size_t graph, const DimValues& dims = {}) const;
  // Measured at the first call of the process for this level or device, in some milliseconds. Throws LimitError where a
  // device has no memory left to measure in.
  const MachineLimits& limits() const;
  // Values of all dims from the inputs' shapes; checks dtypes, ranks, sizes, ranges and guards. Throws ShapeError,
  // DTypeError, ArgumentError.
  DimValues bind(std::size_t graph, std::span<const ArrayRef> inputs) const;

  // The shapes of the outputs for plain inputs, one after the other; false where `bind` would throw, or would have to.
  // Requires room for every size of every output. Allocates nothing.
  bool output_shapes(std::size_t graph, std::span<const PlainArray> inputs, std::int64_t* shapes) const;

  std::shared_ptr<Session> new_session() const;
  // A program over the same graphs with other values of the named params (same types).
  std::shared_ptr<Program> with_params(std::span<const std::pair<std::string, ArrayRef>> params) const;

 private:
  struct Impl;
  std::shared_ptr<const Impl> impl_;
  friend class Session;
};

// One copy of every state. Made by Program::new_session.
// Thread rule: any thread may call any method; one call at a time, a second one waits.
class Session {
 public:
  // Concrete output types for these inputs.
  void output_types(std::size_t graph, std::span<const ArrayRef> inputs, std::vector<TensorType>& types);
  // Inputs and outputs in the graph's order. Inputs that are not contiguous or not aligned, and bools that are neither
  // 0 nor 1, are copied first. Outputs: contiguous, writable, of the right type, overlapping neither each other nor an
  // input (ArgumentError). A program on a device takes arrays of the host and of that device, any mixture of them; what
  // it runs has ended when this returns, unless options name a stream. Allocates nothing after the first run of this
  // graph (or reserve) at these or larger dims. A failure leaves every state as it was, or the session broken:
  // StateError until reset().
  void run(std::size_t graph, std::span<const ArrayRef> inputs, std::span<const ArrayRef> outputs,
           const RunOptions& options = {}, std::vector<StepProfile>* profile = nullptr);
  // The short way through `run`, for a caller that holds a lock which others wait for (the interpreter's). True when
  // done. False, with nothing done, where only `run` can tell: shapes do not fit, arrays overlap, a bool is neither 0
  // nor 1, another call is in progress, it is the first run, dims outgrow the plan, the run may take longer than 20 us.
  // Fresh outputs are known to have the right shapes (output_shapes) and to overlap nothing.
  enum class Fresh : bool { kNo, kYes };
  bool run_short(std::size_t graph, std::span<const PlainArray> inputs, std::span<const PlainArray> outputs,
                 Fresh fresh = Fresh::kNo);
  // Prepares arena, argument blocks and threads for these dims (upper bounds where not given), touches the pages, and
  // computes a short graph once on zeros, but what can fail or writes a state: its first run is then as fast as others.
  void reserve(std::size_t graph, const DimValues& dims);

  // The stream that a graph runs on, as other libraries know it: what must be there before a run is ordered before it.
  // Requires a program on a device.
  void* native_stream(std::size_t graph);

  const Program& program() const;
  std::vector<std::byte> read_state(std::string_view name);
  void write_state(std::string_view name, const ArrayRef& value);
  void reset();  // every state back to its initial value
  // The module with the session's states as initial values: what session.save writes.
  Module module_with_states();
  std::vector<std::string> last_copied_inputs();  // inputs of the last run that had to be made contiguous

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
  friend class Program;
};

}  // namespace ingot
