// What callers must hand to a graph, and how its dims follow from that. Part of program.
// Thread rule: a Signature is immutable.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "arrays.h"
#include "base/size_table.h"
#include "program.h"

namespace ingot {

// An axis of an input. The first that is a bare dim gives the dim its value; the others are compared.
struct AxisRule {
  std::uint32_t input = 0, axis = 0;
  std::uint32_t dim = 0;    // into Signature::dims; of defining axes
  std::uint32_t entry = 0;  // into Signature::sizes
  Size size;
};

inline constexpr std::int64_t kSymbolic = -1;

// A declared type in numbers: what an array is compared with.
struct TypeNumbers {
  std::int64_t shape[kMaxRank] = {};     // kSymbolic where dims decide
  std::uint32_t entries[kMaxRank] = {};  // into Signature::sizes
  int rank = 0;
  DType dtype = DType::kF32;
  std::int64_t element_bytes = 0;
};

struct Signature {
  std::string graph;
  std::vector<std::string> input_names, output_names;  // an unnamed output has its number
  std::vector<TensorType> inputs, outputs;
  std::vector<Dim> dims;  // of this graph, in the module's order
  std::vector<AxisRule> defining, compared;
  std::vector<Guard> guards;  // those that name no other graph's dim
  SizeTable sizes;            // over the dims, in their order
  std::vector<TypeNumbers> input_numbers, output_numbers;
  std::vector<std::uint32_t> guard_entries;  // into sizes
  bool has_bool_inputs = false;
};

// Throws ArgumentError naming a dim that is the size of no input.
Signature make_signature(const Module& module, const Graph& graph);

// Values of a signature's dims, in its order. Room for them is made once.
using BoundDims = std::vector<std::int64_t>;
DimValues named_dims(const Signature& signature, const BoundDims& dims);

// Checks counts, dtypes, ranks, sizes, ranges and guards; writes dims. Allocates only to report an error.
void bind_inputs(const Signature& signature, std::span<const ArrayRef> inputs, BoundDims& dims);

// The same for plain arrays: false where something does not fit, for bind_inputs to report. `dims` has room for all.
// Throws ShapeError when a size overflows.
bool match_inputs(const Signature& signature, std::span<const PlainArray> inputs, std::int64_t* dims);

// Writes the sizes of an axis each: rank of them.
void evaluate_shape(const Signature& signature, const TypeNumbers& type, const std::int64_t* dims, std::int64_t* shape);

// True when plain outputs have the right shapes and overlap neither each other nor an input.
bool match_outputs(const Signature& signature, const std::int64_t* dims, std::span<const PlainArray> inputs,
                   std::span<const PlainArray> outputs);

// Checks counts, dtypes, shapes, contiguity and alignment of the outputs, and that none overlaps another array.
// `extents` is scratch with room for every array.
struct TaggedExtent {
  Extent extent;
  std::uint32_t index = 0;
  bool is_output = false;
};
void check_outputs(const Signature& signature, const BoundDims& dims, std::span<const ArrayRef> inputs,
                   std::span<const ArrayRef> outputs, std::vector<TaggedExtent>& extents);

}  // namespace ingot
