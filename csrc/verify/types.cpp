// Type laws of one node: see types.h. Nothing here knows any op: the rules are those of the table and of regions.h, the
// same that ran when the graph was recorded.
#include "verify/types.h"

#include <vector>

#include "graph/budgets.h"
#include "graph/quoted.h"
#include "graph/regions.h"

namespace ingot::laws {

namespace {

// Where recording would append a guard, verifying demands that the module has it.
class PresentGuards : public GuardSink {
 public:
  explicit PresentGuards(const Context& context) : context_(context) {}

  void add(const Guard& guard) override {
    if (!context_.guards.contains(guard.normalized())) {
      fail(ErrorCode::kFile, concat("needs the guard ", guard.to_string(), ", which the module lacks"));
    }
  }

 private:
  const Context& context_;
};

void attr_is_sound(const Context& context, const AttrSpec& spec, const AttrValue& value) {
  const auto fail_attr = [&](std::string_view message) { fail(ErrorCode::kFile, concat(spec.name, ": ", message)); };
  const auto list_is_short = [&](std::size_t count) {
    if (count > kMaxOperands) fail(ErrorCode::kLimit, concat(spec.name, ": more than ", kMaxOperands, " items"));
  };
  if (value.index() != static_cast<std::size_t>(spec.kind)) fail_attr("wrong kind of attribute");
  switch (spec.kind) {
    case AttrKind::kInt:
    case AttrKind::kFloat:
    case AttrKind::kBool:
      return;
    case AttrKind::kString:
      if (find_invalid_utf8(std::get<std::string>(value)) != std::string::npos) fail_attr("not UTF-8");
      return;
    case AttrKind::kInts:
      return list_is_short(std::get<std::vector<std::int64_t>>(value).size());
    case AttrKind::kSize:
      return dims_are_declared(context, std::get<Size>(value));
    case AttrKind::kSizes:
      list_is_short(std::get<Shape>(value).size());
      for (const Size& size : std::get<Shape>(value)) dims_are_declared(context, size);
      return;
    case AttrKind::kDType:
      if (!is_dtype(std::get<DType>(value))) fail_attr("unknown dtype");
  }
}

std::vector<TensorType> infer_node(const Context& context, const Graph& graph, const Node& node) {
  PresentGuards guards(context);
  if (node.op->has(kRegionOp)) return infer_region_node(graph, node, context.module.dims, &guards);
  std::vector<const TensorType*> operands;
  operands.reserve(node.operands.size());
  for (const ValueId operand : node.operands) operands.push_back(&graph.value(operand).type);
  return infer(*node.op, operands, node.attrs, context.module.dims, &guards);
}

}  // namespace

void attrs_are_sound(const Context& context, const Node& node, const Where& where) {
  const std::span<const AttrSpec> specs = node.op->attrs;
  if (node.attrs.size() != specs.size()) {
    fail_law(concat(where(), ": got ", node.attrs.size(), " attributes, expected ", specs.size()));
  }
  as_file_error(where, [&] {
    for (std::size_t i = 0; i < specs.size(); ++i) attr_is_sound(context, specs[i], node.attrs[i]);
  });
}

void region_args_are_as_ruled(const Graph& graph, const Node& node, std::size_t region, const Where& where) {
  const std::vector<ValueId>& args = node.regions[region].args;
  const std::vector<TensorType> types = as_file_error(where, [&] { return region_arg_types(graph, node, region); });
  if (args.size() != types.size()) {
    fail_law(
        concat(where(), ": ", region_names(*node.op)[region], " has ", args.size(), " args, expected ", types.size()));
  }
  for (std::size_t i = 0; i < args.size(); ++i) {
    const TensorType& declared = graph.value(args[i]).type;
    if (declared == types[i]) continue;
    fail_law(concat(where(), ": arg ", i, " of ", region_names(*node.op)[region], ": declared ",
                    clip(to_string(declared), 100), ", expected ", clip(to_string(types[i]), 100)));
  }
}

void types_are_as_inferred(const Context& context, const Graph& graph, const Node& node, const Where& where) {
  const std::vector<TensorType> types = as_file_error(where, [&] { return infer_node(context, graph, node); });
  if (types.size() != node.results.size()) {
    fail_law(concat(where(), ": got ", node.results.size(), " results, expected ", types.size()));
  }
  for (std::size_t i = 0; i < types.size(); ++i) {
    const TensorType& declared = graph.value(node.results[i]).type;
    if (declared == types[i]) continue;
    fail_law(
        concat(where(), ": declared ", clip(to_string(declared), 150), ", inferred ", clip(to_string(types[i]), 150)));
  }
}

void size_is_not_negative(const Context& context, const Size& size, const Where& where) {
  if (size.is_constant()) return;  // checked with the value's type
  as_file_error(where, [&] {
    PresentGuards guards(context);
    const ShapeContext shapes{context.module.dims, &guards, "size"};
    shapes.require_at_least(size, 0, concat(size.to_string(), " may be negative"));
  });
}

}  // namespace ingot::laws
