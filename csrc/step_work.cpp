// Flops and bytes from the argument blocks that a run would use; the machine's limits from two loops of the level, a
// device's from its plugin.
#include "step_work.h"

#include <algorithm>
#include <map>
#include <mutex>

#include "arrays.h"
#include "execute/float_mode.h"
#include "execute/park.h"
#include "ops/op.h"

namespace ingot {
namespace {

constexpr std::int64_t kNearBytes = std::int64_t{1} << 20;    // what is taken to stay in the nearer caches
constexpr std::int64_t kCachedBytes = std::int64_t{1} << 18;  // read to measure those
constexpr std::int64_t kMemoryBytes = std::int64_t{16} << 20;
constexpr int kTries = 3;

std::int64_t product(const std::int64_t* sizes, std::int64_t count) {
  std::int64_t result = 1;
  for (std::int64_t i = 0; i < count; ++i) result *= sizes[i];
  return result;
}

std::int64_t num_elements(const TensorArg& arg) {
  return product(arg.shape, arg.rank);
}

// Each element once, however often it is read.
std::int64_t num_bytes(const TensorArg& arg) {
  auto bytes = static_cast<std::int64_t>(size_bytes(static_cast<DType>(arg.dtype)));
  for (int axis = 0; axis < arg.rank; ++axis)
    if (arg.panels != 0 || arg.strides[axis] != 0 || arg.shape[axis] == 0) bytes *= arg.shape[axis];
  return bytes;
}

// Flops of the contractions that a step is built around.
std::int64_t product_flops(const Step& step, const KernelCall& call) {
  const TensorArg& a = call.inputs[0];
  if (step.kernel == "attention") {  // a step of the planner's: scores = a b, result = rows(scores) v
    const std::int64_t keys = call.inputs[1].shape[call.inputs[1].rank - 1];
    const std::int64_t scores = product(a.shape, a.rank - 1) * keys;
    return 2 * scores * a.shape[a.rank - 1] + 2 * num_elements(call.outputs[0]) * keys;
  }
  if (step.op == nullptr || !step.op->has(kContraction)) return 0;
  const TensorArg& weights = call.inputs[1];  // of a convolution: [channels out, channels in, ...]
  const std::int64_t depth =
      step.op->name == "matmul" ? a.shape[a.rank - 1] : product(weights.shape + 1, weights.rank - 1);
  return 2 * num_elements(call.outputs[0]) * depth;
}

std::int64_t largest(const TensorArg* args, std::int32_t count) {
  std::int64_t elements = 0;
  for (std::int32_t i = 0; i < count; ++i) elements = std::max(elements, num_elements(args[i]));
  return elements;
}

StepWork measure_step(const Step& step, const KernelCall& call) {
  StepWork work;
  const bool has_product = step.kernel == "attention" || (step.op != nullptr && step.op->has(kContraction));
  const bool reduces = step.group.empty() && step.op != nullptr && step.op->has(kReduction);
  const bool has_windows = step.op != nullptr && step.op->has(kRowWindows);
  const bool computes = has_product || has_windows || reduces || !step.group.empty();
  std::int64_t written = 0;
  for (std::int32_t i = 0; i < call.num_outputs; ++i) written += num_bytes(call.outputs[i]);
  work.bytes = written;
  for (std::int32_t i = 0; i < call.num_inputs; ++i) {
    const std::int64_t bytes = num_bytes(call.inputs[i]);
    work.bytes += computes ? bytes : std::min(bytes, written);  // what moves elements reads those that it writes
  }
  const std::int64_t elements = has_product ? 0 : largest(call.inputs, call.num_inputs);
  const std::int64_t space = std::max(elements, largest(call.outputs, call.num_outputs));
  work.flops = product_flops(step, call) + space * static_cast<std::int64_t>(step.group.size());
  if (reduces) work.flops = elements;
  return work;
}

template <class Work>
double best_ns(Work work) {
  std::int64_t best = INT64_MAX;
  for (int i = 0; i < kTries; ++i) {
    const std::int64_t begin = now_ns();
    work();
    best = std::min(best, now_ns() - begin);
  }
  return static_cast<double>(std::max<std::int64_t>(best, 1));
}

MachineLimits measure(const MachineLoops& loops) {
  const FloatMode mode;
  alignas(64) float sink[16];
  std::fill(std::begin(sink), std::end(sink), 0.25f);
  std::int64_t rounds = 16, flops = 0;  // as many as take a fraction of a millisecond, at any level
  while (best_ns([&] { flops = loops.multiply_add(rounds, sink); }) < 100'000) rounds *= 2;
  MachineLimits limits;
  limits.cached_bytes = kNearBytes;
  std::fill(std::begin(sink), std::end(sink), 0.25f);
  limits.flops_per_ns = static_cast<double>(flops) / best_ns([&] { loops.multiply_add(rounds, sink); });
  const AlignedBuffer memory(kMemoryBytes);
  std::fill(memory.data(), memory.data() + kMemoryBytes, char{0});
  const auto rate = [&](std::int64_t bytes) {
    return static_cast<double>(bytes) / best_ns([&] { loops.read(memory.data(), bytes, sink); });
  };
  limits.memory_bytes_per_ns = rate(kMemoryBytes);
  limits.cached_bytes_per_ns = rate(kCachedBytes);
  return limits;
}

}  // namespace

std::vector<StepWork> measure_steps(const CompiledPlan& compiled, const ParallelPolicy& policy, const DimValues& dims) {
  ArgumentBlocks blocks;
  make_blocks(compiled, blocks);
  bind_dims(compiled, policy, dims, blocks);
  std::vector<StepWork> works(compiled.steps.size());
  for (std::size_t i = 0; i < works.size(); ++i) {
    const StepCode& code = compiled.steps[i];
    if (code.kind != StepKind::kKernel || (code.kernel == nullptr && code.own_kernel != nullptr)) continue;
    works[i] = measure_step(compiled.plan.steps[i], blocks.calls[i]);
    works[i].tiles = blocks.steps[i].num_tiles;
    const bool shared = blocks.steps[i].parallel && blocks.parallel_ns >= policy.min_run_ns;
    works[i].threads = shared ? static_cast<int>(std::min<std::int64_t>(policy.num_threads, works[i].tiles)) : 1;
  }
  for (const StripChain& chain : compiled.chains) {  // the last step does it all, without what lies in strips
    StepWork& last = works[chain.last_step];
    for (std::uint32_t t = chain.first_step; t < chain.last_step; ++t) {
      const StepWork work = measure_step(compiled.plan.steps[t], blocks.calls[t]);
      last.flops += work.flops;
      last.bytes += work.bytes - 2 * num_bytes(blocks.calls[t].outputs[0]);
    }
  }
  return works;
}

const MachineLimits& measure_limits(const KernelTable& level) {
  static std::mutex mutex;
  static std::map<const KernelTable*, MachineLimits> known;
  const std::lock_guard<std::mutex> lock(mutex);
  const auto [entry, is_new] = known.try_emplace(&level);
  if (is_new && level.loops != nullptr) entry->second = measure(*level.loops);
  return entry->second;
}

const MachineLimits& measure_limits(const Device& device) {
  static std::mutex mutex;
  static std::map<std::int32_t, MachineLimits> known;  // by index; one that failed is measured again
  const std::lock_guard<std::mutex> lock(mutex);
  if (const auto found = known.find(device.index()); found != known.end()) return found->second;
  DeviceLimits measured = {};
  device.require(device.api().measure_limits(device.context(), &measured), "profile");
  return known[device.index()] = {.flops_per_ns = measured.flops_per_ns,
                                  .cached_bytes_per_ns = measured.cached_bytes_per_ns,
                                  .memory_bytes_per_ns = measured.memory_bytes_per_ns,
                                  .cached_bytes = measured.cached_bytes,
                                  .launch_ns = measured.launch_ns};
}

double MachineLimits::least_ns(const StepWork& work) const {
  if (flops_per_ns <= 0) return 0;
  const double rate = work.bytes <= cached_bytes ? cached_bytes_per_ns : memory_bytes_per_ns;
  const double ns = std::max(static_cast<double>(work.flops) / flops_per_ns, static_cast<double>(work.bytes) / rate);
  return std::max(ns / work.threads, launch_ns);
}

}  // namespace ingot
