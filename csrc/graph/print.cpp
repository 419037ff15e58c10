// The module as text. Takes any module whose indexes are in range; the order of everything printed is the order of its
// table, so equal modules print equal text.
#include <charconv>
#include <string>

#include "graph/literal.h"
#include "graph/quoted.h"
#include "graph/regions.h"
#include "graph/text.h"

namespace ingot {

namespace {

template <class Integer>
void append_int(std::string& out, Integer value) {
  char buffer[24];
  const std::to_chars_result end = std::to_chars(buffer, buffer + sizeof buffer, value);
  out.append(buffer, end.ptr);
}

void append_size(std::string& out, const Size& size) {
  if (size.is_constant()) {
    append_int(out, size.constant());
  } else {
    out += size.to_string();
  }
}

void append_type(std::string& out, const TensorType& type) {
  out += name(type.dtype);
  out.push_back('[');
  for (std::size_t i = 0; i < type.shape.size(); ++i) {
    if (i > 0) out.push_back(',');
    append_size(out, type.shape[i]);
  }
  out.push_back(']');
}

template <class List, class AppendItem>
void append_list(std::string& out, const List& list, AppendItem append_item) {
  out.push_back('[');
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (i > 0) out.push_back(',');
    append_item(list[i]);
  }
  out.push_back(']');
}

void append_attr(std::string& out, const AttrValue& value) {
  struct Visitor {
    std::string& out;
    void operator()(std::int64_t v) const { append_int(out, v); }
    void operator()(double v) const { append_float(out, v); }
    void operator()(bool v) const { out += v ? "true" : "false"; }
    void operator()(const std::string& v) const { append_quoted(out, v); }
    void operator()(const std::vector<std::int64_t>& v) const {
      append_list(out, v, [this](std::int64_t item) { append_int(out, item); });
    }
    void operator()(const Size& v) const { append_size(out, v); }
    void operator()(const Shape& v) const {
      append_list(out, v, [this](const Size& item) { append_size(out, item); });
    }
    void operator()(DType v) const { out += name(v); }
  };
  std::visit(Visitor{out}, value);
}

void append_elements(std::string& out, const TensorType& type, const TensorData& data) {
  if (type.shape.empty()) {
    append_element(out, type.dtype, data.data);
    return;
  }
  const std::size_t step = size_bytes(type.dtype);
  out.push_back('{');
  for (std::size_t offset = 0; offset < data.size_bytes; offset += step) {
    if (offset > 0) out += ", ";
    append_element(out, type.dtype, data.data + offset);
  }
  out.push_back('}');
}

void append_literal(std::string& out, const TensorType& type, const TensorData& data) {
  append_elements(out, type, data);
  out.push_back(':');
  if (type.shape.empty()) {
    out += name(type.dtype);
  } else {
    append_type(out, type);
  }
}

void number_region(const Graph& graph, const Region& region, std::uint32_t& next, std::vector<std::uint32_t>& numbers) {
  for (const NodeId id : region.nodes) {
    const Node& node = graph.node(id);
    for (const ValueId result : node.results) numbers[result.index] = next++;
    for (const Region& inner : node.regions) {
      for (const ValueId arg : inner.args) numbers[arg.index] = next++;
      number_region(graph, inner, next, numbers);
    }
  }
}

class GraphPrinter {
 public:
  GraphPrinter(const Module& module, const Graph& graph, const std::vector<std::uint32_t>& numbers, std::string& out)
      : module_(module), graph_(graph), numbers_(numbers), out_(out) {}

  void print() {
    out_ += "graph ";
    append_name(out_, graph_.name);
    out_.push_back('(');
    for (std::size_t i = 0; i < graph_.body.args.size(); ++i) {
      if (i > 0) out_ += ", ";
      append_name(out_, graph_.input_names[i]);
      out_ += ": ";
      append_type(out_, graph_.value(graph_.body.args[i]).type);
    }
    out_ += ") {\n";
    print_nodes(graph_.body, 1);
    print_updates();
    print_returns();
    out_ += "}\n";
  }

