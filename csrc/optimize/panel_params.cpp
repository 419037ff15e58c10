// panel_params: a param whose readers all read panels, and one of them rather, lies in panels.
//
//   param w: f32[512,784]                              param w: f32[512,784] layout panel16(0,1)
//   %0 = permute_dims(w, axes=[1,0]) : f32[784,512] -> %0 = permute_dims(w, axes=[1,0]) : f32[784,512]
//   %1 = matmul(x, %0) : f32[n,512]                    %1 = matmul(x, %0) : f32[n,512]
//
// Exact: the elements are the same, only where they lie changes; a kernel reads panels in the order of the contract.
// Reading through permute_dims costs nothing: the panels of a permuted matrix are the panels of the matrix. A param in
// panels whose readers cannot all read them becomes row-major. Cost: linear in the graphs and in the bytes laid anew.
#include <algorithm>
#include <numeric>
#include <optional>

#include "base/error.h"
#include "optimize/passes.h"

namespace ingot {
namespace {

constexpr std::int64_t kLeastColumns = 8;  // narrower panels would be mostly zeros

// What the readers of a param have said so far.
struct Vote {
  Layout layout;  // what all of them can read; row-major: nobody has asked
  bool wanted = false;
  bool refused = false;
};

class Chooser {
 public:
  explicit Chooser(const PassContext& context) : context_(context), votes_(context.module.params.size()) {}

  bool run() {
    for (const Graph& graph : context_.module.graphs) ask(graph);
    bool changed = false;
    for (std::uint32_t i = 0; i < votes_.size(); ++i) {
      if (!context_.module.params[i].alias_of) changed = decide(i) || changed;
    }
    for (Param& param : context_.module.params) {
      if (param.alias_of) param.layout = context_.module.params[*param.alias_of].layout;
    }
    return changed;
  }

 private:
  // A value that shows a param: axis i of the value is axis axes[i] of the param.
  struct View {
    std::uint32_t param = 0;
    std::vector<std::int64_t> axes;
  };

  void ask(const Graph& graph) {
    views_.assign(graph.values.size(), std::nullopt);
    for (std::size_t v = 0; v < graph.values.size(); ++v) {
      const Value& value = graph.values[v];
      if (value.kind != ValueKind::kParam) continue;
      View& view = views_[v].emplace();
      view.param = context_.module.params[value.index].alias_of.value_or(value.index);
      view.axes.resize(value.type.shape.size());
      std::iota(view.axes.begin(), view.axes.end(), std::int64_t{0});
    }
    ask(graph, graph.body);
    for (const Update& update : graph.updates) refuse(update.value);
  }

  void ask(const Graph& graph, const Region& region) {
    for (const NodeId id : region.nodes) {
      const Node& node = graph.node(id);
      if (node.op->name == "permute_dims") {
        show(node);
      } else {
        for (std::size_t i = 0; i < node.operands.size(); ++i) vote(graph, node, i);
      }
      if (is_attention(graph, node)) refuse_all(graph, node);
      for (const Region& inner : node.regions) ask(graph, inner);
    }
    for (const ValueId value : region.returns) refuse(value);
  }

  void show(const Node& node) {
    const std::optional<View>& source = views_[node.operands[0].index];
    if (!source) return;
    const auto& axes = std::get<std::vector<std::int64_t>>(node.attrs[attr_index(*node.op, "axes")]);
    View view = {.param = source->param, .axes = {}};
    for (const std::int64_t axis : axes) view.axes.push_back(source->axes[static_cast<std::size_t>(axis)]);
    views_[node.results[0].index] = std::move(view);
  }

  void refuse(ValueId value) {
    if (views_[value.index]) votes_[views_[value.index]->param].refused = true;
  }

  // Two products in one step, which no table entry speaks for.
  static bool is_attention(const Graph& graph, const Node& node) {
    if (!is_fused(node) || node.regions[0].nodes.size() < 2) return false;
    const std::vector<NodeId>& nodes = node.regions[0].nodes;
    return graph.node(nodes.front()).op->has(kContraction) && graph.node(nodes.back()).op->has(kContraction);
  }

  void refuse_all(const Graph& graph, const Node& node) {
    for_each_read(graph, node, [&](ValueId value) { refuse(value); });
  }

  void vote(const Graph& graph, const Node& node, std::size_t operand) {
    const std::optional<View>& view = views_[node.operands[operand].index];
    if (!view) return;
    Vote& vote = votes_[view->param];
    const DType dtype = graph.value(node.operands[value_operand(*node.op)]).type.dtype;
    const PanelWish wish = context_.evaluator->panel_wish(*node.op, dtype, operand, view->axes.size(), node.attrs);
    const Layout layout = wish.layout.in_panels() ? unpermuted(wish.layout, view->axes) : kRowMajor;
    if (!layout.in_panels() || (vote.layout.in_panels() && !(vote.layout == layout))) vote.refused = true;
    vote.layout = layout;
    vote.wanted = vote.wanted || wish.wanted;
  }

  bool decide(std::uint32_t index) {
    Param& param = context_.module.params[index];
    const Layout layout = choose(param, votes_[index]);
    if (layout == param.layout) return false;
    param.data = context_.evaluator->lay(param.type, param.data, param.layout, layout);
    param.layout = layout;
    return true;
  }

  static Layout choose(const Param& param, const Vote& vote) {
    if (vote.refused) return kRowMajor;
    if (!vote.layout.in_panels()) return param.layout;  // nobody reads it
    return vote.layout == param.layout || worth_it(param.type, vote) ? vote.layout : kRowMajor;
  }

  static bool worth_it(const TensorType& type, const Vote& vote) {
    if (!vote.wanted || !fits(vote.layout, type)) return false;
    return type.shape[vote.layout.order[0]].constant() >= kLeastColumns && num_bytes(type).constant() > 0;
  }

  const PassContext& context_;
  std::vector<Vote> votes_;                 // by param
  std::vector<std::optional<View>> views_;  // by value of the graph at hand
};

}  // namespace

TensorData Evaluator::lay(const TensorType& type, const TensorData& data, const Layout& from, const Layout& to) const {
  const std::span<const std::byte> given(data.data, data.size_bytes);
  const std::vector<std::byte> rows =
      from.in_panels() ? rows_of_panels(type, from, given) : std::vector<std::byte>(given.begin(), given.end());
  if (!to.in_panels()) return copy_data(rows.data(), rows.size());
  const std::vector<std::byte> panels = panels_of_rows(type, to, rows);
  return copy_data(panels.data(), panels.size());
}

bool panel_params(const PassContext& context) {
  return context.evaluator != nullptr && Chooser(context).run();
}

}  // namespace ingot
