// Laws of the nodes and regions of a graph: one walk in the order of the text. A value is defined once, before its
// uses, and seen only in its region and the regions inside; every node lies in exactly one region. At each node the
// walk calls the type laws, so that a node is inferred only when everything around it is sound.
#include <functional>
#include <vector>

#include "graph/budgets.h"
#include "graph/quoted.h"
#include "graph/regions.h"
#include "graph/text.h"
#include "verify/laws.h"
#include "verify/types.h"

namespace ingot::laws {

namespace {

class GraphWalk {
 public:
  GraphWalk(const Context& context, const Graph& graph)
      : context_(context),
        graph_(graph),
        numbers_(graph.values.size(), kUnnumbered),
        seen_(graph.values.size(), Seen::kNo),
        node_is_seen_(graph.nodes.size(), false) {}

  void check();

 private:
  enum class Seen : std::uint8_t { kNo, kVisible, kOutOfScope };

  [[noreturn]] void fail_graph(const std::string& message, ErrorCode code = ErrorCode::kFile) const {
    fail_law(concat("graph ", excerpt(graph_.name), ": ", message), code);
  }
  [[noreturn]] void fail_node(const Node& node, const std::string& message, ErrorCode code = ErrorCode::kFile) const {
    fail_law(concat(label(node), ": ", message), code);
  }
  std::string label(const Node& node) const;

  void inputs_are_defined();
  void define(ValueId id, ValueKind kind, NodeId node, std::size_t region, std::size_t index, const std::string& what);
  void value_is_visible(ValueId id, const std::string& user, const Node* node) const;
  void region_is_sound(const Region& region, int depth);
  void node_is_sound(NodeId id, int depth);
  void op_is_known(const Node& node) const;
  void counts_are_kept(const Node& node) const;
  void origin_is_text(const Node& node) const;
  void inner_regions_are_sound(NodeId id, const Node& node, int depth);
  void nothing_dangles() const;
  void returns_are_visible() const;
  void updates_are_sound() const;

