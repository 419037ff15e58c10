// The text form of a module: printed and parsed; print(parse(print(m))) == print(m). Grammar: docs/file_format.md.
// Tensor data is not part of the text: the parser leaves Param::data empty; a stored state's init has its size but no
// bytes (data is null) until a file attaches them, so that it still prints as stored.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "graph/graph.h"

namespace ingot {

std::string print_module(const Module& module);
// One graph alone, as in print_module.
std::string print_graph(const Module& module, const Graph& graph);

// The number N of every value that prints as %N, by value index; kUnnumbered for inputs, params, states, constants.
inline constexpr std::uint32_t kUnnumbered = 0xffffffffu;
std::vector<std::uint32_t> number_values(const Graph& graph);
// A value as an operand prints it: "%3", "x", "\"lm head\""; of a constant: its typed literal, "0.5:f32".
// `numbers` is number_values(graph).
std::string print_value(const Module& module, const Graph& graph, const std::vector<std::uint32_t>& numbers,
                        ValueId value);
// The literal of a constant with its type: "0.5:f32", "{1, 2}:i64[2]".
std::string print_literal(const TensorType& type, const TensorData& data);
// "axes=[1], keepdims=true": the attributes that differ from their defaults.
std::string print_attrs(const OpRow& op, const Attrs& attrs);

struct ParsedModule {
  Module module;
  std::vector<bool> state_is_stored;  // per state: its initial value is a tensor of the file
};
// Resolves names, dtypes, attributes and literals; undefined, repeated or later-defined names are errors. Types are
// taken as declared: verify re-infers them. Throws FileError naming line and column (LimitError past a budget).
// Linear in the text.
ParsedModule parse_module(std::string_view text);

}  // namespace ingot
