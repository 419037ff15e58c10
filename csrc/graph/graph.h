// The module: what a file holds. Plain structs that print, compare and test; the invariants are verify's business.
// Values and nodes of a graph lie in two flat tables; regions list the nodes they own, in order, and nest through
// Node::regions. A node may use any value defined before it in its own region or in a region around it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/size.h"
#include "graph/layout.h"
#include "ops/op.h"

namespace ingot {

// Bytes of a tensor, row-major unless a layout says otherwise. `owner` keeps them alive (a mapped file, a vector, ...).
struct TensorData {
  const std::byte* data = nullptr;
  std::size_t size_bytes = 0;
  std::shared_ptr<const void> owner;
  bool mapped = false;  // of a file, read-only: its pages can be given back at any time and come again when read
};
TensorData copy_data(const void* bytes, std::size_t size_bytes);  // 64-byte aligned

// Where a node came from. `file` is relative to the recording script's folder; empty: unknown.
struct Origin {
  std::string file;
  std::int32_t line = 0;
  std::string composite;  // "gelu.3": the composite call it belongs to; free of meaning
  friend bool operator==(const Origin&, const Origin&) = default;
};

enum class ValueKind : std::uint8_t {
  kInput,      // index: into Graph::body.args
  kParam,      // index: into Module::params
  kState,      // index: into Module::states; the state as it was when the run began
  kConstant,   // index: into Graph::constants
  kResult,     // node, index: of Node::results
  kRegionArg,  // node: the region's; region, index: of Region::args
};

struct Value {
  ValueKind kind = ValueKind::kResult;
  TensorType type;
  NodeId node;
  std::uint32_t region = 0;
  std::uint32_t index = 0;
};

struct Region {
  std::vector<ValueId> args;
  std::vector<NodeId> nodes;
  std::vector<ValueId> returns;
};

struct Node {
  const OpRow* op = nullptr;
  std::vector<ValueId> operands;
  std::vector<ValueId> results;
  Attrs attrs;
  std::vector<Region> regions;
  Origin origin;
};

struct Update {
  std::uint32_t state = 0;  // into Module::states
  ValueId value;
};

struct Graph {
  std::string name;
  std::vector<Value> values;
  std::vector<Node> nodes;
  std::vector<TensorData> constants;  // at most 16 elements each
  Region body;                        // args are the inputs, returns the outputs
  std::vector<std::string> input_names;
  std::vector<std::string> output_names;  // as long as body.returns; empty: no name
  std::vector<Update> updates;            // in order; at most one for a state

  const Value& value(ValueId id) const { return values[id.index]; }
  const Node& node(NodeId id) const { return nodes[id.index]; }
};

struct Param {
  std::string name;
  TensorType type;  // constant sizes
  Layout layout = kRowMajor;
  TensorData data;                        // empty for a second name
  std::optional<std::uint32_t> alias_of;  // into Module::params, lower than its own index and itself no alias
};

struct State {
  std::string name;
  TensorType type;  // constant sizes
  TensorData init;  // empty: zeros
};

inline constexpr int kFormatVersion = 1;
inline constexpr int kNumericsVersion = 1;
inline constexpr std::int64_t kMaxConstantElements = 16;

struct Module {
  int format_version = kFormatVersion;
  int numerics_version = kNumericsVersion;
  std::vector<Dim> dims;
  std::vector<Guard> guards;
  std::vector<Param> params;
  std::vector<State> states;
  std::vector<Graph> graphs;
  std::map<std::string, std::string> metadata;  // author, licence, ...; "ingot.module" is reserved

  const Graph* find_graph(std::string_view graph_name) const;
};

// Follows a second name to the param that holds the data.
const Param& resolve(const Module& module, std::uint32_t param_index);

}  // namespace ingot