  const Context& context_;
  const Graph& graph_;
  std::vector<std::uint32_t> numbers_;  // as printed, for messages
  std::uint32_t next_number_ = 0;
  std::vector<Seen> seen_;
  std::vector<bool> node_is_seen_;
  std::vector<ValueId> defined_;  // in order: a region's end hides what it defined
};

void GraphWalk::check() {
  inputs_are_defined();
  region_is_sound(graph_.body, 0);
  returns_are_visible();
  updates_are_sound();
  nothing_dangles();
}

std::string GraphWalk::label(const Node& node) const {
  std::string text = concat("graph ", excerpt(graph_.name), ": ");
  for (std::size_t i = 0; i < node.results.size() && i < 4; ++i) {
    const ValueId id = node.results[i];
    const bool is_numbered = id.index < numbers_.size() && numbers_[id.index] != kUnnumbered;
    text += i > 0 ? ", %" : "%";
    text += is_numbered ? std::to_string(numbers_[id.index]) : "?";
  }
  if (!node.results.empty()) text += " = ";
  return text + (node.op != nullptr ? std::string(node.op->name) : "?") + "(...)";
}

void GraphWalk::inputs_are_defined() {
  const Region& body = graph_.body;
  if (graph_.input_names.size() != body.args.size()) fail_graph("not as many input names as inputs");
  if (graph_.output_names.size() != body.returns.size()) fail_graph("not as many output names as outputs");
  for (std::size_t i = 0; i < body.args.size(); ++i) {
    define(body.args[i], ValueKind::kInput, NodeId(), 0, i, "input");
    const std::string what = concat("input ", excerpt(graph_.input_names[i]));
    for (const Size& size : graph_.value(body.args[i]).type.shape) {
      size_is_not_negative(context_, size, [&] { return concat("graph ", excerpt(graph_.name), ": ", what); });
    }
  }
}

void GraphWalk::define(ValueId id, ValueKind kind, NodeId node, std::size_t region, std::size_t index,
                       const std::string& what) {
  if (id.index >= graph_.values.size()) fail_graph(what + ": a value out of range");
  const Value& value = graph_.value(id);
  const bool has_node = kind != ValueKind::kInput;
  const bool matches = value.kind == kind && value.index == index && (!has_node || value.node == node) &&
                       (kind != ValueKind::kRegionArg || value.region == region);
  if (!matches) fail_graph(what + ": a value that belongs elsewhere");
  if (seen_[id.index] != Seen::kNo) fail_graph(what + ": a value defined twice");
  seen_[id.index] = Seen::kVisible;
  defined_.push_back(id);
}

// `node` is null for returns and updates, which `user` names.
void GraphWalk::value_is_visible(ValueId id, const std::string& user, const Node* node) const {
  const auto fail_use = [&](const std::string& message) {
    if (node != nullptr) fail_node(*node, message);
    fail_graph(user + ": " + message);
  };
  if (id.index >= graph_.values.size()) fail_use("uses a value out of range");
  const ValueKind kind = graph_.value(id).kind;
  if (kind == ValueKind::kParam || kind == ValueKind::kState || kind == ValueKind::kConstant) return;
  if (seen_[id.index] == Seen::kVisible) return;
  const std::string number = numbers_[id.index] == kUnnumbered ? "a value" : concat("%", numbers_[id.index]);
  fail_use(seen_[id.index] == Seen::kNo ? concat("uses ", number, " before its definition")
                                        : concat("uses ", number, " of a region that has ended"));
}

void GraphWalk::region_is_sound(const Region& region, int depth) {
  for (const NodeId id : region.nodes) {
    if (id.index >= graph_.nodes.size()) fail_graph("a region names a node out of range");
    if (node_is_seen_[id.index]) fail_node(graph_.node(id), "lies in two places");
    node_is_seen_[id.index] = true;
    node_is_sound(id, depth);
  }
}

void GraphWalk::node_is_sound(NodeId id, int depth) {
  const Node& node = graph_.node(id);
  op_is_known(node);
  for (const ValueId result : node.results) {
    if (result.index >= graph_.values.size()) fail_node(node, "a result out of range");
    numbers_[result.index] = next_number_++;
  }
  counts_are_kept(node);
  origin_is_text(node);
  for (const ValueId operand : node.operands) value_is_visible(operand, {}, &node);
  const auto where = [&] { return label(node); };
  attrs_are_sound(context_, node, where);
  if (node.op->has(kRegionOp)) inner_regions_are_sound(id, node, depth);
  types_are_as_inferred(context_, graph_, node, where);
  for (std::size_t i = 0; i < node.results.size(); ++i) {
    define(node.results[i], ValueKind::kResult, id, 0, i, "result");
  }
}

// A row of the table, and not something that looks like one.
void GraphWalk::op_is_known(const Node& node) const {
  const std::span<const OpRow> rows = op_table();
  const bool is_row =
      node.op != nullptr && !std::less<>()(node.op, rows.data()) && std::less<>()(node.op, rows.data() + rows.size());
  if (!is_row) fail_graph("a node without an op");
}

void GraphWalk::counts_are_kept(const Node& node) const {
  const auto check = [&](std::size_t count, std::string_view what) {
    if (count <= kMaxOperands) return;
    fail_node(node, concat("got ", count, " ", what, ", expected at most ", kMaxOperands), ErrorCode::kLimit);
  };
  check(node.operands.size(), "operands");
  check(node.results.size(), "results");
  for (const Region& region : node.regions) {
    check(region.args.size(), "region args");
    check(region.returns.size(), "region returns");
  }
  const std::size_t expected = node.op->has(kRegionOp) ? region_names(*node.op).size() : 0;
  if (node.regions.size() != expected) {
    fail_node(node, concat("got ", node.regions.size(), " regions, expected ", expected));
  }
}

void GraphWalk::origin_is_text(const Node& node) const {
  const Origin& origin = node.origin;
  const bool is_text = (origin.file.empty() || is_valid_name(origin.file)) &&
                       (origin.composite.empty() || is_valid_name(origin.composite));
  if (!is_text || origin.line < 0) fail_node(node, "its origin is not a file, a line and a composite");
}

void GraphWalk::inner_regions_are_sound(NodeId id, const Node& node, int depth) {
  if (depth == kMaxNesting) {
    fail_node(node, concat("regions nested deeper than ", kMaxNesting), ErrorCode::kLimit);
  }
  for (std::size_t r = 0; r < node.regions.size(); ++r) {
    const Region& region = node.regions[r];
    const std::size_t first_defined = defined_.size();
    for (std::size_t i = 0; i < region.args.size(); ++i) {
      define(region.args[i], ValueKind::kRegionArg, id, r, i, "region arg");
      numbers_[region.args[i].index] = next_number_++;
    }
    region_args_are_as_ruled(graph_, node, r, [&] { return label(node); });
    region_is_sound(region, depth + 1);
    for (const ValueId value : region.returns) value_is_visible(value, {}, &node);
    while (defined_.size() > first_defined) {
      seen_[defined_.back().index] = Seen::kOutOfScope;
      defined_.pop_back();
    }
  }
}

void GraphWalk::returns_are_visible() const {
  for (const ValueId value : graph_.body.returns) value_is_visible(value, "return", nullptr);
}

void GraphWalk::updates_are_sound() const {
  std::set<std::uint32_t> updated;
  for (const Update& update : graph_.updates) {
    if (update.state >= context_.module.states.size()) fail_graph("update: a state out of range");
    const State& state = context_.module.states[update.state];
    const std::string what = concat("update of state ", excerpt(state.name));
    if (!updated.insert(update.state).second) fail_graph(what + ": is updated twice");
    value_is_visible(update.value, what, nullptr);
    const TensorType& type = graph_.value(update.value).type;
    if (!(type == state.type)) {
      fail_graph(concat(what, ": got ", to_string(type), ", expected ", to_string(state.type)));
    }
  }
}

void GraphWalk::nothing_dangles() const {
  for (std::size_t i = 0; i < node_is_seen_.size(); ++i) {
    if (!node_is_seen_[i]) fail_graph(concat("node ", i, " of the table lies in no region"));
  }
  for (std::size_t i = 0; i < seen_.size(); ++i) {
    const ValueKind kind = graph_.values[i].kind;
    const bool is_free = kind == ValueKind::kParam || kind == ValueKind::kState || kind == ValueKind::kConstant;
    if (!is_free && seen_[i] == Seen::kNo) fail_graph(concat("value ", i, " of the table is defined nowhere"));
  }
}

}  // namespace

void graph_is_sound(const Context& context, const Graph& graph) {
  GraphWalk(context, graph).check();
}

}  // namespace ingot::laws
