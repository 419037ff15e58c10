// What the parts of the parser share: the text, the module so far, and its names. Private to the parser.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "graph/parse_lexer.h"
#include "graph/parse_names.h"
#include "graph/text.h"

namespace ingot {

struct ParseState {
  explicit ParseState(std::string_view source)
      : text(source),
        lexer(source),
        names(0, NameHash{hash_seed()}),
        dims(0, NameHash{hash_seed()}),
        graph_names(0, NameHash{hash_seed()}),
        numbers(source.size()) {}

  std::string_view text;
  Lexer lexer;
  ParsedModule result;
  NameMap<NamedItem> names;  // params, states and the inputs of the graph being read
  NameMap<Size> dims;
  NameSet graph_names;
  NameStorage storage;
  NumberedValues numbers;
  std::size_t num_nodes = 0;      // of all graphs
  std::size_t num_constants = 0;  // of all graphs
  std::string scratch;            // for names that had to be unescaped

  // The value of each param and state in the graph that last used it: no table to clear when a graph begins.
  struct TableValue {
    std::uint32_t graph = 0;  // 0: none yet
    ValueId value;
  };
  std::vector<TableValue> param_values, state_values;
};

// An expression over declared dims. Constants and bare dims cost no allocation.
Size read_size(ParseState& state);
// "f32[batch,784]"
TensorType read_type(ParseState& state);
DType read_dtype(ParseState& state);
// From after the word `graph` to the end of its last line.
void read_graph(ParseState& state);

}  // namespace ingot
