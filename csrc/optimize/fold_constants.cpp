// fold_constants: computes once, at load, what depends on constants and small params alone.
//
//   %0 = add(var, 0.001) : f32[8]                param "folded.0": f32[8]  (the bytes of rsqrt(var + 0.001))
//   %1 = rsqrt(%0) : f32[8]             ->       %0 = multiply(x, "folded.0") : f32[n,8]
//   %2 = multiply(x, %1) : f32[n,8]
//
// Exact: the runtime's own kernels compute the bytes. A node that would fail is left where it is, to fail when it runs.
// A result is never larger than its inputs + 4 KiB (a view never larger than its input: it costs nothing as it is).
// Results that remain in use become constants up to 16 elements, params named folded.N above; intermediate ones leave
// no trace. Cost: linear, plus the kernels' work on at most 64 KiB of operands a node.
#include <optional>

#include "base/error.h"
#include "optimize/passes.h"

namespace ingot {
namespace {

constexpr std::size_t kMaxOperandBytes = 64 * 1024;
constexpr std::size_t kMaxGrowthBytes = 4 * 1024;

bool is_constant(const Shape& shape) {
  for (const Size& size : shape) {
    if (!size.is_constant()) return false;
  }
  return true;
}

bool is_constant(const AttrValue& attr) {
  if (const auto* size = std::get_if<Size>(&attr)) return size->is_constant();
  if (const auto* shape = std::get_if<Shape>(&attr)) return is_constant(*shape);
  return true;
}

class Folder {
 public:
  explicit Folder(const PassContext& context)
      : context_(context), folded_(context.graph.values.size()), names_(context.module, "folded.") {}

  bool run() {
    fold_region(context_.graph.body);
    if (!changed_) return false;
    keep_used(context_.graph.body);
    for (const Update& update : context_.graph.updates) keep(update.value);
    return true;
  }

 private:
  struct Folded {
    bool done = false;
    std::vector<std::byte> bytes;
  };

  void fold_region(Region& region) {
    std::vector<NodeId> kept;
    kept.reserve(region.nodes.size());
    for (const NodeId id : region.nodes) {
      Node& node = context_.graph.nodes[id.index];
      if (!is_fused(node)) {
        for (Region& inner : node.regions) fold_region(inner);
      }
      if (!fold_node(node)) kept.push_back(id);
    }
    region.nodes = std::move(kept);
  }

  std::optional<std::span<const std::byte>> bytes_of(ValueId id) const {
    const Value& value = context_.graph.value(id);
    if (folded_[id.index].done) return folded_[id.index].bytes;
    if (!is_constant(value.type.shape)) return std::nullopt;
    const auto needed = static_cast<std::size_t>(num_bytes(value.type).constant());
    if (value.kind == ValueKind::kConstant) {
      const TensorData& data = context_.graph.constants[value.index];
      return std::span(data.data, data.size_bytes);
    }
    if (value.kind != ValueKind::kParam) return std::nullopt;
    const Param& param = resolve(context_.module, value.index);
    if (param.layout.in_panels() || param.data.size_bytes != needed) return std::nullopt;
    return std::span(param.data.data, param.data.size_bytes);
  }

  bool foldable(const Node& node) const {
    if (node.results.size() != 1 || !node.regions.empty() || node.op->has(kEffect)) return false;
    for (const AttrValue& attr : node.attrs) {
      if (!is_constant(attr)) return false;
    }
    return is_constant(context_.graph.value(node.results[0]).type.shape);
  }

  // True when the node's result is known now.
  bool fold_node(const Node& node) {
    if (!foldable(node)) return false;
    std::vector<TensorType> types;
    std::vector<std::span<const std::byte>> operands;
    std::size_t operand_bytes = 0;
    for (const ValueId operand : node.operands) {
      const auto bytes = bytes_of(operand);
      if (!bytes) return false;
      types.push_back(context_.graph.value(operand).type);
      operands.push_back(*bytes);
      operand_bytes += bytes->size();
    }
    const TensorType& type = context_.graph.value(node.results[0]).type;
    const auto result_bytes = static_cast<std::size_t>(num_bytes(type).constant());
    const std::size_t growth = node.op->has(kView) ? 0 : kMaxGrowthBytes;
    if (operand_bytes > kMaxOperandBytes || result_bytes > operand_bytes + growth) return false;
    Folded& folded = folded_[node.results[0].index];
    folded.bytes = context_.evaluator->evaluate(*node.op, types, operands, node.attrs, type);
    if (folded.bytes.size() != result_bytes || result_bytes == 0) return false;
    return folded.done = changed_ = true;
  }

  void keep_used(const Region& region) {
    for (const NodeId id : region.nodes) {
      for (const ValueId operand : context_.graph.node(id).operands) keep(operand);
      for (std::size_t r = 0; r < context_.graph.node(id).regions.size(); ++r) {
        keep_used(context_.graph.node(id).regions[r]);
      }
    }
    for (const ValueId value : region.returns) keep(value);
  }

  // Turns a folded value that something still reads into a constant or a param.
  void keep(ValueId id) {
    Value& value = context_.graph.values[id.index];
    const Folded& folded = folded_[id.index];
    if (!folded.done || value.kind != ValueKind::kResult) return;
    TensorData data = copy_data(folded.bytes.data(), folded.bytes.size());
    value.node = NodeId();
    const bool literal = info(value.type.dtype).kind != DTypeKind::kComplex &&
                         num_elements(value.type.shape).constant() <= kMaxConstantElements;
    if (literal) {
      value.kind = ValueKind::kConstant;
      value.index = static_cast<std::uint32_t>(context_.graph.constants.size());
      context_.graph.constants.push_back(std::move(data));
      return;
    }
    value.kind = ValueKind::kParam;
    value.index = static_cast<std::uint32_t>(context_.module.params.size());
    Param param;
    param.name = names_.next();
    param.type = value.type;
    param.data = std::move(data);
    context_.module.params.push_back(std::move(param));
  }

  const PassContext& context_;
  std::vector<Folded> folded_;  // by value
  NewNames names_;
  bool changed_ = false;
};

}  // namespace

bool fold_constants(const PassContext& context) {
  if (context.evaluator == nullptr || !Folder(context).run()) return false;
  compact(context.graph);
  return true;
}

}  // namespace ingot
