// Appends checked nodes. Every call checks first and changes the graph only when it succeeds; each costs the time of
// its own operands, not of the graph.
#include "graph/builder.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "graph/budgets.h"
#include "graph/constant.h"
#include "graph/quoted.h"
#include "graph/regions.h"

namespace ingot {
namespace {

std::size_t add_graph(Module& module, std::string name) {
  if (!is_valid_name(name)) fail(ErrorCode::kArgument, concat("graph: cannot be named ", excerpt(name)));
  if (module.find_graph(name) != nullptr) {
    fail(ErrorCode::kArgument, concat("graph: the module already has a graph ", excerpt(name)));
  }
  module.graphs.emplace_back().name = std::move(name);
  return module.graphs.size() - 1;
}

std::size_t index_of(const Module& module, const Graph& graph) {
  for (std::size_t i = 0; i < module.graphs.size(); ++i) {
    if (&module.graphs[i] == &graph) return i;
  }
  fail(ErrorCode::kInternal, "builder: the graph does not belong to the module");
}

// The value of a param or state, made at its first use.
ValueId& slot(std::vector<ValueId>& values, std::uint32_t index) {
  if (index >= values.size()) values.resize(index + std::size_t{1});
  return values[index];
}

}  // namespace

GraphBuilder::GraphBuilder(Module& module, std::string graph_name)
    : module_(module), graph_index_(add_graph(module, std::move(graph_name))), guards_(module) {
  index_values();
}

GraphBuilder::GraphBuilder(Module& module, Graph& graph)
    : module_(module), graph_index_(index_of(module, graph)), guards_(module) {
  index_values();
}

Graph& GraphBuilder::graph() {
  return module_.graphs[graph_index_];
}

// Takes note of what an existing graph holds.
void GraphBuilder::index_values() {
  const Graph& g = graph();
  scopes_.assign(g.values.size(), 0);
  scope_is_open_.assign(1, true);
  for (std::uint32_t i = 0; i < g.values.size(); ++i) {
    const Value& value = g.values[i];
    if (value.kind == ValueKind::kParam) slot(param_values_, value.index) = ValueId(i);
    if (value.kind == ValueKind::kState) slot(state_values_, value.index) = ValueId(i);
    if (value.kind != ValueKind::kConstant) continue;
    const TensorData& data = g.constants[value.index];
    constants_.emplace(constant_key(value.type, {data.data, data.size_bytes}), ValueId(i));
  }
  index_region(g.body, 0);
}

void GraphBuilder::index_region(const Region& region, std::uint32_t scope) {
  const Graph& g = graph();
  for (const ValueId arg : region.args) scopes_[arg.index] = scope;
  for (const NodeId id : region.nodes) {
    for (const ValueId result : g.node(id).results) scopes_[result.index] = scope;
    for (const Region& inner : g.node(id).regions) {
      scope_is_open_.push_back(false);
      index_region(inner, static_cast<std::uint32_t>(scope_is_open_.size() - 1));
    }
  }
}

ValueId GraphBuilder::add_value(Value value, std::uint32_t scope) {
  graph().values.push_back(std::move(value));
  scopes_.push_back(scope);
  return ValueId(static_cast<std::uint32_t>(scopes_.size() - 1));
}

std::vector<ValueId> GraphBuilder::add_results(NodeId node, std::vector<TensorType> types) {
  std::vector<ValueId> results;
  results.reserve(types.size());
  for (std::uint32_t i = 0; i < types.size(); ++i) {
    results.push_back(
        add_value({.kind = ValueKind::kResult, .type = std::move(types[i]), .node = node, .region = 0, .index = i},
                  current_scope()));
  }
  graph().nodes[node.index].results = results;
  return results;
}

Region& GraphBuilder::current_region(std::string_view what) {
  if (open_.empty()) return graph().body;
  if (!open_.back().in_region) {
    fail(ErrorCode::kArgument, concat(what, ": comes between the regions of ", graph().node(open_.back().id).op->name,
                                      ", expected begin_region or end_node"));
  }
  return graph().nodes[open_.back().id.index].regions.back();
}

void GraphBuilder::require_visible(ValueId id, std::string_view user) const {
  if (id.index >= scopes_.size()) fail(ErrorCode::kArgument, concat(user, ": a value that the graph does not have"));
  if (!scope_is_open_[scopes_[id.index]]) {
    fail(ErrorCode::kRecord, concat(user, ": uses a value of a region that has ended"));
  }
}

void GraphBuilder::require_top_level(std::string_view what) const {
  if (!open_.empty()) fail(ErrorCode::kArgument, concat(what, ": is inside a region, expected the top level"));
}

void GraphBuilder::require_declared(const Size& size, std::string_view user) const {
  if (size.is_constant()) return;
  for (const std::string& name : size.dims()) {
    if (std::none_of(module_.dims.begin(), module_.dims.end(), [&](const Dim& dim) { return dim.name == name; })) {
      fail(ErrorCode::kArgument, concat(user, ": the module has no dim ", name));
    }
  }
}

ValueId GraphBuilder::add_input(std::string name, TensorType type) {
  require_top_level("input");
  Graph& g = graph();
  const std::string what = "input " + excerpt(name);
  if (!is_valid_name(name)) fail(ErrorCode::kArgument, what + ": is no name");
  const auto same = [&](const auto& tensor) { return tensor.name == name; };
  if (std::find(g.input_names.begin(), g.input_names.end(), name) != g.input_names.end() ||
      std::any_of(module_.params.begin(), module_.params.end(), same) ||
      std::any_of(module_.states.begin(), module_.states.end(), same)) {
    fail(ErrorCode::kArgument, what + ": there is already an input, param or state of this name");
  }
  for (const Size& size : type.shape) require_declared(size, what);
  guards_.discard();
  check_type(ShapeContext{.dims = module_.dims, .guards = &guards_, .op = what}, type);
  guards_.commit();
  const std::uint32_t index = static_cast<std::uint32_t>(g.body.args.size());
  const ValueId id =
      add_value({.kind = ValueKind::kInput, .type = std::move(type), .node = {}, .region = 0, .index = index}, 0);
  graph().body.args.push_back(id);
  graph().input_names.push_back(std::move(name));
  return id;
}

ValueId GraphBuilder::use_param(std::uint32_t param_index) {
  if (param_index >= module_.params.size())
    fail(ErrorCode::kArgument, concat("param: there is no param ", param_index));
  ValueId& id = slot(param_values_, param_index);
  if (!id.valid()) {
    id = add_value({.kind = ValueKind::kParam,
                    .type = resolve(module_, param_index).type,
                    .node = {},
                    .region = 0,
                    .index = param_index},
                   0);
  }
  return id;
}

ValueId GraphBuilder::use_state(std::uint32_t state_index) {
  if (state_index >= module_.states.size())
    fail(ErrorCode::kArgument, concat("state: there is no state ", state_index));
  ValueId& id = slot(state_values_, state_index);
  if (!id.valid()) {
    id = add_value({.kind = ValueKind::kState,
                    .type = module_.states[state_index].type,
                    .node = {},
                    .region = 0,
                    .index = state_index},
                   0);
  }
  return id;
}

ValueId GraphBuilder::add_constant(TensorType type, std::span<const std::byte> bytes) {
  const std::vector<std::byte> canonical = canonical_constant(type, bytes);
  const auto [found, is_new] = constants_.try_emplace(constant_key(type, canonical));
  if (is_new) {
    Graph& g = graph();
    const std::uint32_t index = static_cast<std::uint32_t>(g.constants.size());
    g.constants.push_back(copy_data(canonical.data(), canonical.size()));
    found->second =
        add_value({.kind = ValueKind::kConstant, .type = std::move(type), .node = {}, .region = 0, .index = index}, 0);
  }
  return found->second;
}

void GraphBuilder::check_call(const OpRow& op, const std::vector<ValueId>& operands, const Attrs& attrs) const {
  if (operands.size() > kMaxOperands) {
    fail(ErrorCode::kLimit, concat(op.name, ": got ", operands.size(), " operands, expected at most ", kMaxOperands));
  }
  if (module_.graphs[graph_index_].nodes.size() >= kMaxNodes) {
    fail(ErrorCode::kLimit, concat(op.name, ": a graph has at most ", kMaxNodes, " nodes"));
  }
  for (const ValueId id : operands) require_visible(id, op.name);
  for (const AttrValue& attr : attrs) {
    if (const Size* size = std::get_if<Size>(&attr)) require_declared(*size, op.name);
    if (const Shape* shape = std::get_if<Shape>(&attr)) {
      for (const Size& size : *shape) require_declared(size, op.name);
    }
  }
}

std::vector<ValueId> GraphBuilder::add_node(const OpRow& op, std::vector<ValueId> operands, Attrs attrs,
                                            Origin origin) {
  current_region(op.name);
  check_call(op, operands, attrs);
  Graph& g = graph();
  std::vector<const TensorType*> types;
  types.reserve(operands.size());
  for (const ValueId id : operands) types.push_back(&g.value(id).type);
  guards_.discard();
  std::vector<TensorType> result_types = infer(op, types, attrs, module_.dims, &guards_);
  guards_.commit();
  const NodeId id(static_cast<std::uint32_t>(g.nodes.size()));
  g.nodes.push_back({.op = &op,
                     .operands = std::move(operands),
                     .results = {},
                     .attrs = std::move(attrs),
                     .regions = {},
                     .origin = std::move(origin)});
  current_region(op.name).nodes.push_back(id);
  return add_results(id, std::move(result_types));
}

void GraphBuilder::begin_node(const OpRow& op, std::vector<ValueId> operands, Attrs attrs, Origin origin) {
  if (!op.has(kRegionOp)) fail(ErrorCode::kArgument, concat(op.name, ": has no regions, expected add_node"));
  current_region(op.name);
  check_call(op, operands, attrs);
  if (open_.size() >= static_cast<std::size_t>(kMaxNesting)) {
    fail(ErrorCode::kLimit, concat(op.name, ": regions are nested deeper than ", kMaxNesting));
  }
  Graph& g = graph();
  const NodeId id(static_cast<std::uint32_t>(g.nodes.size()));
  open_.push_back({.id = id,
                   .in_region = false,
                   .scope = current_scope(),
                   .num_values = g.values.size(),
                   .num_nodes = g.nodes.size(),
                   .num_constants = g.constants.size(),
                   .num_guards = module_.guards.size()});
  g.nodes.push_back({.op = &op,
                     .operands = std::move(operands),
                     .results = {},
                     .attrs = std::move(attrs),
                     .regions = {},
                     .origin = std::move(origin)});
}

std::vector<ValueId> GraphBuilder::begin_region(std::span<const TensorType> arg_types) {
  if (open_.empty() || open_.back().in_region) fail(ErrorCode::kArgument, "begin_region: no node waits for a region");
  const NodeId id = open_.back().id;
  Node& node = graph().nodes[id.index];
  const std::uint32_t region = static_cast<std::uint32_t>(node.regions.size());
  if (region >= region_names(*node.op).size()) {
    fail(ErrorCode::kArgument, concat(node.op->name, ": has only ", region, " regions"));
  }
  const std::vector<TensorType> expected = region_arg_types(graph(), node, region);
  if (!std::equal(arg_types.begin(), arg_types.end(), expected.begin(), expected.end())) {
    fail(ErrorCode::kArgument,
         concat(node.op->name, ": args of ", region_names(*node.op)[region], " do not fit the operands: got ",
                arg_types.size(), " args, expected ", expected.size(), " of the operands' types"));
  }
  node.regions.emplace_back();
  scope_is_open_.push_back(true);
  open_.back().in_region = true;
  open_.back().scope = static_cast<std::uint32_t>(scope_is_open_.size() - 1);
  std::vector<ValueId> args;
  for (std::uint32_t i = 0; i < expected.size(); ++i) {
    args.push_back(
        add_value({.kind = ValueKind::kRegionArg, .type = expected[i], .node = id, .region = region, .index = i},
                  current_scope()));
  }
  graph().nodes[id.index].regions.back().args = args;
  return args;
}

void GraphBuilder::end_region(std::vector<ValueId> returns) {
  if (open_.empty() || !open_.back().in_region) fail(ErrorCode::kArgument, "end_region: no region is open");
  Node& node = graph().nodes[open_.back().id.index];
  for (const ValueId id : returns) require_visible(id, node.op->name);
  node.regions.back().returns = std::move(returns);
  scope_is_open_[open_.back().scope] = false;
  open_.back().in_region = false;
  open_.back().scope = open_.size() < 2 ? 0 : open_[open_.size() - 2].scope;
}

std::vector<ValueId> GraphBuilder::end_node() {
  if (open_.empty() || open_.back().in_region) fail(ErrorCode::kArgument, "end_node: no node waits for its end");
  const NodeId id = open_.back().id;
  std::vector<TensorType> types;
  guards_.discard();
  try {
    types = infer_region_node(graph(), graph().node(id), module_.dims, &guards_);
  } catch (...) {
    abandon_node();
    throw;
  }
  guards_.commit();
  open_.pop_back();
  current_region("end_node").nodes.push_back(id);
  return add_results(id, std::move(types));
}

void GraphBuilder::abandon_node() {
  if (open_.empty()) fail(ErrorCode::kArgument, "abandon_node: no node is open");
  const OpenNode begun = open_.back();
  if (begun.in_region) scope_is_open_[begun.scope] = false;
  open_.pop_back();
  Graph& g = graph();
  g.values.resize(begun.num_values);
  g.nodes.resize(begun.num_nodes);
  g.constants.resize(begun.num_constants);
  scopes_.resize(begun.num_values);
  guards_.discard();
  guards_.truncate(begun.num_guards);
  const auto is_gone = [&](ValueId id) { return id.valid() && id.index >= begun.num_values; };
  std::replace_if(param_values_.begin(), param_values_.end(), is_gone, ValueId());
  std::replace_if(state_values_.begin(), state_values_.end(), is_gone, ValueId());
  std::erase_if(constants_, [&](const auto& entry) { return is_gone(entry.second); });
}

void GraphBuilder::add_update(std::uint32_t state_index, ValueId value) {
  require_top_level("update");
  if (state_index >= module_.states.size()) {
    fail(ErrorCode::kArgument, concat("update: there is no state ", state_index));
  }
  const State& state = module_.states[state_index];
  const std::string what = "update of " + excerpt(state.name);
  require_visible(value, what);
  Graph& g = graph();
  const auto same = [&](const Update& update) { return update.state == state_index; };
  if (std::any_of(g.updates.begin(), g.updates.end(), same)) {
    fail(ErrorCode::kArgument, what + ": the state is updated twice");
  }
  const TensorType& type = g.value(value).type;
  if (!(type == state.type)) {
    fail(type.dtype == state.type.dtype ? ErrorCode::kShape : ErrorCode::kDType,
         concat(what, ": types differ: got ", to_string(type), ", expected ", to_string(state.type)));
  }
  g.updates.push_back({state_index, value});
}

void GraphBuilder::set_outputs(std::vector<ValueId> outputs, std::vector<std::string> names) {
  require_top_level("outputs");
  if (names.size() != outputs.size()) {
    fail(ErrorCode::kArgument, concat("outputs: got ", names.size(), " names for ", outputs.size(), " values"));
  }
  for (const ValueId id : outputs) require_visible(id, "outputs");
  std::set<std::string_view> seen;
  for (const std::string& name : names) {
    if (name.empty()) continue;
    if (!is_valid_name(name)) fail(ErrorCode::kArgument, concat("outputs: ", excerpt(name), " is no name"));
    if (!seen.insert(name).second) fail(ErrorCode::kArgument, concat("outputs: two are named ", excerpt(name)));
  }
  graph().body.returns = std::move(outputs);
  graph().output_names = std::move(names);
}

}  // namespace ingot