  void append_value(ValueId id) {
    const Value& value = graph_.value(id);
    switch (value.kind) {
      case ValueKind::kInput:
        return append_name(out_, graph_.input_names[value.index]);
      case ValueKind::kParam:
        return append_name(out_, module_.params[value.index].name);
      case ValueKind::kState:
        return append_name(out_, module_.states[value.index].name);
      case ValueKind::kConstant:
        return append_literal(out_, value.type, graph_.constants[value.index]);
      case ValueKind::kResult:
      case ValueKind::kRegionArg:
        out_.push_back('%');
        append_int(out_, numbers_[id.index]);
    }
  }

 private:
  void indent(int depth) { out_.append(static_cast<std::size_t>(depth) * 2, ' '); }

  void print_nodes(const Region& region, int depth) {
    for (const NodeId id : region.nodes) print_node(graph_.node(id), depth);
  }

  void print_node(const Node& node, int depth) {
    indent(depth);
    for (std::size_t i = 0; i < node.results.size(); ++i) {
      if (i > 0) out_ += ", ";
      append_value(node.results[i]);
    }
    if (!node.results.empty()) out_ += " = ";
    out_ += node.op->name;
    print_arguments(node);
    for (std::size_t i = 0; i < node.results.size(); ++i) {
      out_ += i == 0 ? " : " : ", ";
      append_type(out_, graph_.value(node.results[i]).type);
    }
    print_origin(node.origin);
    if (!node.regions.empty()) print_regions(node, depth);
    out_.push_back('\n');
  }

  // A rank-0 constant of the dtype of the first operand that is no constant stands bare.
  void print_arguments(const Node& node) {
    const Value* typed = nullptr;
    for (const ValueId id : node.operands) {
      if (graph_.value(id).kind == ValueKind::kConstant) continue;
      typed = &graph_.value(id);
      break;
    }
    out_.push_back('(');
    for (std::size_t i = 0; i < node.operands.size(); ++i) {
      if (i > 0) out_ += ", ";
      const Value& value = graph_.value(node.operands[i]);
      const bool bare = value.kind == ValueKind::kConstant && value.type.shape.empty() && typed != nullptr &&
                        typed->type.dtype == value.type.dtype;
      if (bare) {
        append_elements(out_, value.type, graph_.constants[value.index]);
      } else {
        append_value(node.operands[i]);
      }
    }
    const std::string attrs = print_attrs(*node.op, node.attrs);
    if (!attrs.empty() && !node.operands.empty()) out_ += ", ";
    out_ += attrs;
    out_.push_back(')');
  }

  void print_origin(const Origin& origin) {
    if (origin.file.empty() && origin.composite.empty()) return;
    out_ += "  @ ";
    if (!origin.file.empty()) {
      append_origin_word(origin.file);
      out_.push_back(':');
      append_int(out_, origin.line);
      if (!origin.composite.empty()) out_.push_back(' ');
    }
    if (!origin.composite.empty()) {
      out_ += "in ";
      append_origin_word(origin.composite);
    }
  }

  // A file called "in" is quoted, so that the word `in` always opens the composite.
  void append_origin_word(const std::string& word) {
    if (is_plain_origin(word) && word != "in") {
      out_ += word;
    } else {
      append_quoted(out_, word);
    }
  }

  void print_regions(const Node& node, int depth) {
    const std::span<const std::string_view> names = region_names(*node.op);
    out_ += " {\n";
    for (std::size_t r = 0; r < node.regions.size(); ++r) {
      const Region& region = node.regions[r];
      indent(depth + 1);
      out_ += r < names.size() ? names[r] : "region";
      out_.push_back('(');
      for (std::size_t i = 0; i < region.args.size(); ++i) {
        if (i > 0) out_ += ", ";
        append_value(region.args[i]);
        out_ += ": ";
        append_type(out_, graph_.value(region.args[i]).type);
      }
      out_ += ") {\n";
      print_nodes(region, depth + 2);
      indent(depth + 2);
      out_ += "return";
      for (std::size_t i = 0; i < region.returns.size(); ++i) {
        out_ += i > 0 ? ", " : " ";
        append_value(region.returns[i]);
      }
      out_.push_back('\n');
      indent(depth + 1);
      out_ += "}\n";
    }
    indent(depth);
    out_.push_back('}');
  }

