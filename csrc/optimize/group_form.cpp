#include "optimize/group_form.h"

#include <algorithm>
#include <vector>

#include "base/error.h"

namespace ingot {
namespace {

bool is_one(const Size& size) {
  return size.is_constant() && size.constant() == 1;
}

// Elements of the last axes at the upper bounds; empty: unbounded, too many to count, or perhaps none, where a
// reduction gives its empty value without a single row to look at.
std::optional<std::int64_t> row_bound(const Shape& shape, std::uint32_t axes, std::span<const Dim> dims) {
  std::int64_t bound = 1;
  for (std::size_t a = shape.size() - axes; a < shape.size(); ++a) {
    const auto [least, most] = shape[a].interval(dims);
    if (least < 1 || most == kUnbounded || most > kMaxGroupRow) return std::nullopt;
    bound *= most;
    if (bound > kMaxGroupRow) return std::nullopt;
  }
  return bound;
}

class FormFinder {
 public:
  FormFinder(const Graph& graph, std::span<const Dim> dims, std::span<const NodeId> nodes)
      : graph_(graph), dims_(dims) {
    form_.members = nodes;
  }

  std::optional<GroupForm> run() {
    if (!split()) return std::nullopt;
    if (form_.members.size() > kMaxGroupNodes) return refuse("more than 32 ops");
    if (!find_space()) return refuse("reductions over other axes than the last");
    for (const NodeId id : form_.members) {
      if (!fits(graph_.node(id))) return refuse("another shape");
    }
    if (!anchor_fits() || !tail_fits()) return std::nullopt;
    if (count_inputs() > kMaxGroupInputs) return refuse("more than 16 inputs");
    if (form_.row_axes > 0 && !row_bound(form_.space, form_.row_axes, dims_))
      return refuse("rows of more than 65536 elements, or of no known length");
    return form_;
  }

  std::string_view why() const { return why_; }

 private:
  std::nullopt_t refuse(std::string_view why) {
    why_ = why;
    return std::nullopt;
  }
  bool no(std::string_view why) {
    why_ = why;
    return false;
  }

  const Shape& shape_of(ValueId id) const { return graph_.value(id).type.shape; }
  const Shape& result_shape(NodeId id) const { return shape_of(graph_.node(id).results[0]); }

  // Takes contractions off both ends.
  bool split() {
    std::span<const NodeId>& nodes = form_.members;
    if (nodes.size() > 1 && graph_.node(nodes.front()).op->has(kContraction)) {
      form_.anchor = nodes.front();
      nodes = nodes.subspan(1);
    }
    if (form_.anchor.valid() && nodes.size() > 1 && graph_.node(nodes.back()).op->has(kContraction)) {
      form_.tail = nodes.back();
      nodes = nodes.first(nodes.size() - 1);
    }
    for (const NodeId id : nodes) {
      if (graph_.node(id).op->has(kContraction)) return no("a product reads its operands many times, a group once");
      if (!is_group_member(graph_, graph_.node(id)))
        return no("only pointwise ops, reductions over the last axes and products make groups");
    }
    return !nodes.empty();
  }

  // The space is the shape of what is reduced, else the largest result's.
  bool find_space() {
    form_.space = result_shape(form_.members[0]);
    for (const NodeId id : form_.members) {
      const Node& node = graph_.node(id);
      if (node.op->has(kReduction)) {
        form_.space = shape_of(node.operands[0]);
        form_.row_axes = missing_row_axes(result_shape(id), form_.space);
        return form_.row_axes > 0;
      }
      if (missing_row_axes(form_.space, result_shape(id)) > 0) form_.space = result_shape(id);
    }
    for (const NodeId id : form_.members) {
      form_.row_axes = std::max(form_.row_axes, missing_row_axes(result_shape(id), form_.space));
    }
    return true;
  }

  bool fits(const Node& node) const {
    const Shape& shape = shape_of(node.results[0]);
    if (node.op->has(kReduction)) {
      return shape_of(node.operands[0]) == form_.space && missing_row_axes(shape, form_.space) == form_.row_axes;
    }
    return shape == form_.space || (form_.row_axes > 0 && missing_row_axes(shape, form_.space) == form_.row_axes);
  }

