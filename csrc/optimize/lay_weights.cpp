// lay_weights: a convolution's weights lie as a device's kernel counts them, the channels of a position side by side.
//
//   param w: f32[64,32,3,3]                      param "laid.0": f32[64,3,3,32]  (the elements of permute_dims(w))
//   %0 = conv2d(x, w, ...) : f32[n,64,28,28] ->  %0 = permute_dims("laid.0", axes=[0,3,1,2]) : f32[64,32,3,3]
//                                                %1 = conv2d(x, %0, ...) : f32[n,64,28,28]
//
// Exact: the kernel reads the same elements through other strides; else it would lay them anew in every run. (The
// processor's reads panels, see panel_params.) What else reads the param reads the one that was there. Cost: linear in
// the graphs and in the bytes laid.
#include <utility>

#include "base/error.h"
#include "optimize/passes.h"

namespace ingot {
namespace {

const std::vector<std::int64_t> kToLaid = {0, 2, 3, 1}, kFromLaid = {0, 3, 1, 2};
constexpr std::uint32_t kNone = 0xffffffff;

class WeightLayer {
 public:
  explicit WeightLayer(const PassContext& context) : context_(context), names_(context.module, "laid.") {}

  bool run() {
    for (Graph& graph : context_.module.graphs) lay(graph);
    return !laid_.empty();
  }

 private:
  void lay(Graph& graph) {
    views_.clear();
    new_nodes_.clear();
    lay(graph, NodeId(), 0);
    if (new_nodes_.empty()) return;
    graph.body.nodes.insert(graph.body.nodes.begin(), new_nodes_.begin(), new_nodes_.end());
    compact(graph);
  }

  // Of the region `index` of `owner`, looked up each time: a new view may move all nodes.
  void lay(Graph& graph, NodeId owner, std::size_t index) {
    for (std::size_t i = 0; i < region_of(graph, owner, index).nodes.size(); ++i) {
      const NodeId id = region_of(graph, owner, index).nodes[i];
      if (graph.node(id).op->name == "conv2d") {
        const ValueId view = view_of(graph, graph.node(id).operands[1]);
        graph.nodes[id.index].operands[1] = view;
      }
      for (std::size_t r = 0; r < graph.node(id).regions.size(); ++r) lay(graph, id, r);
    }
  }

  // The weights through a param that is laid; themselves where they are no param, or lie so already.
  ValueId view_of(Graph& graph, ValueId weights) {
    const Value& value = graph.value(weights);
    if (value.kind != ValueKind::kParam) return weights;
    const Param& given = context_.module.params[value.index];
    const std::uint32_t param = laid(given.alias_of.value_or(value.index));
    if (param == kNone) return weights;
    for (const auto& [known, view] : views_) {
      if (known == param) return view;
    }
    const ValueId view = add_view(graph, param, value.type);
    views_.emplace_back(param, view);
    return view;
  }

  std::uint32_t laid(std::uint32_t index) {
    for (const auto& [known, param] : laid_) {
      if (known == index) return param;
    }
    const Param& from = context_.module.params[index];
    const Shape& shape = from.type.shape;
    if (shape[1].constant() < 2 || shape[2].constant() * shape[3].constant() < 2) return kNone;
    Param param;
    for (const std::int64_t axis : kToLaid) param.type.shape.push_back(shape[static_cast<std::size_t>(axis)]);
    param.type.dtype = from.type.dtype;
    const std::span<const std::byte> bytes(from.data.data, from.data.size_bytes);
    const std::vector<std::byte> elements = context_.evaluator->evaluate(
        *find_op("permute_dims"), std::span(&from.type, 1), std::span(&bytes, 1), {kToLaid}, param.type);
    if (elements.empty()) return kNone;
    param.data = copy_data(elements.data(), elements.size());
    param.name = names_.next();
    const auto number = static_cast<std::uint32_t>(context_.module.params.size());
    context_.module.params.push_back(std::move(param));
    laid_.emplace_back(index, number);
    return number;
  }

  ValueId add_view(Graph& graph, std::uint32_t param, const TensorType& type) {
    const ValueId source(static_cast<std::uint32_t>(graph.values.size())), result(source.index + 1);
    const NodeId id(static_cast<std::uint32_t>(graph.nodes.size()));
    const TensorType shown = type;  // its own value may move
    graph.values.push_back({.kind = ValueKind::kParam,
                            .type = context_.module.params[param].type,
                            .node = NodeId(),
                            .region = 0,
                            .index = param});
    graph.values.push_back({.kind = ValueKind::kResult, .type = shown, .node = id, .region = 0, .index = 0});
    Node node;
    node.op = find_op("permute_dims");
    node.operands = {source};
    node.results = {result};
    node.attrs = {kFromLaid};
    graph.nodes.push_back(std::move(node));
    new_nodes_.push_back(id);
    return result;
  }

  const PassContext& context_;
  NewNames names_;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> laid_;  // params: what was there, and what it was laid as
  std::vector<std::pair<std::uint32_t, ValueId>> views_;       // of the graph at hand, by laid param
  std::vector<NodeId> new_nodes_;
};

}  // namespace

bool lay_weights(const PassContext& context) {
  return context.evaluator != nullptr && WeightLayer(context).run();
}

}  // namespace ingot
