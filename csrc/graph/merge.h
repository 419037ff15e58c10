// Several recorded graphs into one module with shared params and states, and a region or node set as a graph of its
// own.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "graph/graph.h"

namespace ingot {

struct NamedGraph {
  const Module* module;
  std::size_t graph;
  std::string name;  // in the result
};
// Params and states of equal name, type and bytes become one; a param of equal name and other content is renamed
// name_2, name_3, ...; states of equal name must agree. Dims of equal name must have equal ranges (ArgumentError).
Module merge_modules(std::span<const NamedGraph> graphs);

// Region `region` of a node as a graph whose inputs are the region's args, then the values it captures from around it
// (params, states and constants stay what they are). captured: those outer values, in input order after the args.
struct ExtractedRegion {
  Module module;
  std::vector<ValueId> captured;
};
ExtractedRegion extract_region(const Module& module, const Graph& graph, NodeId node, std::size_t region);

// A copy of the module whose graph also returns `values` (top-level values only; ArgumentError): fetching.
Module with_extra_outputs(const Module& module, std::size_t graph, std::span<const ValueId> values);

}  // namespace ingot
