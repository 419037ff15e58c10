// A pass rewrites one graph in place and keeps every bit of every result ("exact"). Same graph, same result.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "optimize/group_form.h"

namespace ingot {

// What the runtime's own kernels can do; handed down by program.cpp, because optimize may not see execute.
class Evaluator {
 public:
  virtual ~Evaluator() = default;
  // Whether the op runs on values of `dtype` (of value_operand) with results of `result`.
  virtual bool computes(const OpRow& op, DType dtype, DType result) const = 0;
  // Whether the kernel of the form's anchor, which is valid, runs the group on its result, tile by tile.
  virtual bool takes_group(const Graph& graph, const GroupForm& form) const = 0;
  // Whether there is a kernel for matmul, rows, matmul in one step.
  virtual bool computes_attention(DType dtype) const = 0;
  // Runs one node on constant operands.
  // Bytes of the single result, or empty when the node cannot be evaluated (it would fail, or there is no kernel).
  virtual std::vector<std::byte> evaluate(const OpRow& op, std::span<const TensorType> operand_types,
                                          std::span<const std::span<const std::byte>> operands, const Attrs& attrs,
                                          const TensorType& result_type) const = 0;
  // In which panels the op's kernel can read an operand of this many axes.
  virtual PanelWish panel_wish(const OpRow& /*op*/, DType /*dtype*/, std::size_t /*operand*/, std::size_t /*rank*/,
                               const Attrs& /*attrs*/) const {
    return {};
  }
  // The bytes of a param, laid anew.
  virtual TensorData lay(const TensorType& type, const TensorData& data, const Layout& from, const Layout& to) const;
};

struct PassContext {
  Module& module;  // folded values larger than a constant become params
  Graph& graph;
  const Evaluator* evaluator;  // may be null: then nothing is folded
};

struct Pass {
  std::string_view name;
  bool (*run)(const PassContext& context);  // true if it changed the graph
  bool of_module = false;  // about all graphs of the module: runs once, behind the others, and is given the first
  bool of_plan = false;    // the planner's: `run` is null
};

// The ordered list; one screen, pipeline.cpp.
std::span<const Pass> pipeline();

// Runs the pipeline on every graph of the module, less the passes named in `disabled` (ArgumentError for an unknown
// name). With `verify_each`, verifies after each pass.
void optimize(Module& module, std::span<const std::string> disabled, const Evaluator* evaluator, bool verify_each);

}  // namespace ingot
