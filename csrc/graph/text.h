// The text form of a module: printed and parsed; print(parse(print(m))) == print(m). Grammar: docs/file_format.md.
// Tensor data is not part of the text: the parser leaves Param::data and State::init empty ("stored" states are
// listed).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "graph/graph.h"

namespace ingot {

std::string print_module(const Module& module);
// One graph alone, as in print_module.
std::string print_graph(const Module& module, const Graph& graph);

struct ParsedModule {
  Module module;
  std::vector<bool> state_is_stored;  // per state: its initial value is a tensor of the file
};
// Resolves names, dtypes, attributes and literals; undefined, repeated or later-defined names are errors. Types are
// taken as declared: verify re-infers them. Throws FileError naming line and column. Linear in the text.
ParsedModule parse_module(std::string_view text);

}  // namespace ingot
