// What reserve does for a short graph besides making room: computes it once on zeros. The first run then finds code,
// argument blocks and params in the caches, which else cost it more than the computation does.
#include <array>
#include <cstring>
#include <optional>
#include <vector>

#include "base/checked.h"
#include "session_impl.h"

namespace ingot {

namespace {

constexpr std::int64_t kShortNs = 200'000;  // a longer run hardly notices, and ready would
constexpr std::int64_t kMostBytes = std::int64_t{4} << 20;

// Made-up arrays for one side of a signature.
struct Zeros {
  std::vector<AlignedBuffer> buffers;
  std::vector<std::array<std::int64_t, kMaxRank>> shapes;
  std::vector<PlainArray> arrays;
};

// None where it is more than is worth it, or no size at all.
std::optional<std::int64_t> few_bytes(const TypeNumbers& type, const std::int64_t* shape) {
  std::int64_t bytes = type.element_bytes;
  for (int axis = 0; axis < type.rank; ++axis) {
    bytes = shape[axis] < 0 ? kMostBytes + 1 : checked_mul(bytes, shape[axis]).value_or(kMostBytes + 1);
    if (bytes > kMostBytes) return std::nullopt;
  }
  return bytes;
}

// False where an array would be too large.
bool make_zeros(const Signature& signature, const std::vector<TypeNumbers>& types, const BoundDims& dims,
                Zeros& zeros) {
  zeros.shapes.resize(types.size());
  for (std::size_t i = 0; i < types.size(); ++i) {
    std::int64_t* const shape = zeros.shapes[i].data();
    evaluate_shape(signature, types[i], dims.data(), shape);
    const std::optional<std::int64_t> bytes = few_bytes(types[i], shape);
    if (!bytes) return false;
    zeros.buffers.emplace_back(*bytes);
    if (*bytes > 0) std::memset(zeros.buffers.back().data(), 0, static_cast<std::size_t>(*bytes));
    zeros.arrays.push_back({zeros.buffers.back().data(), shape});
  }
  return true;
}

}  // namespace

void Session::Impl::warm_up(GraphContext& context) {
  const Signature& signature = *context.signature;
  Zeros inputs, outputs;
  if (context.state.blocks.run_ns > kShortNs) return;
  if (!make_zeros(signature, signature.input_numbers, context.dims, inputs) ||
      !make_zeros(signature, signature.output_numbers, context.dims, outputs))
    return;
  if (!match_inputs(signature, inputs.arrays, context.dims.data())) return;  // no call has these dims
  for (std::size_t i = 0; i < inputs.arrays.size(); ++i) context.inputs[i] = inputs.buffers[i].data();
  for (std::size_t i = 0; i < outputs.arrays.size(); ++i) context.outputs[i] = outputs.buffers[i].data();
  const WorkspaceLease workspace(core->workspaces, context.planned->workspace_bytes);
  ingot::warm_up(*context.planned->compiled, core->policy, buffers_of(context, workspace), context.state);
}

}  // namespace ingot