  void print_updates() {
    for (const Update& update : graph_.updates) {
      out_ += "  update ";
      append_name(out_, module_.states[update.state].name);
      out_ += " <- ";
      append_value(update.value);
      out_.push_back('\n');
    }
  }

  void print_returns() {
    out_ += "  return";
    for (std::size_t i = 0; i < graph_.body.returns.size(); ++i) {
      out_ += i > 0 ? ", " : " ";
      append_value(graph_.body.returns[i]);
      if (graph_.output_names[i].empty()) continue;
      out_ += " as ";
      append_name(out_, graph_.output_names[i]);
    }
    out_.push_back('\n');
  }

  const Module& module_;
  const Graph& graph_;
  const std::vector<std::uint32_t>& numbers_;
  std::string& out_;
};

void append_graph(std::string& out, const Module& module, const Graph& graph) {
  const std::vector<std::uint32_t> numbers = number_values(graph);
  GraphPrinter(module, graph, numbers, out).print();
}

void append_dims(std::string& out, const Module& module) {
  for (const Dim& dim : module.dims) {
    out += "dim " + dim.name + " in ";
    append_int(out, dim.lo);
    out += "..";
    if (dim.hi != kUnbounded) append_int(out, dim.hi);
    out.push_back('\n');
  }
  for (const Guard& guard : module.guards) out += "guard " + guard.to_string() + "\n";
}

void append_params(std::string& out, const Module& module) {
  for (const Param& param : module.params) {
    out += "param ";
    append_name(out, param.name);
    if (param.alias_of) {
      out += " = ";
      append_name(out, module.params[*param.alias_of].name);
    } else {
      out += ": ";
      append_type(out, param.type);
      if (param.layout.in_panels()) out += " layout " + to_string(param.layout);
    }
    out.push_back('\n');
  }
}

void append_states(std::string& out, const Module& module) {
  for (const State& state : module.states) {
    out += "state ";
    append_name(out, state.name);
    out += ": ";
    append_type(out, state.type);
    out += state.init.size_bytes > 0 ? " = stored\n" : " = zeros\n";
  }
}

}  // namespace

std::vector<std::uint32_t> number_values(const Graph& graph) {
  std::vector<std::uint32_t> numbers(graph.values.size(), kUnnumbered);
  std::uint32_t next = 0;
  number_region(graph, graph.body, next, numbers);
  return numbers;
}

std::string print_value(const Module& module, const Graph& graph, const std::vector<std::uint32_t>& numbers,
                        ValueId value) {
  std::string out;
  GraphPrinter(module, graph, numbers, out).append_value(value);
  return out;
}

std::string print_literal(const TensorType& type, const TensorData& data) {
  std::string out;
  append_literal(out, type, data);
  return out;
}

std::string print_attrs(const OpRow& op, const Attrs& attrs) {
  std::string out;
  for (std::size_t i = 0; i < op.attrs.size() && i < attrs.size(); ++i) {
    const AttrSpec& spec = op.attrs[i];
    if (!spec.required && attrs[i] == spec.default_value) continue;
    if (!out.empty()) out += ", ";
    out += spec.name;
    out.push_back('=');
    append_attr(out, attrs[i]);
  }
  return out;
}

std::string print_graph(const Module& module, const Graph& graph) {
  std::string out;
  append_graph(out, module, graph);
  return out;
}

std::string print_module(const Module& module) {
  std::string out = "ingot ";
  append_int(out, module.format_version);
  out += "\nnumerics ";
  append_int(out, module.numerics_version);
  out.push_back('\n');
  append_dims(out, module);
  append_params(out, module);
  append_states(out, module);
  for (const Graph& graph : module.graphs) append_graph(out, module, graph);
  return out;
}

}  // namespace ingot
