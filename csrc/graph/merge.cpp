// Several recorded graphs into one module. States go first, then params: a param may be renamed, a state may not.
// Linear in the graphs and in the bytes of params of equal name.
#include "graph/merge.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>

#include "base/error.h"
#include "graph/builder.h"
#include "graph/quoted.h"

namespace ingot {
namespace {

[[noreturn]] void fail_merge(std::string_view message) {
  fail(ErrorCode::kArgument, concat("merge: ", message));
}

bool same_bytes(const TensorData& a, const TensorData& b) {
  if (a.size_bytes != b.size_bytes) return false;
  return a.data == b.data || a.size_bytes == 0 || std::memcmp(a.data, b.data, a.size_bytes) == 0;
}

bool same_content(const Param& a, const Param& b) {
  return a.type == b.type && a.layout == b.layout && same_bytes(a.data, b.data);
}

// Where the params and states of one source module lie in the result.
struct Mapping {
  std::vector<std::uint32_t> params, states;
};

class Merger {
 public:
  explicit Merger(std::span<const NamedGraph> graphs) : graphs_(graphs) {}

  Module run() {
    for (const NamedGraph& named : graphs_) check(named);
    for (const Module* source : sources_) {
      add_dims(*source);
      add_guards(*source);
      result_.metadata.insert(source->metadata.begin(), source->metadata.end());
      for (const State& state : source->states) mappings_[source].states.push_back(add_state(state));
    }
    for (const Module* source : sources_) {
      for (const Param& param : source->params) add_param(*source, param);
    }
    for (const NamedGraph& named : graphs_) add_graph(named);
    return std::move(result_);
  }

 private:
  void check(const NamedGraph& named) {
    INGOT_CHECK(named.module != nullptr);
    if (named.graph >= named.module->graphs.size()) fail_merge(concat("there is no graph ", named.graph));
    if (!is_valid_name(named.name)) fail_merge(concat("a graph cannot be named ", excerpt(named.name)));
    if (!graph_names_.insert(named.name).second) fail_merge(concat("two graphs are named ", excerpt(named.name)));
    if (sources_.empty()) {
      result_.format_version = named.module->format_version;
      result_.numerics_version = named.module->numerics_version;
    }
    if (named.module->format_version != result_.format_version ||
        named.module->numerics_version != result_.numerics_version) {
      fail_merge("the modules have different versions");
    }
    const Graph& graph = named.module->graphs[named.graph];
    input_names_.insert(graph.input_names.begin(), graph.input_names.end());
    if (mappings_.try_emplace(named.module).second) sources_.push_back(named.module);
  }

  void add_dims(const Module& source) {
    for (const Dim& dim : source.dims) {
      const auto found = std::find_if(result_.dims.begin(), result_.dims.end(),
                                      [&](const Dim& known) { return known.name == dim.name; });
      if (found == result_.dims.end()) {
        result_.dims.push_back(dim);
      } else if (!(*found == dim)) {
        fail_merge(concat("dim ", dim.name, " has two ranges: got ", found->lo, "..", upper_end(*found), " and ",
                          dim.lo, "..", upper_end(dim)));
      }
    }
  }

  static std::string upper_end(const Dim& dim) { return dim.hi == kUnbounded ? "" : std::to_string(dim.hi); }

  void add_guards(const Module& source) {
    for (const Guard& guard : source.guards) guards_.add(guard);
    guards_.commit();
  }

  std::uint32_t add_state(const State& state) {
    const auto [found, is_new] = state_indexes_.try_emplace(state.name, result_.states.size());
    if (is_new) {
      if (input_names_.contains(state.name)) {
        fail_merge(concat("a state and an input are both named ", excerpt(state.name)));
      }
      result_.states.push_back(state);
    } else if (const State& known = result_.states[found->second];
               !(known.type == state.type) || !same_bytes(known.init, state.init)) {
      fail_merge(concat("state ", excerpt(state.name), " has two types or initial values: got ", to_string(known.type),
                        " and ", to_string(state.type)));
    }
    return static_cast<std::uint32_t>(found->second);
  }

  void add_param(const Module& source, const Param& param) {
    Mapping& mapping = mappings_[&source];
    const std::uint32_t own_index = static_cast<std::uint32_t>(mapping.params.size());
    const auto found = param_indexes_.find(param.name);
    if (found != param_indexes_.end() && same_content(resolve(source, own_index), resolve(result_, found->second))) {
      mapping.params.push_back(found->second);
      return;
    }
    Param added = param;
    added.name = free_name(param.name);
    if (param.alias_of) {
      const std::uint32_t target = mapping.params[*param.alias_of];
      added.alias_of = result_.params[target].alias_of.value_or(target);
    }
    const std::uint32_t index = static_cast<std::uint32_t>(result_.params.size());
    param_indexes_.emplace(added.name, index);
    mapping.params.push_back(index);
    result_.params.push_back(std::move(added));
  }

  // name, name_2, name_3, ...: the first that nothing in the result is called.
  std::string free_name(const std::string& name) {
    std::string candidate = name;
    std::size_t& number = last_numbers_.try_emplace(name, 1).first->second;
    while (param_indexes_.contains(candidate) || state_indexes_.contains(candidate) ||
           input_names_.contains(candidate)) {
      candidate = concat(name, "_", ++number);
    }
    return candidate;
  }

  void add_graph(const NamedGraph& named) {
    const Mapping& mapping = mappings_[named.module];
    Graph& graph = result_.graphs.emplace_back(named.module->graphs[named.graph]);
    graph.name = named.name;
    for (Value& value : graph.values) {
      if (value.kind == ValueKind::kParam) value.index = mapping.params.at(value.index);
      if (value.kind == ValueKind::kState) value.index = mapping.states.at(value.index);
    }
    for (Update& update : graph.updates) update.state = mapping.states.at(update.state);
  }

  std::span<const NamedGraph> graphs_;
  Module result_;
  GuardRecorder guards_{result_};
  std::vector<const Module*> sources_;  // each once, in order
  std::unordered_map<const Module*, Mapping> mappings_;
  std::set<std::string> graph_names_, input_names_;
  std::unordered_map<std::string, std::size_t> state_indexes_;
  std::unordered_map<std::string, std::uint32_t> param_indexes_;
  std::unordered_map<std::string, std::size_t> last_numbers_;  // of renamed params
};

}  // namespace

Module merge_modules(std::span<const NamedGraph> graphs) {
  return Merger(graphs).run();
}

Module with_extra_outputs(const Module& module, std::size_t graph, std::span<const ValueId> values) {
  if (graph >= module.graphs.size()) fail(ErrorCode::kArgument, concat("outputs: there is no graph ", graph));
  Module result = module;
  Graph& g = result.graphs[graph];
  std::vector<bool> is_top_level(g.nodes.size(), false);
  for (const NodeId id : g.body.nodes) is_top_level[id.index] = true;
  for (const ValueId id : values) {
    if (id.index >= g.values.size()) fail(ErrorCode::kArgument, concat("outputs: there is no value ", id.index));
    const Value& value = g.value(id);
    if (value.kind == ValueKind::kRegionArg || (value.kind == ValueKind::kResult && !is_top_level[value.node.index])) {
      fail(ErrorCode::kArgument, "outputs: a value inside a region cannot be fetched, expected one of the top level");
    }
    g.body.returns.push_back(id);
    g.output_names.emplace_back();
  }
  return result;
}

}  // namespace ingot
