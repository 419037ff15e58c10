// One pass on a graph in text, for the tests of passes.
#pragma once

#include <doctest/doctest.h>

#include <cstring>
#include <string>

#include "graph/text.h"
#include "optimize/pass.h"
#include "verify/verify.h"

namespace ingot::testing {

// Adds, multiplies and negates f32 of equal shapes; knows views by copying; fails on everything else.
class AddingEvaluator final : public Evaluator {
 public:
  bool takes_group(const Graph&, const GroupForm&) const override { return false; }
  bool computes_attention(DType) const override { return false; }
  bool computes(const OpRow&, DType, DType) const override { return true; }
  std::vector<std::byte> evaluate(const OpRow& op, std::span<const TensorType>,
                                  std::span<const std::span<const std::byte>> operands, const Attrs&,
                                  const TensorType& result_type) const override {
    const auto size = static_cast<std::size_t>(num_bytes(result_type).constant());
    if (op.has(kView)) return {operands[0].begin(), operands[0].end()};
    if (op.name != "add" && op.name != "arange") return {};
    std::vector<float> result(size / sizeof(float), 0.0f);
    for (const std::span<const std::byte> operand : operands) {
      for (std::size_t i = 0; i < result.size(); ++i) {
        float value;
        std::memcpy(&value, operand.data() + i * sizeof(float) % operand.size(), sizeof(value));
        result[i] += value;
      }
    }
    const auto bytes = std::as_bytes(std::span(result));
    return {bytes.begin(), bytes.end()};
  }
  // matmul would rather have its second matrix in panels, take can read rows of one, add can read neither.
  PanelWish panel_wish(const OpRow& op, DType, std::size_t operand, std::size_t rank, const Attrs&) const override {
    if (op.name == "matmul" && operand == 1 && rank == 2) return {.layout = panels_of({1, 0}), .wanted = true};
    if (op.name == "take" && operand == 0 && rank == 2) return {.layout = panels_of({0, 1}), .wanted = false};
    return {};
  }
};

inline Module parse(const std::string& text) {
  Module module = parse_module("ingot 1\nnumerics 1\n" + text).module;
  for (Param& param : module.params) {
    if (param.alias_of) continue;
    const auto elements = static_cast<std::size_t>(num_elements(param.type.shape).constant());
    const std::vector<float> ones(elements, 1.0f);
    param.data = copy_data(ones.data(), elements * sizeof(float));
  }
  return module;
}

// The first graph after one pass.
inline std::string after(std::string_view pass, const std::string& text) {
  Module module = parse(text);
  verify(module);
  const AddingEvaluator evaluator;
  for (const Pass& candidate : pipeline()) {
    if (candidate.name != pass) continue;
    candidate.run({.module = module, .graph = module.graphs[0], .evaluator = &evaluator});
    verify(module);
    return print_graph(module, module.graphs[0]);
  }
  FAIL("no such pass");
  return "";
}

inline std::string same(const std::string& text) {
  const Module module = parse(text);
  return print_graph(module, module.graphs[0]);
}

}  // namespace ingot::testing
