// What callers must hand to a graph, and how its dims follow from that. Part of program.
// Thread rule: a Signature is immutable; BoundDims belong to one call at a time.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "arrays.h"
#include "program.h"

namespace ingot {

// An axis of an input. The first that is a bare dim gives the dim its value; the others are compared.
struct AxisRule {
  std::uint32_t input = 0, axis = 0;
  std::uint32_t dim = 0;  // into Signature::dims; of defining axes
  Size size;
};

struct Signature {
  std::string graph;
  std::vector<std::string> input_names, output_names;  // an unnamed output has its number
  std::vector<TensorType> inputs, outputs;
  std::vector<Dim> dims;  // of this graph, in the module's order
  std::vector<AxisRule> defining, compared;
  std::vector<Guard> guards;  // those that name no other graph's dim
};

// Throws ArgumentError naming a dim that is the size of no input.
Signature make_signature(const Module& module, const Graph& graph);

// The values of a signature's dims. The map is filled once, and afterwards only its values change.
class BoundDims {
 public:
  explicit BoundDims(const Signature& signature);
  BoundDims(const BoundDims&) = delete;
  BoundDims& operator=(const BoundDims&) = delete;

  const DimValues& values() const { return values_; }
  std::int64_t value(std::size_t dim) const { return *cells_[dim]; }
  void set(std::size_t dim, std::int64_t value) { *cells_[dim] = value; }

 private:
  DimValues values_;
  std::vector<std::int64_t*> cells_;  // into values_, in the order of the signature's dims
};

// Checks counts, dtypes, ranks, sizes, ranges and guards. Allocates only to report an error.
void bind_inputs(const Signature& signature, std::span<const ArrayRef> inputs, BoundDims& dims);

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
