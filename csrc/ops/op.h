// The contract of an op: operands, attributes, dtype rule, shape rule over symbolic sizes, traits.
// The rows stand in op_table.cpp; everything that needs a fact about an op asks its row.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/dtype.h"
#include "base/size.h"

namespace ingot {

inline constexpr int kMaxRank = 8;

struct TensorType {
  DType dtype = DType::kF32;
  Shape shape;
  friend bool operator==(const TensorType&, const TensorType&) = default;
};

std::string to_string(const TensorType& type);  // "f32[batch,784]"
// Bytes of all elements. Throws ShapeError on overflow.
Size num_bytes(const TensorType& type);

// Attributes are stored in the order of the row's specs, defaults filled in. kSize and kSizes may hold dims.
enum class AttrKind : std::uint8_t { kInt, kFloat, kBool, kString, kInts, kSize, kSizes, kDType };
using AttrValue = std::variant<std::int64_t, double, bool, std::string, std::vector<std::int64_t>, Size, Shape, DType>;
using Attrs = std::vector<AttrValue>;

struct AttrSpec {
  std::string_view name;
  AttrKind kind;
  bool required = true;
  AttrValue default_value = std::int64_t{0};  // meaningful when not required
};

// Where shape rules put what they cannot decide. `dims` are the ranges; an undecided condition goes to `guards`:
// recording appends it, verifying demands that the module already has it.
class GuardSink {
 public:
  virtual ~GuardSink() = default;
  virtual void add(const Guard& guard) = 0;
};

struct ShapeContext {
  std::span<const Dim> dims;
  GuardSink* guards;  // borrowed; may be null: then an undecided condition is an error
  std::string_view op;

  // Each returns when the condition holds for every binding or has become a guard; throws ShapeError with `what`
  // otherwise.
  void require_equal(const Size& a, const Size& b, std::string_view what) const;
  void require_at_least(const Size& a, const Size& b, std::string_view what) const;
  bool proves_at_least(const Size& a, const Size& b) const;
  [[noreturn]] void fail_shape(std::string message) const;  // prefixes the op's name
};

// How the result's dtype follows from the operands', and what the operands may be.
enum class DTypeRule : std::uint8_t {
  kSame,         // all operands equal, in `classes`; result the same
  kCompare,      // all operands equal, in `classes`; result bool
  kSelect,       // operand 0 bool; the others equal, in `classes`; result theirs
  kConvert,      // operand 0 in `classes`; result the attribute `dtype`
  kReinterpret,  // operand 0 in `classes`; result the attribute `dtype`, in `classes` and as wide
  kProduce,      // no operands; result the attribute `dtype`
  kPosition,     // operand 0 in `classes`; result i64
  kBits,         // operand 0 i64; result i32
  kIndexed,      // last operand i32 or i64; the others equal, in `classes`; result theirs
  kCondition,    // operand 0 bool; no result
  kRegion,       // decided by the region rules (graph/regions.h)
};

using ShapeRule = Shape (*)(const ShapeContext&, std::span<const TensorType* const> operands, const Attrs& attrs);

enum Trait : std::uint32_t {
  kPointwise = 1u << 0,     // element i of the result depends on element i of the broadcast operands alone
  kCommutative = 1u << 1,   // swapping two operands keeps every bit
  kView = 1u << 2,          // the result is a window on operand 0: no arithmetic, no copy where strides can be read
  kReduction = 1u << 3,     // combines elements over axes in the order of the numerics contract
  kContraction = 1u << 4,   // matmul-like
  kRegionOp = 1u << 5,      // has regions
  kMayFail = 1u << 6,       // can report an error at run time
  kEffect = 1u << 7,        // has an effect besides its results: never removed, merged or reordered with its kind
  kUpdatesFirst = 1u << 8,  // the result is operand 0 with a part replaced: in place when operand 0 dies here
  kChecksFirst = 1u << 9,   // whatever can fail is checked before anything is written: may write a state in place
  kAnyOrder = 1u << 10,     // kernels write the result with its axes in any order in memory
  kRowWindows = 1u << 11,   // of images [n, c, h, w]: a row of the result comes from a window of rows of operand 0, as
                            // the attributes stride, padding and, where the row has them, kernel and dilation say
};

struct OpRow {
  std::string_view name;
  std::span<const std::string_view> operand_names;  // of a variadic op: the one repeated name
  bool variadic = false;                            // one or more operands of the repeated name
  std::span<const AttrSpec> attrs;
  DTypeRule dtype_rule;
  DTypeClasses classes;
  ShapeRule shape_rule;  // null exactly for region ops
  std::uint32_t traits;

  bool has(Trait trait) const { return (traits & trait) != 0; }
};

// THE table, sorted by name. Rows are never moved: a `const OpRow*` identifies an op for the life of the process.
std::span<const OpRow> op_table();
const OpRow* find_op(std::string_view name);  // null if there is none

// Checks counts, dtypes, attributes and shapes of one application of an op without regions; returns its result types
// (none for kCondition, else one). Throws ShapeError, DTypeError, ArgumentError: "matmul: inner sizes differ: got ...".
std::vector<TensorType> infer(const OpRow& op, std::span<const TensorType* const> operands, const Attrs& attrs,
                              std::span<const Dim> dims, GuardSink* guards);

// The operand whose dtype is the one that the op computes on, and by which its kernel is found (of an op without
// operands it is the result's).
inline std::size_t value_operand(const OpRow& op) {
  return op.dtype_rule == DTypeRule::kSelect ? 1 : 0;
}

// What every type in a graph must fulfil: at most kMaxRank axes, no negative size (proved, or left to a guard), fewer
// than 2^63 bytes at the upper bounds of its bounded sizes, an empty axis counted as 1, num_bytes within the
// budget of sizes. Throws ShapeError.
void check_type(const ShapeContext& context, const TensorType& type);

// Position of an attribute in the row; InternalError if there is none.
std::size_t attr_index(const OpRow& op, std::string_view name);

// NumPy broadcasting of shapes: a literal 1 stretches, a symbolic size never does.
Shape broadcast_shapes(const ShapeContext& context, std::span<const Shape* const> shapes);

}  // namespace ingot