  std::size_t num_reads(ValueId value) const {
    std::size_t reads = 0;
    for (const NodeId id : form_.members) {
      const std::vector<ValueId>& operands = graph_.node(id).operands;
      reads += static_cast<std::size_t>(std::count(operands.begin(), operands.end(), value));
    }
    return reads;
  }

  // The anchor's result is read element by element.
  bool anchor_fits() {
    if (!form_.anchor.valid()) return true;
    if (form_.row_axes > 0 && !form_.tail.valid()) return no("whole rows are needed, and a tile of a product has none");
    if (!(result_shape(form_.anchor) == form_.space)) return no("another shape than the product's");
    return num_reads(graph_.node(form_.anchor).results[0]) > 0 ||
           no("the product's result is not read by the first op");
  }

  // The last member's result, and no other, goes into a matmul over one axis of rows.
  bool tail_fits() {
    if (!form_.tail.valid()) return true;
    return is_tail() || no("a second product: only product, rows, product is one step");
  }

  bool is_tail() const {
    const Node& tail = graph_.node(form_.tail);
    const ValueId weights = graph_.node(form_.members.back()).results[0];
    const Node& scores = graph_.node(form_.anchor);
    if (tail.op->name != "matmul" || scores.op->name != "matmul" || form_.row_axes > 1) return false;
    if (tail.operands[0] != weights || tail.operands[1] == weights || !(shape_of(weights) == form_.space)) return false;
    const Shape &rows = form_.space, &values = shape_of(tail.operands[1]);
    if (values.size() != rows.size() || num_reads(weights) > 0) return false;
    return std::equal(rows.begin(), rows.end() - 2, values.begin());
  }

  std::size_t count_inputs() const {
    std::vector<ValueId> inputs;
    for (const NodeId id : form_.members) {
      for (const ValueId operand : graph_.node(id).operands) {
        const Value& value = graph_.value(operand);
        const auto in = [&](const auto& list) { return std::find(list.begin(), list.end(), value.node) != list.end(); };
        if (value.kind == ValueKind::kResult && (in(form_.members) || value.node == form_.anchor)) continue;
        if (std::find(inputs.begin(), inputs.end(), operand) == inputs.end()) inputs.push_back(operand);
      }
    }
    return inputs.size();
  }

  const Graph& graph_;
  std::span<const Dim> dims_;
  GroupForm form_;
  std::string_view why_;
};

}  // namespace

std::optional<GroupForm> group_form(const Graph& graph, std::span<const Dim> dims, std::span<const NodeId> nodes,
                                    std::string_view* why) {
  FormFinder finder(graph, dims, nodes);
  std::optional<GroupForm> form = finder.run();
  if (why != nullptr) *why = finder.why();
  return form;
}

bool has_few_outputs(const Graph& graph, const Node& node) {
  constexpr std::int64_t kFewOutputs = 8;
  if (node.op->name != "conv2d") return false;
  const Size& outputs = graph.value(node.operands[1]).type.shape[0];
  return outputs.is_constant() && outputs.constant() < kFewOutputs;
}

bool is_group_member(const Graph& graph, const Node& node) {
  if (node.op->has(kPointwise)) return true;
  if (!node.op->has(kReduction) || node.op->dtype_rule != DTypeRule::kSame) return false;
  const DType dtype = graph.value(node.operands[0]).type.dtype;
  const bool has_function =
      dtype == DType::kF32 || dtype == DType::kF64 || dtype == DType::kI32 || dtype == DType::kI64;
  const TensorType &from = graph.value(node.operands[0]).type, &to = graph.value(node.results[0]).type;
  const auto& axes = std::get<std::vector<std::int64_t>>(node.attrs[attr_index(*node.op, "axes")]);
  return has_function && !axes.empty() && missing_row_axes(to.shape, from.shape) == axes.size() &&
         axes.front() == static_cast<std::int64_t>(from.shape.size() - axes.size());
}

std::uint32_t missing_row_axes(const Shape& shape, const Shape& full) {
  if (shape.size() != full.size()) return 0;
  std::size_t same = 0;
  while (same < full.size() && shape[same] == full[same]) ++same;
  bool longer = false;  // somewhere `full` has more than one element
  for (std::size_t a = same; a < full.size(); ++a) {
    if (!is_one(shape[a])) return 0;
    longer = longer || !is_one(full[a]);
  }
  return longer ? static_cast<std::uint32_t>(full.size() - same) : 0;
}

}  // namespace ingot
